//! The operator's page on the bus: says which services it has, is called, answers; and hears which plugins there are and how they are.
//! Reconnects by itself and says it anew. Must not know what the services do, nor how plugins are shown.

/** Waits before reconnecting, doubled from the first to the last. */
const RETRY_FIRST_MS = 250;
const RETRY_LAST_MS = 5_000;
/** How often the supervisor hears that this page is there. */
const PING_MS = 15_000;

/** What is called, and by whom; aborted when nobody waits for the answer any more. */
export interface Asked {
  caller: string;
  params: Record<string, unknown>;
  signal: AbortSignal;
}

/** The methods of a service. */
export type Methods = Record<string, (asked: Asked) => unknown>;

/** A plugin as the supervisor tells of it. */
export interface ShownPlugin {
  id: string;
  name: string;
  version: string;
  state: string;
  cause: string | null;
  /** Where its pages are; empty where all is in one place. */
  origin: string;
  hasUi: boolean;
  hasSettings: boolean;
  /** Files of its folder, below `assets/`. */
  iconLight: string | null;
  iconDark: string | null;
  routes: string[];
}

/** Who hears of plugins, and whether the supervisor is reached. */
export interface Hearer {
  all(plugins: ShownPlugin[]): void;
  one(plugin: ShownPlugin): void;
  reached(is: boolean): void;
}

interface Told {
  type: string;
  plugins: ShownPlugin[];
  shown: ShownPlugin;
}

interface Invoke {
  type: string;
  call: string;
  service: string;
  method: string;
  params?: unknown;
  caller?: string | null;
}

/** Provides these services, and tells of plugins, for as long as the page is open. */
export function join(url: string, services: Record<string, Methods>, hearer: Hearer): void {
  let attempt = 0;
  const open = (): void => {
    const socket = new WebSocket(url);
    const calls = new Map<string, AbortController>();
    const say = (frame: object): void => socket.send(JSON.stringify(frame));
    const pings = setInterval(() => socket.readyState === WebSocket.OPEN && say({ type: "ping" }), PING_MS);
    socket.addEventListener("open", () => {
      attempt = 0;
      hearer.reached(true);
      say({ type: "overview" });
      for (const service of Object.keys(services)) say({ type: "service.provide", service });
    });
    socket.addEventListener("message", ({ data }) => {
      const frame = JSON.parse(String(data)) as Invoke & Told;
      if (frame.type === "overview") hearer.all(frame.plugins);
      if (frame.type === "overview.plugin") hearer.one(frame.shown);
      if (frame.type === "service.cancelled") calls.get(frame.call)?.abort();
      if (frame.type === "service.invoke") void answer(frame, services, calls, say);
    });
    socket.addEventListener("close", () => {
      clearInterval(pings);
      hearer.reached(false);
      for (const call of calls.values()) call.abort();
      setTimeout(open, Math.min(RETRY_LAST_MS, RETRY_FIRST_MS * 2 ** attempt++));
    });
  };
  open();
}

async function answer({ call, service, method, params, caller }: Invoke, services: Record<string, Methods>, calls: Map<string, AbortController>, say: (frame: object) => void): Promise<void> {
  const act = services[service]?.[method];
  const controller = new AbortController();
  calls.set(call, controller);
  try {
    if (!act) throw new Error(`the operator's page has no method ${method} of ${service}; it has ${Object.keys(services[service] ?? {}).join(", ")}`);
    const asked = { caller: caller ?? "", params: (params ?? {}) as Record<string, unknown>, signal: controller.signal };
    const result = (await act(asked)) ?? null;
    if (!controller.signal.aborted) say({ type: "service.answer", call, result });
  } catch (error) {
    say({ type: "service.answer", call, error: { code: -32603, message: (error as Error).message } });
  } finally {
    calls.delete(call);
  }
}

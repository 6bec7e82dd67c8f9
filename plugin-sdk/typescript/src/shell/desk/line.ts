//! The operator's page as a provider of services: says which it has, is called, answers. Reconnects by itself and says it anew. Must not
//! know what the services do.

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

interface Invoke {
  type: string;
  call: string;
  service: string;
  method: string;
  params?: unknown;
  caller?: string | null;
}

/** Provides these services for as long as the page is open. */
export function provide(url: string, services: Record<string, Methods>): void {
  let attempt = 0;
  const open = (): void => {
    const socket = new WebSocket(url);
    const calls = new Map<string, AbortController>();
    const say = (frame: object): void => socket.send(JSON.stringify(frame));
    const pings = setInterval(() => socket.readyState === WebSocket.OPEN && say({ type: "ping" }), PING_MS);
    socket.addEventListener("open", () => {
      attempt = 0;
      for (const service of Object.keys(services)) say({ type: "service.provide", service });
    });
    socket.addEventListener("message", ({ data }) => {
      const frame = JSON.parse(String(data)) as Invoke;
      if (frame.type === "service.cancelled") calls.get(frame.call)?.abort();
      if (frame.type === "service.invoke") void answer(frame, services, calls, say);
    });
    socket.addEventListener("close", () => {
      clearInterval(pings);
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

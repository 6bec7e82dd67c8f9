//! A host in memory: answers a plugin's context calls as the supervisor would, from plain maps that a test can look into.
//! Used by the harness alone. Must not know how the plugin's side works.

import { CallError } from "../wire/error.js";

/** The airline that a test binds, with what a refresh gives. */
export interface FakeAirline {
  id: string;
  baseUrl: string;
  token: string | null;
  /** The bearer after a refresh; absent: every refresh is refused. */
  refresh?: () => string | Promise<string>;
}

/** A record of `ctx.logger`. */
export interface LogRecord {
  level: "debug" | "info" | "warn" | "error";
  tag: string;
  message: string;
  extra?: unknown;
}

/** What the host holds; a test may change it at any time. */
export interface HostState {
  config: Map<string, unknown>;
  /** The manifest's defaults. */
  defaults: Map<string, unknown>;
  token: string | null;
  airline: FakeAirline | null;
  logs: LogRecord[];
  channels: Set<string>;
  prefixes: Set<string>;
}

type Params = Record<string, unknown>;

/** The context calls and notifications of one plugin. */
export class MemoryHost {
  #refreshing: Promise<string> | undefined;

  constructor(
    readonly state: HostState,
    private readonly tell: (method: string, params: unknown) => void,
    private readonly event: (channel: string, payload: unknown) => void,
  ) {}

  /** Answers a context call. */
  answer(method: string, given: unknown): unknown {
    const params = (given ?? {}) as Params;
    const call = Object.hasOwn(this.#calls, method) ? this.#calls[method] : undefined;
    if (!call) throw CallError.of("method_not_found", `a host has no method ${JSON.stringify(method)}`);
    return call(params);
  }

  /** Takes a notification. */
  told(method: string, given: unknown): void {
    const params = given as Params;
    if (method === "log") this.state.logs.push({ tag: "", message: "", ...params } as LogRecord);
    else if (method === "ipc.send") this.event(String(params["channel"]), params["payload"]);
  }

  /** Changes a value as an operator or a UI would. */
  setConfig(key: string, value: unknown): void {
    this.state.config.set(key, value);
    this.tell("config.changed", { key, value, deleted: false });
  }

  readonly #calls: Record<string, (params: Params) => unknown> = {
    "config.get": ({ key }) => {
      const source = [this.state.config, this.state.defaults].find((values) => values.has(key as string));
      return { value: source?.get(key as string) ?? null, found: source !== undefined };
    },
    "config.set": ({ key, value }) => this.setConfig(key as string, value),
    "config.delete": ({ key }) => {
      const deleted = this.state.config.delete(key as string);
      if (deleted) this.tell("config.changed", { key, value: this.state.defaults.get(key as string) ?? null, deleted: true });
      return { deleted };
    },
    "config.getAll": () => ({ values: Object.fromEntries([...this.state.defaults, ...this.state.config]) }),
    "ipc.handle": ({ channel }) => void this.state.channels.add(channel as string),
    "ipc.removeHandler": ({ channel }) => void this.state.channels.delete(channel as string),
    "auth.isAuthenticated": () => ({ authenticated: this.state.token !== null }),
    "auth.getToken": () => ({ token: this.state.token }),
    "airline.getCurrent": () => {
      const { airline } = this.state;
      return { airline: airline && { id: airline.id, baseUrl: airline.baseUrl, token: airline.token } };
    },
    "airline.refresh": ({ staleToken }) => this.#refresh(staleToken as string | undefined),
    "server.register": ({ prefix }) => {
      this.state.prefixes.add(prefix as string);
      return { url: `http://127.0.0.1:2066${prefix as string}` };
    },
    "server.unregister": ({ prefix }) => void this.state.prefixes.delete(prefix as string),
  };

  async #refresh(stale: string | undefined): Promise<{ token: string }> {
    const { airline } = this.state;
    if (!airline?.refresh) throw CallError.of("auth_required", "the airline's sign-in cannot be renewed; sign in again");
    if (airline.token !== null && airline.token !== stale) return { token: airline.token };
    this.#refreshing ??= Promise.resolve(airline.refresh()).finally(() => (this.#refreshing = undefined));
    airline.token = await this.#refreshing;
    return { token: airline.token };
  }
}

//! A host in memory: answers a plugin's context calls as the supervisor would, from plain maps that a test can look into.
//! Used by the harness alone. Must not know how the plugin's side works.

import { join } from "node:path";
import type { ContextCalls, ContextNotices, LogParams } from "../generated/protocol.js";
import { named, type HostPeer, type Served, type Taken } from "../sides.js";
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
export type LogRecord = LogParams & Required<Pick<LogParams, "tag" | "message">>;

/** What the host holds; a test may change it at any time. */
export interface HostState {
  config: Map<string, unknown>;
  /** The manifest's defaults. */
  defaults: Map<string, unknown>;
  token: string | null;
  airline: FakeAirline | null;
  /** The plugin's data folder. */
  dataDir: string;
  /** How large each database may become, in bytes; 0: there is no room for a new one; absent: as large as it gets. */
  databaseBytes?: number;
  logs: LogRecord[];
  channels: Set<string>;
  prefixes: Set<string>;
}

/** What no plugin of this SDK calls: the client asks the airline itself. */
type Unserved = Extract<keyof ContextCalls, "airline.request">;

/** The context calls and notifications of one plugin. */
export class MemoryHost {
  #refreshing: Promise<string> | undefined;

  constructor(
    readonly state: HostState,
    private readonly peer: () => HostPeer,
    private readonly event: (channel: string, payload: unknown, retained: boolean) => void,
  ) {}

  /** Answers a context call. */
  answer(method: string, params: object): unknown {
    const call = named(this.#calls, method);
    if (!call) throw CallError.of("method_not_found", `a host has no method ${JSON.stringify(method)}`);
    return call(params);
  }

  /** Takes a notification. */
  told(method: string, params: object): void {
    named(this.#notices, method)?.(params);
  }

  /** Changes a value as an operator or a UI would. */
  setConfig(key: string, value: unknown): void {
    this.state.config.set(key, value);
    this.peer().notify("config.changed", { key, value, deleted: false });
  }

  readonly #notices: Taken<ContextNotices> = {
    log: (params) => this.state.logs.push({ tag: "", message: "", ...params }),
    "ipc.send": ({ channel, payload, retain }) => this.event(channel, payload, retain === true),
  };

  readonly #calls: Served<Omit<ContextCalls, Unserved>> = {
    "config.get": ({ key }) => {
      const source = [this.state.config, this.state.defaults].find((values) => values.has(key));
      return { value: source?.get(key) ?? null, found: source !== undefined };
    },
    "config.set": ({ key, value }) => this.setConfig(key, value),
    "config.delete": ({ key }) => {
      const deleted = this.state.config.delete(key);
      if (deleted) this.peer().notify("config.changed", { key, value: this.state.defaults.get(key) ?? null, deleted: true });
      return { deleted };
    },
    "config.getAll": () => ({ values: Object.fromEntries([...this.state.defaults, ...this.state.config]) }),
    "ipc.handle": ({ channel }) => void this.state.channels.add(channel),
    "ipc.removeHandler": ({ channel }) => void this.state.channels.delete(channel),
    "auth.isAuthenticated": () => ({ authenticated: this.state.token !== null }),
    "auth.getToken": () => ({ token: this.state.token }),
    "airline.getCurrent": () => {
      const { airline } = this.state;
      return { airline: airline && { id: airline.id, baseUrl: airline.baseUrl, token: airline.token } };
    },
    "airline.refresh": ({ staleToken }) => this.#refresh(staleToken),
    "database.open": ({ file }) => {
      const { dataDir, databaseBytes } = this.state;
      if (databaseBytes === 0) throw CallError.of("storage_full", `database.open: there is no room for ${file}; delete what is not needed, or raise \`limits.data\` in the settings`);
      return { path: join(dataDir, file), ...(databaseBytes === undefined ? {} : { maxBytes: databaseBytes }) };
    },
    "server.register": ({ prefix }) => {
      this.state.prefixes.add(prefix);
      return { url: `http://127.0.0.1:2066${prefix}` };
    },
    "server.unregister": ({ prefix }) => void this.state.prefixes.delete(prefix),
  };

  async #refresh(stale: string | null | undefined): Promise<{ token: string }> {
    const { airline } = this.state;
    if (!airline?.refresh) throw CallError.of("auth_required", "the airline's sign-in cannot be renewed; sign in again");
    if (airline.token !== null && airline.token !== stale) return { token: airline.token };
    this.#refreshing ??= Promise.resolve(airline.refresh()).finally(() => (this.#refreshing = undefined));
    airline.token = await this.#refreshing;
    return { token: airline.token };
  }
}

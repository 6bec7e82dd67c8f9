//! A host in memory: answers a plugin's context calls as the supervisor would, from plain maps that a test can look into.
//! Used by the harness alone. Must not know how the plugin's side works.

import { join } from "node:path";
import type { ContextNotices, LogParams, ServiceAskParams, ServiceReplyParams, ServiceState } from "../generated/protocol.js";
import { type AskedOfHost, named, type HostPeer, type Served, type Taken } from "../sides.js";
import { decode, encode } from "../tagged.js";
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

/** A service that a test provides: a function for each method. */
export type FakeService = Record<string, (params: any) => unknown>;

/** What the plugin told as a provider. */
export interface EmittedEvent {
  service: string;
  event: string;
  payload: unknown;
  /** The one plugin that it is for. */
  to?: string;
  latest?: boolean;
}

/** A question of the plugin, as a provider, to a consumer. */
export type AskedConsumer = Required<Pick<ServiceAskParams, "service" | "event" | "to">> & { payload: unknown };

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
  /** What others provide, by its name. */
  services: Map<string, FakeService>;
  /** The events that the plugin listens to: `flight/phase`. */
  subscriptions: Set<string>;
  emitted: EmittedEvent[];
  /** Answers where the plugin asks a consumer; undefined: the default counts. Absent: no consumer is there. */
  consumer?: (asked: AskedConsumer) => unknown;
}

/** What no plugin of this SDK calls: the client asks the airline itself. */
type Unserved = Extract<keyof AskedOfHost, "airline.request">;

/** The context calls and notifications of one plugin. */
export class MemoryHost {
  #refreshing: Promise<string> | undefined;
  #asked = 0;
  /** Questions to the plugin, by their ids. */
  readonly #asking = new Map<string, (reply: ServiceReplyParams) => void>();

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

  /** Tells an event of a service, if the plugin listens to it. */
  emit(service: string, event: string, payload: unknown, missed = 0): void {
    if (!this.state.subscriptions.has(`${service}/${event}`)) return;
    this.peer().notify("service.event", { service, event, payload: encode(payload), ...(missed > 0 ? { missed } : {}) });
  }

  /** Asks the plugin by an event, as a provider does. Rejects with the error that it answers. */
  async ask(service: string, event: string, payload: unknown): Promise<unknown> {
    if (!this.state.subscriptions.has(`${service}/${event}`)) throw CallError.of("not_found", `the plugin does not listen to ${event} of ${service}`);
    const answer = `ask-${++this.#asked}`;
    const replied = new Promise<ServiceReplyParams>((resolve) => this.#asking.set(answer, resolve));
    this.peer().notify("service.event", { service, event, payload: encode(payload), answer });
    const { result, error } = await replied;
    if (error) throw CallError.fromWire(error);
    return decode(result ?? null);
  }

  /** Says what has become of a service. */
  change(service: string, state: ServiceState, because?: string): void {
    this.peer().notify("service.changed", { service, state, ...(because === undefined ? {} : { because }) });
  }

  readonly #notices: Taken<ContextNotices> = {
    log: (params) => this.state.logs.push({ tag: "", message: "", ...params }),
    "ipc.send": ({ channel, payload, retain }) => this.event(channel, payload, retain === true),
    "service.emit": ({ service, event, payload, to, latest }) =>
      void this.state.emitted.push({ service, event, payload: decode(payload ?? null), ...(to ? { to } : {}), ...(latest ? { latest } : {}) }),
    "service.reply": (reply) => {
      this.#asking.get(reply.answer)?.(reply);
      this.#asking.delete(reply.answer);
    },
  };

  readonly #calls: Served<Omit<AskedOfHost, Unserved>> = {
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
    "service.call": async ({ service, method, params }) => {
      const provided = this.state.services.get(service);
      if (!provided) throw CallError.of("no_provider", `nobody provides ${service} here; give runPlugin({ services: { ${JSON.stringify(service)}: { … } } })`, { service });
      const answer = Object.hasOwn(provided, method) ? provided[method] : undefined;
      if (!answer) throw CallError.of("method_not_found", `service ${service} has no method ${JSON.stringify(method)} in this test`, { service });
      return encode((await answer(decode(params ?? null))) ?? null);
    },
    "service.subscribe": ({ service, event }) => void this.state.subscriptions.add(`${service}/${event}`),
    "service.unsubscribe": ({ service, event }) => void this.state.subscriptions.delete(`${service}/${event}`),
    "service.ask": async (asked) => {
      const { consumer } = this.state;
      const value = consumer && (await consumer({ service: asked.service, event: asked.event, to: asked.to, payload: decode(asked.payload ?? null) }));
      if (value !== undefined) return { value: encode(value) };
      return { value: asked.default ?? null, because: consumer ? `${asked.to} did not answer` : `${asked.to} is not there` };
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

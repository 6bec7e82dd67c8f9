//! The entry `…/testing`: runs a background module against a host in memory, so that an author's tests need no supervisor.
//! The module gets the real `ctx`, over the real frames; only the descriptors between are missing.

import { mkdtempSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Faces } from "../context/faces.js";
import { readModule } from "../plugin.js";
import { Session } from "../session.js";
import type { HostPeer } from "../sides.js";
import { decode, encode } from "../tagged.js";
import type { PluginBackgroundModule } from "../types.js";
import { Peer } from "../wire/peer.js";
import type { ServiceState } from "../generated/protocol.js";
import { MemoryHost, type AskedConsumer, type EmittedEvent, type FakeAirline, type FakeService, type HostState, type LogRecord } from "./host.js";

export type { AskedConsumer, EmittedEvent, FakeAirline, FakeService, LogRecord } from "./host.js";

/** How a module is run; everything is optional. */
export interface RunOptions {
  /** Default: `test-plugin`. */
  id?: string;
  /** Values that were set before. */
  config?: Record<string, unknown>;
  /** Defaults of the manifest's settings. */
  defaults?: Record<string, unknown>;
  /** The host's bearer; absent: nobody is signed in. */
  token?: string;
  airline?: FakeAirline;
  /** Absent: a folder that `stop` removes. */
  dataDir?: string;
  /** How large each database may become, in bytes; 0: there is no room for a new one; absent: as large as it gets. */
  databaseBytes?: number;
  /** Services that others provide, and what their methods answer. */
  services?: Record<string, FakeService>;
  /** Answers where the plugin, as a provider, asks a consumer; undefined: the default counts. */
  consumer?: (asked: AskedConsumer) => unknown;
  /** Members of `ctx` that another package makes. */
  faces?: Faces;
  /** Runs onResume, where the module has it, as after an update from this version. */
  resumeFrom?: string;
}

/** An event of `ctx.ipc.send`. */
export interface SentEvent {
  channel: string;
  payload: unknown;
  /** Whether it is kept for whoever connects later. */
  retained?: boolean;
}

/** A plugin that runs. */
export interface RunningPlugin {
  readonly logs: LogRecord[];
  readonly events: SentEvent[];
  readonly channels: ReadonlySet<string>;
  readonly prefixes: ReadonlySet<string>;
  readonly config: ReadonlyMap<string, unknown>;
  readonly dataDir: string;
  /** Calls a channel as the UI would. */
  invoke(channel: string, ...args: unknown[]): Promise<unknown>;
  /** Sends a request to the plugin's routers. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** Resolves with the next event on a channel that was not waited for yet. */
  nextEvent(channel: string): Promise<unknown>;
  /** Changes a value as an operator would. */
  setConfig(key: string, value: unknown): void;
  /** Signs in, or out with null. */
  setToken(token: string | null): void;
  /** Binds an airline, or none. */
  setAirline(airline: FakeAirline | null): void;
  /** The events of services that it listens to: `flight/phase`. */
  readonly subscriptions: ReadonlySet<string>;
  /** What it told as a provider. */
  readonly emitted: EmittedEvent[];
  /** Tells an event of a service, as its provider would; nothing where the plugin does not listen to it. */
  emitService(service: string, event: string, payload?: unknown, about?: { missed?: number }): void;
  /** Asks the plugin by an event, as a provider would, and gives its answer. */
  askByEvent(service: string, event: string, payload?: unknown): Promise<unknown>;
  /** Says that a service is answered, is answered no longer, or will be soon. */
  changeService(service: string, state: ServiceState, because?: string): void;
  /** Calls a method that the plugin provides, as the plugin `caller` would (default: `a-consumer`). */
  callProvided(service: string, method: string, params?: unknown, options?: { caller?: string; signal?: AbortSignal }): Promise<unknown>;
  /** Says who listens to an event that the plugin provides. */
  setSubscribers(service: string, event: string, consumers: string[]): void;
  /** Runs onStop. */
  stop(): Promise<void>;
}

/** Starts a module: a value of `createPlugin`, or a whole namespace of `import * as`. Rejects with what onStart throws. */
export async function runPlugin(module: PluginBackgroundModule | Record<string, unknown>, options: RunOptions = {}): Promise<RunningPlugin> {
  const plugin = new InMemoryPlugin(module as Record<string, unknown>, options);
  await plugin.start(options.resumeFrom);
  return plugin;
}

class InMemoryPlugin implements RunningPlugin {
  readonly events: SentEvent[] = [];
  readonly dataDir: string;
  readonly #state: HostState;
  readonly #host: MemoryHost;
  readonly #peer: HostPeer;
  readonly #session: Session;
  readonly #waiting: { channel: string; resolve(payload: unknown): void }[] = [];
  #seen = new Map<string, number>();
  #server: Server | undefined;

  constructor(module: Record<string, unknown>, private readonly options: RunOptions) {
    const { config = {}, defaults = {}, token = null, airline = null } = options;
    this.dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), "outboard-test-"));
    const maps = { config: new Map(Object.entries(config)), defaults: new Map(Object.entries(defaults)) };
    const bytes = options.databaseBytes === undefined ? {} : { databaseBytes: options.databaseBytes };
    const provided = new Map(Object.entries(options.services ?? {}));
    const services = { services: provided, subscriptions: new Set<string>(), emitted: [], ...(options.consumer ? { consumer: options.consumer } : {}) };
    this.#state = { ...maps, ...bytes, token, airline, dataDir: this.dataDir, logs: [], channels: new Set(), prefixes: new Set(), ...services };
    this.#host = new MemoryHost(this.#state, () => this.#peer, (channel, payload, retained) => this.#sent({ channel, payload: decode(payload ?? null), ...(retained ? { retained } : {}) }));
    // Each frame in a turn of its own, as on a wire.
    this.#peer = new Peer((frame) => queueMicrotask(() => this.#session.peer.receive(frame)), {
      request: (method, params) => this.#host.answer(method, params),
      notification: (method, params) => this.#host.told(method, params),
    });
    this.#session = new Session({
      send: (frame) => queueMicrotask(() => this.#peer.receive(frame)),
      load: async () => readModule("default" in module || "onStart" in module === false ? module : { default: module }, "the module under test"),
      listenAt: { host: "127.0.0.1", port: 0 },
      listening: (server) => (this.#server = server),
      stopped: () => {},
      ...(options.faces ? { faces: options.faces } : {}),
    });
  }

  get logs(): LogRecord[] {
    return this.#state.logs;
  }
  get channels(): ReadonlySet<string> {
    return this.#state.channels;
  }
  get prefixes(): ReadonlySet<string> {
    return this.#state.prefixes;
  }
  get config(): ReadonlyMap<string, unknown> {
    return this.#state.config;
  }

  get subscriptions(): ReadonlySet<string> {
    return this.#state.subscriptions;
  }
  get emitted(): EmittedEvent[] {
    return this.#state.emitted;
  }

  async start(resumeFrom: string | undefined): Promise<void> {
    const id = this.options.id ?? "test-plugin";
    const { hooks = [] } = await this.#peer.request("initialize", {
      protocolVersions: [1],
      host: { name: "outboard-testing", version: "0" },
      plugin: { id, version: "0.0.0", installDir: process.cwd(), dataDir: this.dataDir },
      http: { baseUrl: "http://127.0.0.1:2066", prefix: `/api/${id}` },
      features: [],
    });
    if (resumeFrom !== undefined && hooks.includes("onResume")) await this.#peer.request("resume", { fromVersion: resumeFrom });
    else await this.#peer.request("start");
  }

  async invoke(channel: string, ...args: unknown[]): Promise<unknown> {
    return decode(await this.#peer.request("ipc.invoke", { channel, args: args.map((arg, i) => encode(arg, `args[${i}]`)) }));
  }

  async fetch(path: string, init?: RequestInit): Promise<Response> {
    if (!this.#server) throw new Error(`nothing answers at ${path}: the plugin registered no router`);
    return fetch(`http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${path}`, init);
  }

  nextEvent(channel: string): Promise<unknown> {
    const seen = this.#seen.get(channel) ?? 0;
    const known = this.events.filter((event) => event.channel === channel)[seen];
    this.#seen.set(channel, seen + 1);
    if (known) return Promise.resolve(known.payload);
    return new Promise((resolve) => this.#waiting.push({ channel, resolve }));
  }

  setConfig(key: string, value: unknown): void {
    this.#host.setConfig(key, value);
  }

  setToken(token: string | null): void {
    this.#state.token = token;
    this.#peer.notify("auth.changed", { authenticated: token !== null });
  }

  setAirline(airline: FakeAirline | null): void {
    this.#state.airline = airline;
    this.#peer.notify("airline.changed", { airline: airline && { id: airline.id, baseUrl: airline.baseUrl } });
  }

  emitService(service: string, event: string, payload?: unknown, { missed = 0 } = {}): void {
    this.#host.emit(service, event, payload, missed);
  }

  askByEvent(service: string, event: string, payload?: unknown): Promise<unknown> {
    return this.#host.ask(service, event, payload);
  }

  changeService(service: string, state: ServiceState, because?: string): void {
    this.#host.change(service, state, because);
  }

  async callProvided(service: string, method: string, params?: unknown, { caller = "a-consumer", signal }: { caller?: string; signal?: AbortSignal } = {}): Promise<unknown> {
    return decode(await this.#peer.request("service.call", { service, method, params: encode(params), caller }, { signal }));
  }

  setSubscribers(service: string, event: string, consumers: string[]): void {
    this.#peer.notify("service.subscribed", { service, event, consumers });
  }

  async stop(): Promise<void> {
    try {
      await this.#peer.request("stop", { reason: "stopped" });
    } finally {
      this.#server?.closeAllConnections();
      if (this.options.dataDir === undefined) rmSync(this.dataDir, { recursive: true, force: true });
    }
  }

  #sent(event: SentEvent): void {
    const { channel, payload } = event;
    this.events.push(event);
    const at = this.#waiting.findIndex((waiting) => waiting.channel === channel);
    if (at >= 0) this.#waiting.splice(at, 1)[0]?.resolve(payload);
  }
}

/** For tests of hosts and runners: one side of the conversation, its framing, and the host in memory. */
export { MemoryHost, type HostState } from "./host.js";
export { LineDecoder } from "../wire/lines.js";
export * as message from "../wire/message.js";
export { Peer } from "../wire/peer.js";

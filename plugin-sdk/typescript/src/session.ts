//! A plugin's half of the protocol: answers the host's calls, in their order, with the author's module, and makes its `ctx`.
//! Driven by the runner (over descriptors) and by the testing harness (in memory). Must not know how frames travel.

import { beforeAddon } from "./addons.js";
import { Absences } from "./context/absent.js";
import { createAirline } from "./context/airline.js";
import { createAuth } from "./context/auth.js";
import { createConfig } from "./context/config.js";
import { createDatabase } from "./context/database.js";
import { addFaces, type Faces } from "./context/faces.js";
import { createIpc } from "./context/ipc.js";
import { createLogger } from "./context/logger.js";
import { Registrations } from "./context/registrations.js";
import { createServer } from "./context/server.js";
import { createServices } from "./context/service.js";
import type { Hook, HostNotices, InitializeParams, InitializeResult } from "./generated/protocol.js";
import { Application } from "./http/application.js";
import type { Declared } from "./plugin.js";
import { withoutSecrets } from "./secrets.js";
import type { PluginBackgroundModule, PluginContext } from "./types.js";
import { asError, CallError } from "./wire/error.js";
import { type AskedOfPlugin, named, type PluginPeer, type Served, type Taken } from "./sides.js";
import { Peer, type ServedCall, UNDER_WAY_MAX } from "./wire/peer.js";

/** The protocol version that is spoken. */
const PROTOCOL_VERSION = 1;

/** What is served however many calls of its channels are under way in the plugin. */
const URGENT: ReadonlySet<keyof AskedOfPlugin> = new Set(["initialize", "start", "resume", "stop", "ping"]);

/** What the session needs from whoever runs it. */
export interface SessionOptions {
  /** Takes one frame to the host. */
  send(frame: string): void;
  /** Loads the author's module; called once. A failure becomes the refusal of `start`. */
  load(): Promise<Declared>;
  /** The entry module's path. */
  entry?: string;
  /** Where the plugin serves HTTP. */
  listenAt: { fd: number } | { host: string; port: number };
  /** Members of `ctx` that another package makes. */
  faces?: Faces;
  /** Told when HTTP is served. */
  listening?(server: import("node:http").Server): void;
  /** Told after the answer to `stop` has been sent: the process should end. */
  stopped(): void;
  /** Whether so much waits to be written that further calls are to be refused. */
  clogged?(): boolean;
  /** Told of a line from the host that is not a message. */
  noise?(line: string): void;
}

/** One conversation with a host. */
export class Session {
  readonly peer: PluginPeer;
  readonly #loading: Promise<Declared>;
  readonly #logger;
  readonly #absences;
  readonly #registrations;
  readonly #config;
  readonly #ipc;
  readonly #auth;
  readonly #airline;
  readonly #services;
  #plugin: InitializeParams["plugin"] | undefined;
  #module: PluginBackgroundModule | undefined;
  #application: Application | undefined;
  #ctx: PluginContext | undefined;
  readonly #stopping = new AbortController();
  #starting = false;
  #started = false;

  constructor(private readonly options: SessionOptions) {
    this.peer = new Peer(options.send, {
      request: (method, params, call) => this.#call(method, params, call),
      notification: (method, params) => void named(this.#notices, method)?.(params),
      noise: (line) => options.noise?.(line),
      clogged: () => options.clogged?.() ?? false,
      urgent: URGENT,
      underWay: UNDER_WAY_MAX,
    });
    this.#logger = createLogger(this.peer);
    this.#absences = new Absences((message) => this.#logger.info("outboard", message));
    this.#registrations = new Registrations(this.#logger);
    this.#config = createConfig(this.peer);
    this.#ipc = createIpc(this.peer, this.#registrations);
    this.#auth = createAuth(this.peer);
    this.#airline = createAirline(this.peer);
    this.#services = createServices(this.peer, this.#registrations);
    // Loading begins at once, beside the handshake; a failure is told at `start`, where it has a meaning for the operator.
    this.#loading = options.load();
    this.#loading.catch(() => {});
  }

  /** The HTTP application, where a router was registered. */
  get application(): Application | undefined {
    return this.#application;
  }

  /** What to say before an error: that `ctx` lacks what its author counted on, or that an addon is for another Node, where that may be why. */
  before(error: Error): string {
    return `${beforeAddon(error)}${this.#absences.before(error)}`;
  }

  readonly #calls: Served<AskedOfPlugin> = {
    initialize: (params) => this.#initialize(params),
    start: (_, call) => this.#start((module, ctx) => module.onStart(ctx), "onStart", call),
    resume: ({ fromVersion }, call) =>
      this.#start((module, ctx) => (module.onResume ? module.onResume(ctx, { fromVersion }) : module.onStart(ctx)), "onResume", call),
    stop: () => this.#stop(),
    ping: () => {},
    "ipc.invoke": (params, call) => this.#ipc.invoke(params, call),
    "service.call": (params, call) => this.#services.call(params, call),
  };

  readonly #notices: Taken<HostNotices> = {
    "config.changed": (params) => this.#config.changed(params),
    "auth.changed": (params) => this.#auth.changed(params),
    "airline.changed": (params) => this.#airline.changed(params),
    // The contract has no member for it; the host has written a warning into this plugin's log.
    "database.quota": () => {},
    "service.event": (params) => this.#services.event(params),
    "service.changed": (params) => this.#services.changed(params),
    "service.subscribed": (params) => this.#services.subscribed(params),
  };

  async #call(method: string, params: object, call: ServedCall): Promise<unknown> {
    const serve = named(this.#calls, method);
    // What was told before this call is heard before it is answered: listeners are called in microtasks.
    await Promise.resolve();
    if (!serve) throw CallError.of("method_not_found", `a plugin has no method ${JSON.stringify(method)}`);
    return serve(params, call);
  }

  async #initialize({ protocolVersions, plugin }: InitializeParams): Promise<InitializeResult> {
    if (this.#plugin) throw CallError.of("conflict", "initialize comes once");
    if (!protocolVersions?.includes(PROTOCOL_VERSION)) {
      const message = `no common protocol version: the host speaks ${String(protocolVersions)}, this SDK ${PROTOCOL_VERSION}; upgrade the older of the two`;
      throw CallError.of("conflict", message, { protocolVersions: [PROTOCOL_VERSION] });
    }
    this.#plugin = plugin;
    const hooks: Hook[] = ["onStart", "onStop"];
    const declared = await this.#loading.catch(() => undefined);
    if (declared?.module.onResume) hooks.push("onResume");
    return { protocolVersion: PROTOCOL_VERSION, sdk: { name: "@outboard/plugin-sdk", version: __OUTBOARD_VERSION__, language: "javascript" }, hooks, features: [] };
  }

  async #start(hook: (module: PluginBackgroundModule, ctx: PluginContext) => unknown, name: string, call: ServedCall): Promise<void> {
    if (this.#starting) throw CallError.of("conflict", "a plugin is started once");
    this.#starting = true;
    const { module, hint } = await this.#loading;
    if (hint) this.#logger.warn("outboard", hint);
    this.#module = module;
    this.#ctx = this.#context();
    await this.#inHook(name, () => hook(module, this.#context()));
    await this.#registrations.settled();
    if (call.withdrawn) throw CallError.of("cancelled", "the host withdrew the start");
    if (this.#application) await this.#listen(this.#application);
    this.#started = true;
  }

  async #stop(): Promise<void> {
    this.#stopping.abort(CallError.of("shutting_down", "the plugin is being stopped"));
    try {
      const [module, ctx] = [this.#module, this.#ctx];
      if (module && ctx && this.#started) await this.#inHook("onStop", () => module.onStop(ctx));
    } finally {
      this.#services.end();
      this.#application?.close();
      // After the answer, which is sent when this function's promise has settled.
      setImmediate(() => this.options.stopped());
    }
  }

  /** Runs onStop without a host: the wire has ended. */
  async abandon(): Promise<void> {
    this.#stopping.abort(CallError.of("shutting_down", "the host has gone"));
    const [module, ctx] = [this.#module, this.#ctx];
    if (module && ctx && this.#started) await module.onStop(ctx);
  }

  #context(): PluginContext {
    if (this.#ctx) return this.#ctx;
    const plugin = this.#plugin;
    if (!plugin) throw CallError.of("invalid_request", "start before initialize");
    const { entry, faces } = this.options;
    const ctx: PluginContext = {
      pluginId: plugin.id,
      logger: this.#logger,
      config: this.#config.store,
      ipc: this.#ipc.registrar,
      auth: this.#auth.accessor,
      airline: this.#airline.accessor,
      database: createDatabase(this.peer, () => ({
        dataDir: plugin.dataDir,
        ...(entry === undefined ? {} : { entry }),
        warn: (message) => this.#logger.warn("outboard", message),
      })),
      server: createServer(this.peer, this.#registrations, () => this.#serve()),
      service: this.#services.service,
    };
    if (faces) addFaces(ctx, faces, { service: this.#services.service, logger: this.#logger, stopping: this.#stopping.signal });
    return this.#absences.watch(ctx);
  }

  /** Runs a hook; what it throws says which hook it was. */
  async #inHook(hook: string, run: () => unknown): Promise<void> {
    try {
      await run();
    } catch (thrown) {
      const error = asError(thrown);
      const place = firstPlace(error.stack ?? "");
      // The refusal of a start is shown to operators and logged.
      const message = withoutSecrets(`${this.before(error)}${hook} threw ${error.name}: ${error.message}${place ? ` (at ${place})` : ""}`);
      throw Object.assign(new Error(message, { cause: error }), { stack: error.stack && withoutSecrets(error.stack) });
    }
  }

  #serve(): Application {
    const application = (this.#application ??= new Application((request, error) => this.#logger.error("http", `${request}: ${error.message}`, error)));
    // A router that comes after the start finds nobody listening yet.
    if (this.#started) void this.#listen(application);
    return application;
  }

  async #listen(application: Application): Promise<void> {
    const server = await application.listen(this.options.listenAt);
    this.options.listening?.(server);
  }
}

declare const __OUTBOARD_VERSION__: string;

/** Where this code lies: its frames are not the author's. */
const OWN = new URL(".", import.meta.url).pathname;

/** The first `file:line:column` of a stack that lies in the plugin's own code. */
function firstPlace(stack: string): string | undefined {
  for (const line of stack.split("\n").slice(1)) {
    const place = line.match(/((?:file:\/\/)?\/[^()]*:\d+:\d+)\)?$/)?.[1];
    if (place && !line.includes("node:") && !line.includes(OWN)) return place.replace(/^file:\/\//, "");
  }
  return undefined;
}

//! A plugin's half of the protocol: answers the host's calls, in their order, with the author's module, and makes its `ctx`.
//! Driven by the runner (over descriptors) and by the testing harness (in memory). Must not know how frames travel.

import { createAirline } from "./context/airline.js";
import { createAuth } from "./context/auth.js";
import { createConfig, type ConfigChanged } from "./context/config.js";
import { createDatabase } from "./context/database.js";
import { createIpc } from "./context/ipc.js";
import { createLogger } from "./context/logger.js";
import { Registrations } from "./context/registrations.js";
import { createServer } from "./context/server.js";
import { Application } from "./http/application.js";
import type { Declared } from "./plugin.js";
import type { PluginBackgroundModule, PluginContext } from "./types.js";
import { asError, CallError } from "./wire/error.js";
import { Peer } from "./wire/peer.js";

/** The protocol version that is spoken. */
const PROTOCOL_VERSION = 1;

/** What is served however many calls of its channels are under way in the plugin. */
const URGENT: ReadonlySet<string> = new Set(["initialize", "start", "resume", "stop", "ping"]);

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
  /** Told when HTTP is served. */
  listening?(server: import("node:http").Server): void;
  /** Told after the answer to `stop` has been sent: the process should end. */
  stopped(): void;
  /** Told of a line from the host that is no message. */
  noise?(line: string): void;
}

interface InitializeParams {
  protocolVersions: number[];
  plugin: { id: string; version: string; installDir: string; dataDir: string };
}

/** Everything that the host may call. */
type HostCall = (params: never) => unknown;

/** One conversation with a host. */
export class Session {
  readonly peer: Peer;
  readonly #loading: Promise<Declared>;
  readonly #logger;
  readonly #registrations;
  readonly #config;
  readonly #ipc;
  readonly #auth;
  readonly #airline;
  #plugin: InitializeParams["plugin"] | undefined;
  #module: PluginBackgroundModule | undefined;
  #application: Application | undefined;
  #ctx: PluginContext | undefined;
  #started = false;

  constructor(private readonly options: SessionOptions) {
    this.peer = new Peer(options.send, {
      request: (method, params) => this.#call(method, params),
      notification: (method, params) => this.#told(method, params),
      noise: (line) => options.noise?.(line),
      urgent: URGENT,
    });
    this.#logger = createLogger(this.peer);
    this.#registrations = new Registrations(this.#logger);
    this.#config = createConfig(this.peer);
    this.#ipc = createIpc(this.peer, this.#registrations);
    this.#auth = createAuth(this.peer);
    this.#airline = createAirline(this.peer);
    // Loading begins at once, beside the handshake; a failure is told at `start`, where it has a meaning for the operator.
    this.#loading = options.load();
    this.#loading.catch(() => {});
  }

  /** The HTTP application, where a router was registered. */
  get application(): Application | undefined {
    return this.#application;
  }

  readonly #calls: Record<string, HostCall> = {
    initialize: (params: InitializeParams) => this.#initialize(params),
    start: () => this.#start((module, ctx) => module.onStart(ctx), "onStart"),
    resume: ({ fromVersion }: { fromVersion: string }) =>
      this.#start((module, ctx) => (module.onResume ? module.onResume(ctx, { fromVersion }) : module.onStart(ctx)), "onResume"),
    stop: () => this.#stop(),
    ping: () => ({}),
    "ipc.invoke": (params: { channel: string; args?: unknown[] }) => this.#ipc.invoke(params),
  };

  #call(method: string, params: unknown): unknown {
    const call = Object.hasOwn(this.#calls, method) ? this.#calls[method] : undefined;
    if (!call) throw CallError.of("method_not_found", `a plugin has no method ${JSON.stringify(method)}`);
    return call((params ?? {}) as never);
  }

  #told(method: string, params: unknown): void {
    if (method === "config.changed") this.#config.changed(params as ConfigChanged);
    else if (method === "auth.changed") this.#auth.changed(params as { authenticated: boolean });
    else if (method === "airline.changed") this.#airline.changed(params as { airline: { id: string; baseUrl: string } | null });
  }

  async #initialize({ protocolVersions, plugin }: InitializeParams): Promise<unknown> {
    if (!protocolVersions?.includes(PROTOCOL_VERSION)) {
      const message = `no common protocol version: the host speaks ${String(protocolVersions)}, this SDK ${PROTOCOL_VERSION}; upgrade the older of the two`;
      throw CallError.of("conflict", message, { protocolVersions: [PROTOCOL_VERSION] });
    }
    this.#plugin = plugin;
    const hooks = ["onStart", "onStop"];
    const declared = await this.#loading.catch(() => undefined);
    if (declared?.module.onResume) hooks.push("onResume");
    return { protocolVersion: PROTOCOL_VERSION, sdk: { name: "@outboard/plugin-sdk", version: __OUTBOARD_VERSION__, language: "javascript" }, hooks, features: [] };
  }

  async #start(hook: (module: PluginBackgroundModule, ctx: PluginContext) => unknown, name: string): Promise<unknown> {
    const { module, hint } = await this.#loading;
    if (hint) this.#logger.warn("outboard", hint);
    this.#module = module;
    this.#ctx = this.#context();
    await named(name, () => hook(module, this.#context()));
    await this.#registrations.settled();
    if (this.#application) await this.#listen(this.#application);
    this.#started = true;
    return {};
  }

  async #stop(): Promise<unknown> {
    try {
      const [module, ctx] = [this.#module, this.#ctx];
      if (module && ctx && this.#started) await named("onStop", () => module.onStop(ctx));
      return {};
    } finally {
      this.#application?.close();
      // After the answer, which is sent when this function's promise has settled.
      setImmediate(() => this.options.stopped());
    }
  }

  /** Runs onStop without a host: the wire has ended. */
  async abandon(): Promise<void> {
    const [module, ctx] = [this.#module, this.#ctx];
    if (module && ctx && this.#started) await module.onStop(ctx);
  }

  #context(): PluginContext {
    if (this.#ctx) return this.#ctx;
    const plugin = this.#plugin;
    if (!plugin) throw CallError.of("invalid_request", "start before initialize");
    const { entry } = this.options;
    return {
      pluginId: plugin.id,
      logger: this.#logger,
      config: this.#config.store,
      ipc: this.#ipc.registrar,
      auth: this.#auth.accessor,
      airline: this.#airline.accessor,
      database: createDatabase(() => ({
        dataDir: plugin.dataDir,
        ...(entry === undefined ? {} : { entry }),
        warn: (message) => this.#logger.warn("outboard", message),
      })),
      server: createServer(this.peer, this.#registrations, () => this.#serve()),
    };
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

/** Runs a hook; what it throws says which hook it was. */
async function named(hook: string, run: () => unknown): Promise<void> {
  try {
    await run();
  } catch (thrown) {
    const error = asError(thrown);
    const place = firstPlace(error.stack ?? "");
    throw Object.assign(new Error(`${hook} threw ${error.name}: ${error.message}${place ? ` (at ${place})` : ""}`, { cause: error }), { stack: error.stack });
  }
}

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

//! The types of the plugin contract: the module that an author writes and the `ctx` that it is given. Types only, so that
//! importing this file costs nothing. The members are implemented in `context/`, one file a namespace.

import type { AxiosInstance } from "axios";
import type { Database } from "./database/types.js";
import type { Airline as PluginAirline, AirlineName, ResumeParams } from "./generated/protocol.js";
import type { AnyService, Service, ServiceShape } from "./service-types.js";

export type { AxiosInstance } from "axios";
export type { Airline as PluginAirline } from "./generated/protocol.js";
export type * from "./service-types.js";
export type { Database, RunResult, Statement, Transaction } from "./database/types.js";

/** What a background module exports by default. */
export interface PluginBackgroundModule {
  /** Runs once when the plugin starts. A throw marks the plugin errored; it is not started again by itself. */
  onStart(ctx: PluginContext): void | Promise<void>;
  /** Runs when the plugin stops, within the host's time limit. */
  onStop(ctx: PluginContext): void | Promise<void>;
  /** Runs in place of `onStart` after an update. */
  onResume?(ctx: PluginContext, update: ResumeInfo): void | Promise<void>;
}

/** What `onResume` is told. */
export type ResumeInfo = ResumeParams;

/** What a plugin is given. */
export interface PluginContext {
  /** The plugin's id. */
  readonly pluginId: string;
  readonly logger: PluginLogger;
  readonly config: PluginConfigStore;
  readonly ipc: PluginIPCRegistrar;
  readonly auth: PluginAuthAccessor;
  readonly airline: PluginAirlineAccessor;
  readonly database: PluginDatabaseAccessor;
  readonly server: PluginServerRegistrar;
  /** A service by its name: to call it, to listen to it, or to provide it. Asks nobody; one that nobody provides is told by its calls. */
  service<Description extends ServiceShape = AnyService>(name: string): Service<Description>;
}

/** Structured log records. Never blocks, never throws. */
export interface PluginLogger {
  debug(tag: string, message?: string, extra?: unknown): void;
  info(tag: string, message?: string, extra?: unknown): void;
  warn(tag: string, message?: string, extra?: unknown): void;
  error(tag: string, message?: string, extra?: unknown): void;
}

/** Takes back a subscription. */
export type Unsubscribe = () => void;

/** Durable values of this plugin alone. */
export interface PluginConfigStore {
  /** What was set, else the manifest's default, else `fallback`. */
  get<T = unknown>(key: string, fallback: T): Promise<T>;
  get<T = unknown>(key: string): Promise<T | undefined>;
  /**
   * Any JSON; what JSON cannot hold (NaN, a Date, a Map, a class of one's own) is refused by its path. Resolves when the value is on
   * disk.
   */
  set(key: string, value: unknown): Promise<void>;
  /** Resolves when the deletion is on disk. */
  delete(key: string): Promise<void>;
  /** Every key with its value. */
  getAll(): Promise<Record<string, unknown>>;
  /** Calls `listener` after each change, by whomever. The value is `undefined` when nothing is left. */
  onChange(listener: (key: string, value: unknown) => void): Unsubscribe;
}

/** Messages between a plugin and its own UIs. Channel names are leaf names: `status-update`, not `plugin:x:status-update`. */
export interface PluginIPCRegistrar {
  /** Answers the UI's `invoke(channel, ...args)`. */
  // `any`: an author types the arguments as he knows them.
  handle(channel: string, answer: (...args: any[]) => unknown): void;
  /**
   * In what answers a channel, and in everything that it calls and awaits: aborted when the caller no longer waits, with the reason
   * as `signal.reason`. The call is answered then, and what the handler returns is dropped; give the signal to what it waits for.
   * Anywhere else a signal that is never aborted.
   */
  readonly signal: AbortSignal;
  /** From now on the channel is answered no longer. */
  removeHandler(channel: string): void;
  /** Pushes to every connected UI of this plugin. */
  send(channel: string, payload?: unknown, options?: SendOptions): void;
}

/** What may be said of an event. */
export interface SendOptions {
  /**
   * Keep it as the channel's last value: who connects later gets it at once, also after a restart of the plugin. `null` forgets what
   * was kept.
   */
  retain?: boolean;
}

/** The host's sign-in, to read. */
export interface PluginAuthAccessor {
  isAuthenticated(): Promise<boolean>;
  getToken(): Promise<string | null>;
  /** Calls `listener` after each sign-in and sign-out. */
  onChange(listener: (authenticated: boolean) => void): Unsubscribe;
}

/** The airline that the host is bound to, and HTTP on its behalf. */
export interface PluginAirlineAccessor {
  /** A fresh snapshot. */
  getCurrent(): Promise<PluginAirline | null>;
  /** An axios instance whose base URL and bearer are resolved at each request. Keep it as long as you like. */
  createClient(): AxiosInstance;
  /** Calls `listener` when another airline, or none, is bound. */
  onChange(listener: (airline: AirlineName | null) => void): Unsubscribe;
}

/** SQLite files in the plugin's own data folder. */
export interface PluginDatabaseAccessor {
  /** Opens, or creates, a file: a plain name, never a path. */
  open(file: string): Database;
}

/** Anything that Express calls with a request: a router of Express 4 or 5, an application, or a function. */
// `any`: two versions of Express and none must fit.
export type RequestRouter = (req: any, res: any, next: any) => unknown;

/** HTTP routes on the supervisor's server. */
export interface PluginServerRegistrar {
  /** The router answers below `prefix`, which is `/api/<id>` or below, or any other path that nobody owns. */
  registerRouter(prefix: string, router: RequestRouter): void;
}

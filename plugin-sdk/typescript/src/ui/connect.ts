//! `connect()`: a plugin's UI side for any page, with or without React. Keeps what must be read synchronously (configuration,
//! state) and enforces the rules of the socket: leaf names, same plugin, no emit.

import { STRATOS_APP_BASE } from "../base.js";
import { checkChannel } from "../names.js";
import { decode, encode } from "../tagged.js";
import { Bus, type ServerFrame } from "./bus.js";
import type { EventListener, PluginSocket, PluginUiAirline, PluginUiAuth, PluginUiContext, PluginUiLogger } from "./types.js";

/** A page's connection to one plugin. What the page itself does for a UI is not in it. */
export interface PluginConnection extends Omit<PluginUiContext, "toast" | "navigation"> {
  /** Resolves when the supervisor has told state and configuration for the first time. */
  readonly ready: Promise<void>;
  /** Calls `listener` when anything that can be read here has changed. */
  onChange(listener: () => void): () => void;
  /** A number that grows with every such change. */
  readonly version: number;
  /** What may be set for the plugin, as its `plugin.json` declares it. */
  settings(): Promise<Record<string, unknown>[]>;
  /** Gives a key of the plugin's configuration another value; resolves when it is kept. */
  configure(key: string, value: unknown): Promise<void>;
  /** Gives a key its default again. */
  reset(key: string): Promise<void>;
  /** Calls a method of a service that a host or another plugin provides. */
  callService<T = unknown>(service: string, method: string, params?: unknown): Promise<T>;
  /** Calls `listener` with each event of a service, also of a later provider's. */
  onService(service: string, event: string, listener: EventListener): () => void;
  /** Calls `listener` whenever somebody provides the service anew, or the supervisor is reached again. */
  onServiceAvailable(service: string, listener: () => void): () => void;
  /** Ends it; nothing is received from now on. */
  close(): void;
}

/** Where the supervisor is. */
export interface ConnectOptions {
  /** Origin of the supervisor; default: {@link STRATOS_APP_BASE}. */
  base?: string;
}

const buses = new Map<string, Bus>();

/** Connects a page to a plugin. Reconnects by itself for as long as it is not closed. */
export function connect(pluginId: string, { base = STRATOS_APP_BASE }: ConnectOptions = {}): PluginConnection {
  return new Connection(pluginId, busOf(base));
}

/** The page's one bus of a supervisor. */
export function busOf(base: string = STRATOS_APP_BASE): Bus {
  const url = `${base.replace(/^http/, "ws")}/_outboard/bus`;
  const bus = buses.get(url) ?? new Bus(url);
  buses.set(url, bus);
  return bus;
}

class Connection implements PluginConnection {
  readonly ready: Promise<void>;
  readonly socket: PluginSocket;
  readonly logger: PluginUiLogger;
  readonly config = {
    get: (key: string, fallback?: unknown) => (Object.hasOwn(this.#config, key) ? this.#config[key] : fallback) as any,
    getAll: () => ({ ...this.#config }),
  };
  state = "unknown";
  connected = false;
  version = 0;
  auth: PluginUiAuth = signedIn(false);
  airline: PluginUiAirline | null = null;
  #config: Record<string, unknown> = {};
  readonly #listeners = new Map<string, Set<EventListener>>();
  readonly #services = new Map<string, Set<EventListener>>();
  readonly #available = new Map<string, Set<EventListener>>();
  readonly #watchers = new Set<() => void>();
  readonly #unsubscribe: () => void;
  #told: () => void = () => {};

  constructor(readonly pluginId: string, private readonly bus: Bus) {
    this.ready = new Promise((resolve) => (this.#told = resolve));
    this.socket = this.#makeSocket();
    this.logger = consoleLogger(pluginId);
    this.#unsubscribe = bus.subscribe(pluginId, {
      frame: (frame) => this.#frame(frame),
      connection: (connected) => {
        this.connected = connected;
        this.#changed();
      },
    });
  }

  async invoke<T>(channel: string, ...args: unknown[]): Promise<T> {
    checkChannel(channel);
    return decode(await this.bus.invoke(this.pluginId, channel, args.map((arg, i) => encode(arg, `args[${i}]`)))) as T;
  }

  async settings(): Promise<Record<string, unknown>[]> {
    return (await this.bus.ask({ type: "settings", plugin: this.pluginId })) as Record<string, unknown>[];
  }

  async configure(key: string, value: unknown): Promise<void> {
    await this.bus.ask({ type: "configure", plugin: this.pluginId, key, value });
  }

  async reset(key: string): Promise<void> {
    await this.bus.ask({ type: "reset", plugin: this.pluginId, key });
  }

  async callService<T>(service: string, method: string, params?: unknown): Promise<T> {
    return (await this.bus.ask({ type: "service.call", plugin: this.pluginId, service, method, params: params ?? null })) as T;
  }

  onService(service: string, event: string, listener: EventListener): () => void {
    const wanted = { service, event };
    const off = added(this.#services, JSON.stringify(wanted), listener, () => this.bus.tell({ type: "service.subscribe", plugin: this.pluginId, ...wanted }));
    return () => off(() => this.bus.tell({ type: "service.unsubscribe", plugin: this.pluginId, ...wanted }));
  }

  onServiceAvailable(service: string, listener: () => void): () => void {
    const off = added(this.#available, service, listener, () => {});
    return () => off(() => {});
  }

  onChange(listener: () => void): () => void {
    this.#watchers.add(listener);
    return () => void this.#watchers.delete(listener);
  }

  close(): void {
    this.#listeners.clear();
    this.#unsubscribe();
  }

  #frame(frame: ServerFrame): void {
    switch (frame.type) {
      case "event":
        return call(this.#listeners.get(frame.channel ?? ""), decode(frame.payload ?? null));
      case "service.event":
        return call(this.#services.get(JSON.stringify({ service: frame.service, event: frame.event })), frame.payload ?? null);
      case "service.changed":
        return frame.state === "available" ? call(this.#available.get(frame.service ?? ""), undefined) : undefined;
      case "subscribed":
        this.#config = { ...frame.config };
        this.state = frame.state ?? this.state;
        if (frame.authenticated !== undefined) this.auth = signedIn(frame.authenticated);
        if (frame.airline !== undefined) this.airline = named(frame.airline);
        this.#told();
        // What was wanted of services is wanted of this connection too.
        for (const wanted of this.#services.keys()) this.bus.tell({ type: "service.subscribe", plugin: this.pluginId, ...(JSON.parse(wanted) as object) });
        for (const listeners of this.#available.values()) call(listeners, undefined);
        break;
      case "config":
        this.#config = { ...this.#config };
        if (frame.deleted && (frame.value ?? null) === null) delete this.#config[frame.key ?? ""];
        else this.#config[frame.key ?? ""] = frame.value;
        break;
      case "state":
        this.state = frame.state ?? "unknown";
        break;
      case "auth":
        this.auth = signedIn(frame.authenticated === true);
        break;
      case "airline":
        this.airline = named(frame.airline ?? null);
        break;
      default:
        return; // a newer supervisor's frame
    }
    this.#changed();
  }

  #changed(): void {
    this.version++;
    for (const watcher of [...this.#watchers]) watcher();
  }

  #makeSocket(): PluginSocket {
    const socket = {
      on: (channel: string, listener: EventListener) => {
        checkChannel(channel);
        if (typeof listener !== "function") throw new TypeError(`socket.on(${JSON.stringify(channel)}): the second argument must be a function`);
        const all = this.#listeners.get(channel) ?? new Set();
        this.#listeners.set(channel, all.add(listener));
      },
      off: (channel: string, listener?: EventListener) => {
        checkChannel(channel);
        if (listener) this.#listeners.get(channel)?.delete(listener);
        else this.#listeners.delete(channel);
      },
      emit: () => {
        throw new Error("socket.emit: a UI does not send events; call invoke(channel, …) or an HTTP route of the background module");
      },
    };
    return socket;
  }
}

/** Calls each of them. */
function call(listeners: Set<EventListener> | undefined, payload: unknown): void {
  for (const listener of [...(listeners ?? [])]) {
    try {
      listener(payload);
    } catch (error) {
      // One listener's fault must not keep the event from the next; the browser reports it as its own.
      setTimeout(() => {
        throw error;
      });
    }
  }
}

/** Adds a listener; `first` is done for the first of its name. What is given back removes it, and does `last` after the last one. */
function added(all: Map<string, Set<EventListener>>, name: string, listener: EventListener, first: () => void): (last: () => void) => void {
  const listeners = all.get(name) ?? new Set();
  all.set(name, listeners.add(listener));
  if (listeners.size === 1) first();
  return (last) => {
    if (!listeners.delete(listener) || listeners.size > 0) return;
    all.delete(name);
    last();
  };
}

function signedIn(isAuthenticated: boolean): PluginUiAuth {
  return { isAuthenticated, token: null, user: null };
}

function named(airline: { id: string; baseUrl: string } | null): PluginUiAirline | null {
  return airline && { ...airline, base_url: airline.baseUrl };
}

function consoleLogger(id: string): PluginUiLogger {
  const at = (level: "debug" | "info" | "warn" | "error") => (tag: string, message?: string, extra?: unknown) =>
    console[level](`[${id}]${message === undefined ? "" : ` ${tag}:`} ${message ?? tag}`, ...(extra === undefined ? [] : [extra]));
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

//! The types of the UI side.

import type { PluginNavigation, PluginToast } from "./surface.js";

/** Takes an event's payload. */
export type EventListener = (payload: any) => void;

/** Events that the plugin's background module sends. */
export interface PluginSocket {
  /** Calls `listener` with each event on a channel; give the leaf name alone. */
  on(channel: string, listener: EventListener): void;
  /** Takes a listener back; without one, all of the channel. */
  off(channel: string, listener?: EventListener): void;
}

/** The plugin's configuration, as it is at this moment. */
export interface PluginUiConfig {
  get<T = unknown>(key: string, fallback: T): T;
  get<T = unknown>(key: string): T | undefined;
  getAll(): Record<string, unknown>;
}

/** The host's sign-in, as far as a page may know of it: a bearer never gets here. */
export interface PluginUiAuth {
  readonly isAuthenticated: boolean;
  /** Always null: a page is reached by whatever runs in it, so the host keeps the bearer. */
  readonly token: string | null;
  /** Who is signed in; null, since the host knows no more than that somebody is. */
  readonly user: Record<string, unknown> | null;
}

/** The bound airline without its bearer. */
export interface PluginUiAirline {
  id: string;
  baseUrl: string;
  /** The same address, under the name that the original shell gives it. */
  base_url: string;
}

/** Log records of a page go to the browser's console. */
export interface PluginUiLogger {
  debug(tag: string, message?: string, extra?: unknown): void;
  info(tag: string, message?: string, extra?: unknown): void;
  warn(tag: string, message?: string, extra?: unknown): void;
  error(tag: string, message?: string, extra?: unknown): void;
}

/** What the plugin is doing: `running`, `starting`, `stopped`, …; `ui-only` where there is no background module; `unknown` before the first word from the supervisor. */
export type PluginState = string;

/** What `usePluginContext` gives. */
export interface PluginUiContext {
  readonly pluginId: string;
  /** What the plugin's background module is doing. */
  readonly state: PluginState;
  /** Whether the supervisor is reached at this moment. */
  readonly connected: boolean;
  readonly config: PluginUiConfig;
  readonly auth: PluginUiAuth;
  readonly airline: PluginUiAirline | null;
  readonly socket: PluginSocket;
  readonly logger: PluginUiLogger;
  readonly toast: PluginToast;
  readonly navigation: PluginNavigation;
  /** Calls what the background module handles with `ctx.ipc.handle`. */
  invoke<T = unknown>(channel: string, ...args: unknown[]): Promise<T>;
}

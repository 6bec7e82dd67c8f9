//! The two sides of a conversation, typed by the method table: what each may ask and tell. A method that the table changes
//! stops the compiler wherever this package calls it, serves it, or imitates it.

import type { BothCalls, ContextCalls, ContextNotices, HostCalls, HostNotices } from "./generated/protocol.js";
import type { Peer, ServedCall } from "./wire/peer.js";

/** What a plugin asks, and what a host has to serve. */
export type AskedOfHost = ContextCalls & BothCalls;

/** What a host asks, and what a plugin has to serve. */
export type AskedOfPlugin = HostCalls & BothCalls;

/** The plugin's side: makes context calls. */
export type PluginPeer = Peer<AskedOfHost, ContextNotices>;

/** The host's side: makes host calls. */
export type HostPeer = Peer<AskedOfPlugin, HostNotices>;

/** What serves every call of a table. */
export type Served<Calls extends object> = {
  [Method in keyof Calls]: Calls[Method] extends { params: infer Params; result: infer Result } ? (params: Params, call: ServedCall) => Given<Result> | Promise<Given<Result>> : never;
};

/** What takes every notification of a table. */
export type Taken<Notices extends object> = {
  [Method in keyof Notices]: Notices[Method] extends { params: infer Params } ? (params: Params) => void : never;
};

/** An empty result may be left out. */
type Given<Result> = Result extends Record<string, never> ? Result | void : Result;

/** The function of a table that has this name. */
export function named<Table extends object>(table: Table, method: string): ((params: object, call?: ServedCall) => unknown) | undefined {
  return Object.hasOwn(table, method) ? (table[method as keyof Table] as (params: object, call?: ServedCall) => unknown) : undefined;
}

//! The entry `…/ui`, and the bare package in a browser: what a plugin's UI imports.

export { STRATOS_APP_BASE } from "../base.js";
export { createPlugin, InvalidPluginError } from "../plugin.js";
export { UncloneableError } from "../tagged.js";
export { CallError } from "../wire/error.js";
export { connect, type ConnectOptions, type PluginConnection } from "./connect.js";
export { PluginShellProvider, usePluginContext, type PluginShellProviderProps } from "./react.js";
export type * from "../types.js";
export type * from "./types.js";

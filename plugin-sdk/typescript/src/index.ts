//! The bare package, as a background module sees it. In a browser the same name is `ui/index.ts`, which has the hooks as well.

export { STRATOS_APP_BASE } from "./base.js";
export { createPlugin, InvalidPluginError } from "./plugin.js";
export { UncloneableError } from "./tagged.js";
export { CallError } from "./wire/error.js";
export { PluginShellProvider, usePluginContext } from "./ui-absent.js";
export type * from "./types.js";
export type { PluginUiContext } from "./ui/types.js";

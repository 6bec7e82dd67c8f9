//! The entry `…/helpers`: `createPlugin`, from where the original documentation imports it, and what UIs import there.

export { STRATOS_APP_BASE } from "./base.js";
export { createPlugin, InvalidPluginError } from "./plugin.js";
export { UncloneableError } from "./tagged.js";
export { CallError } from "./wire/error.js";
export type * from "./types.js";

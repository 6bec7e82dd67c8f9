//! The entry `…/helpers`: `createPlugin`, from where the original documentation imports it.

export { createPlugin, InvalidPluginError } from "./plugin.js";
export type * from "./types.js";

//! The entry `…/helpers`: as that of `@outboard/plugin-sdk`, with the shell's `ctx`.

export * from "@outboard/plugin-sdk/helpers";
export { createPlugin } from "./index.js";
export type * from "./types.js";
export type { EventCategory, FlightPhase } from "./values.js";
export type { ShellBackgroundModule as PluginBackgroundModule, ShellContext as PluginContext } from "./types.js";

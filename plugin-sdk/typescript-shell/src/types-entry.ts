//! The entry `…/types`: the SDK's types, with the shell's own.

export type * from "@outboard/plugin-sdk/types";
export type * from "./types.js";
export type { EventCategory, FlightPhase } from "./values.js";
export type { ShellBackgroundModule as PluginBackgroundModule, ShellContext as PluginContext } from "./types.js";

//! The bare package: what `@outboard/plugin-sdk` has, the words of a flight, and `createPlugin` with the shell's `ctx`. In a browser the
//! same name is `ui/index.ts`, whose hooks work.

import { createPlugin as create } from "@outboard/plugin-sdk";
import type { ShellBackgroundModule } from "./types.js";

export * from "@outboard/plugin-sdk";
export * from "./ui-absent.js";
export { EventCategory, FlightPhase } from "./values.js";
export type * from "./types.js";
export type { FlightEvents, TrackingSession } from "./ui/flight.js";
export type { ShellConfig } from "./ui/shell-config.js";
export type { ShellBackgroundModule as PluginBackgroundModule, ShellContext as PluginContext } from "./types.js";

/** Declares a background module: its hooks, checked now, with the shell's `ctx`. */
export const createPlugin: <Module extends ShellBackgroundModule>(module: Module & ShellBackgroundModule) => Module = create;

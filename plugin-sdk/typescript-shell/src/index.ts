//! The bare package: what `@outboard/plugin-sdk` has, and `createPlugin` with the shell's `ctx`.

import { createPlugin as create } from "@outboard/plugin-sdk";
import type { ShellBackgroundModule } from "./types.js";

export * from "@outboard/plugin-sdk";
export type * from "./types.js";
// The SDK's own types of these names are for UIs.
export type { BounceData, CapturePoint, CurrentFlight, FlightLogEvent, FlightManagerPayload, FlightPhaseSnapshot, FlightPlan, LandingReport, SimDataSnapshot } from "./types.js";
export type { ShellBackgroundModule as PluginBackgroundModule, ShellContext as PluginContext } from "./types.js";

/** Declares a background module: its hooks, checked now, with the shell's `ctx`. */
export const createPlugin: <Module extends ShellBackgroundModule>(module: Module & ShellBackgroundModule) => Module = create;

//! The bare package in a browser, and the entry `…/ui`: the SDK of UIs, with the shell's hooks and the words of a flight.

export * from "@outboard/plugin-sdk/ui";
export { EventCategory, FlightPhase } from "../values.js";
export { useFlightEvents, useFlightManager, useFlightPhase, useLandingAnalysis, useSimData, useTrackingSession, type FlightEvents, type TrackingSession } from "./flight.js";
export { usePluginLogger, useShellAuth, useShellNavigation, useShellToast } from "./shell.js";
export { useShellConfig, type ShellConfig } from "./shell-config.js";
export { useVaApi } from "./va-api.js";
export type * from "../types.js";

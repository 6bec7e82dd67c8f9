//! The bare package, as a background module sees it. In a browser the same name is `ui/index.ts`, whose hooks and components work.

export { STRATOS_APP_BASE } from "./base.js";
export { EventCategory, FlightPhase } from "./flight/values.js";
export { createPlugin, InvalidPluginError } from "./plugin.js";
export { UncloneableError } from "./tagged.js";
export { CallError } from "./wire/error.js";
export * from "./ui-absent.js";
export type * from "./flight/types.js";
export type * from "./types.js";
export type {
  FlightEvents, Followable, SelectOptions, TrackingSession, BadgeProps, BadgeVariant, ButtonProps, ButtonSize, ButtonVariant, ClassValue, PluginNavigation, PluginState, PluginSurface, PluginToast,
  PluginUiAirline, PluginUiAuth, PluginUiConfig, PluginUiContext, PluginUiLogger, ShellConfig,
} from "./ui/index.js";

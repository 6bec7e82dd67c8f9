//! The bare package, as a background module sees it. In a browser the same name is `ui/index.ts`, whose hooks and components work.

export { STRATOS_APP_BASE } from "./base.js";
export { createPlugin, InvalidPluginError } from "./plugin.js";
export { UncloneableError } from "./tagged.js";
export { CallError } from "./wire/error.js";
export * from "./ui-absent.js";
export type * from "./types.js";
export type {
  BadgeProps, BadgeVariant, ButtonProps, ButtonSize, ButtonVariant, ClassValue, Followable, Followed, PluginConnection, PluginNavigation, PluginState,
  PluginSurface, PluginToast, PluginUiAirline, PluginUiAuth, PluginUiConfig, PluginUiContext, PluginUiLogger, SelectOptions, UiService,
} from "./ui/index.js";

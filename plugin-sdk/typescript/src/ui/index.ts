//! The entry `…/ui`, and the bare package in a browser: what a plugin's UI imports.

export { STRATOS_APP_BASE } from "../base.js";
export { createPlugin, InvalidPluginError } from "../plugin.js";
export { UncloneableError } from "../tagged.js";
export { CallError } from "../wire/error.js";
export { Badge, type BadgeProps, type BadgeVariant } from "./components/badge.js";
export { Button, type ButtonProps, type ButtonSize, type ButtonVariant } from "./components/button.js";
export { Card, CardAction, CardContent, CardDescription, CardFooter, CardHeader, CardTitle } from "./components/card.js";
export { cn, type ClassValue } from "./components/cn.js";
export { connect, type ConnectOptions, type PluginConnection } from "./connect.js";
export { PluginShellProvider, usePluginConnection, usePluginContext, type PluginShellProviderProps } from "./react.js";
export type { Followed } from "./service.js";
export type { PluginNavigation, PluginSurface, PluginToast } from "./surface.js";
export { useService, useServiceValue, type Followable, type SelectOptions, type UiService } from "./use-service.js";
export type * from "../types.js";
export type * from "./types.js";

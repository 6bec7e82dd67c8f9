//! `@outboard/host`: Outboard inside a Node or Electron application. What is exported here is what the package promises.

export { nodeForPlugins, runAsNodeFuse, type PluginNode } from "./electron.js";
export { ControlError, HostError, type HostErrorCode } from "./errors.js";
export type * from "./generated/control.js";
export type { Limits, RestartPolicy, Settings, SettingValue, StartOptions } from "./options.js";
export { startOutboard, type CallArguments, type CallOptions, type Outboard, type OutboardEvents, type Subscription } from "./outboard.js";
export type { Ready } from "./process.js";

//! `@outboard/host`: Outboard inside a Node or Electron application. What is exported here is what the package promises.

export { nodeForPlugins, runAsNodeFuse, type PluginNode } from "./electron.js";
export { ControlError, HostError, type HostErrorCode } from "./errors.js";
export type * from "./generated/control.js";
export type { ConnectOptions, Limits, RestartPolicy, Settings, SettingValue, StartOptions } from "./options.js";
export { connectOutboard, startOutboard, type CallArguments, type CallOptions, type Outboard, type OutboardEvents, type Subscription } from "./outboard.js";
export type { Ready } from "./process.js";
export type { AskOptions, EmitOptions, Provided, ProvideOptions, ServiceCall, ServiceMethods } from "./provision.js";

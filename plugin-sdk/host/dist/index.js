//! `@outboard/host`: Outboard inside a Node or Electron application. What is exported here is what the package promises.
export { ControlError, HostError } from "./errors.js";
export { startOutboard } from "./outboard.js";
//# sourceMappingURL=index.js.map
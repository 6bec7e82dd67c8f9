//! The shell's members of `ctx`, by their names. The runner makes each at its first reading.

import type { ShellFaces } from "../types.js";
import { createDialog, createPrompt } from "./asking.js";
import { createFlight } from "./flight.js";
import type { Ground } from "./ground.js";
import { createSocket } from "./socket.js";
import { createNotify, createPluginFace } from "./telling.js";

export type { Ground } from "./ground.js";

/** What makes each member. */
export const FACES: { readonly [Name in keyof ShellFaces]: (ground: Ground) => ShellFaces[Name] } = {
  flight: createFlight,
  notify: createNotify,
  dialog: createDialog,
  prompt: createPrompt,
  plugin: createPluginFace,
  socket: createSocket,
};

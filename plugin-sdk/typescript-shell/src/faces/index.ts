//! The shell's members of `ctx`, by their names. The runner makes each at its first reading.
//!
//! Each is always there, whether or not anybody provides its service, so `ctx.flight?.getState()` is a call in either case. In the shell they
//! are always there too, so that a plugin which tests for one means the shell's version, and this is one that has it. A provider comes and
//! goes while a plugin runs: a member that were absent at the start would stay so, and what is subscribed before the provider comes has to
//! work. That nobody provides it is told where it matters, by the call's error (`reason: "no_provider"`), and by `ctx.service(…).onChange`.
//! Only what no version has stays undefined.

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

//! The entry `…/testing`: runs a background module against a host in memory, with the shell's members of `ctx`.

import { type RunningPlugin, type RunOptions, runPlugin as run } from "@outboard/plugin-sdk/testing";
import { FACES } from "./faces/index.js";
import type { ShellBackgroundModule } from "./types.js";

export type { AskedConsumer, EmittedEvent, FakeAirline, FakeService, LogRecord, RunningPlugin, RunOptions } from "@outboard/plugin-sdk/testing";

/** Starts a module. Rejects with what onStart throws. */
export function runPlugin(module: ShellBackgroundModule | Record<string, unknown>, options: RunOptions = {}): Promise<RunningPlugin> {
  return run(module, { ...options, faces: { names: Object.keys(FACES), load: () => FACES } });
}

//! What the faces stand on: services, a log, and the moment when the plugin stops. Given by whoever makes `ctx`.

import type { PluginContext, PluginLogger } from "@outboard/plugin-sdk/types";

/** What the runner gives. */
export interface Ground {
  service: PluginContext["service"];
  logger: PluginLogger;
  /** Aborted when the plugin begins to stop. */
  stopping: AbortSignal;
}

/** The tag of what the faces log. */
export const TAG = "shell";

/** The stable word of a failure. */
export const reasonOf = (error: unknown): unknown => (error as { reason?: unknown } | null)?.reason;

/** What a failure says. */
export const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Tells each sentence once: what nobody provides would be told with every call. */
export function onceEach(tell: (sentence: string) => void): (sentence: string) => void {
  const told = new Set<string>();
  return (sentence) => {
    if (told.has(sentence)) return;
    told.add(sentence);
    tell(sentence);
  };
}

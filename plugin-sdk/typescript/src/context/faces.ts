//! Members of `ctx` that another package makes out of services, each when it is first read: a plugin that reads none of them pays
//! nothing. Given to the session by whoever runs it. Must not know what the members are.

import type { PluginContext, PluginLogger } from "../types.js";

/** What such a member stands on. */
export interface FaceGround {
  service: PluginContext["service"];
  logger: PluginLogger;
  /** Aborted when the plugin begins to stop. */
  stopping: AbortSignal;
}

/** A package's members of `ctx`. */
export interface Faces {
  names: readonly string[];
  /** What makes each, by its name. Called when one of them is read. */
  load(): Record<string, (ground: FaceGround) => unknown>;
}

/** Gives `ctx` the members. */
export function addFaces(ctx: object, { names, load }: Faces, ground: FaceGround): void {
  const made = new Map<string, unknown>();
  for (const name of names) {
    Object.defineProperty(ctx, name, {
      enumerable: true,
      get() {
        if (!made.has(name)) made.set(name, load()[name]?.(ground));
        return made.get(name);
      },
    });
  }
}

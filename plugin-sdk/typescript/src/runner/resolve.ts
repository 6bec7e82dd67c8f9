//! Resolves the original package's names where no generated folder stands above the plugin: a plugin outside the plugins
//! folder, or one reached through a link. Costs a thread of Node's, which is why the folder is the usual way.

import { register } from "node:module";

/** From now on the names in `packages.ts` resolve to the runner's own copies. */
export async function resolveOurs(): Promise<void> {
  process.env["NODE_PATH"] = new URL("./node_modules", import.meta.url).pathname;
  const { Module } = (await import("node:module")) as unknown as { Module: { _initPaths(): void } };
  Module._initPaths(); // for require(), which has no other hook on Node 20
  register("./resolve-hooks.mjs", import.meta.url);
}

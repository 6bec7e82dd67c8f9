//! Lets the shell's package be built from sources into what ships: its imports of the SDK are the SDK's own sources, one copy with
//! everything else in the bundle. The builds of the runner and of the page call it.

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const PACKAGE = dirname(dirname(fileURLToPath(import.meta.url)));

/** The SDK's sources. */
export const SRC = join(PACKAGE, "src");
/** The package of what the original shell gives its plugins. */
export const SHELL = join(dirname(PACKAGE), "typescript-shell");

/** An esbuild plugin: the bare SDK, and its entry for UIs, are `entry` of its sources; so are the shell's hooks. */
export function sdkFromSources(entry) {
  return {
    name: "sdk-from-sources",
    setup(build) {
      build.onResolve({ filter: /^@outboard\/plugin-sdk(\/ui)?$/ }, () => ({ path: join(SRC, entry) }));
      build.onResolve({ filter: /^@outboard\/shell\/ui$/ }, () => ({ path: join(SHELL, "src/ui/index.ts") }));
    },
  };
}

//! Which file a `require` of the plugin's gets, where it would not be the right one by itself. Imports go through the hooks, which
//! `require` does not pass on every Node.

import { Module, register } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { foreignness, isWithin, packageOf, type Surroundings } from "./surroundings.js";

type Parent = { paths: string[] } | undefined;
type Resolver = (request: string, parent: Parent, isMain: boolean, options?: object) => string;

/** Node's own table, which every `require` looks into. */
const Loader = Module as unknown as { _resolveFilename: Resolver; _nodeModulePaths(folder: string): string[] };

const RUNNER = fileURLToPath(new URL(".", import.meta.url));

/** From now on imports go through the hooks; `typescript` says whether the entry is. */
export function hook(around: Surroundings, typescript: boolean): void {
  register("./hooks.mjs", import.meta.url, { data: { ...around, typescript } });
  if (around.unlinked || around.foreign) hookRequire(around);
}

function hookRequire(around: Surroundings): void {
  const original = Loader._resolveFilename;
  const beside: Parent = { ...new Module(join(RUNNER, "main.mjs")), paths: Loader._nodeModulePaths(RUNNER) };
  Loader._resolveFilename = function (this: unknown, request, parent, isMain, options) {
    const name = packageOf(request);
    if (name && around.provided.includes(name)) {
      const own = attempt(() => original.call(this, request, parent, isMain, options));
      return own && isWithin(around.root, own) ? own : original.call(this, request, beside, isMain);
    }
    const found = original.call(this, request, parent, isMain, options);
    const foreign = around.foreign && (name || request.startsWith("#")) && found.startsWith("/") ? foreignness(around, found) : undefined;
    if (foreign) throw notUsed(request, foreign);
    return found;
  };
}

/** Node finds no such package, and here is why what lies there is not used. */
export function notUsed(specifier: string, foreign: string): Error {
  const message = `Cannot find package '${specifier}': ${foreign}, and is not used; install the package in the plugin's folder`;
  return Object.assign(new Error(message), { code: "MODULE_NOT_FOUND" });
}

function attempt(resolve: () => string): string | undefined {
  try {
    return resolve();
  } catch {
    return undefined;
  }
}

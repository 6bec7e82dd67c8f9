//! `createPlugin`: checks a background module at the moment it is imported. Called by authors through `helpers` and the bare
//! package; `readModule` by the runner and the testing harness. Must not know how a module is loaded.

import type { PluginBackgroundModule } from "./types.js";

/** A module that does not keep the contract; the message names plugin, field and file. */
export class InvalidPluginError extends TypeError {
  override readonly name = "InvalidPluginError";
}

const HOOKS = { onStart: true, onStop: true, onResume: false } as const;

/**
 * Declares a background module: its hooks, checked now, with `ctx` typed.
 * Throws {@link InvalidPluginError} where a hook is missing or no function.
 */
export function createPlugin<Module extends PluginBackgroundModule>(module: Module & PluginBackgroundModule): Module {
  const file = callerFile(new Error().stack ?? "");
  const problem = problemOf(module);
  if (problem) throw new InvalidPluginError(sentence(`createPlugin was given ${problem}`, file));
  return module;
}

/** What a loaded module declares. */
export interface Declared {
  module: PluginBackgroundModule;
  /** Worth telling the author, though it works. */
  hint?: string;
}

/** Finds the background module among a file's exports: the default one, or the older form's named ones. */
export function readModule(exports: Record<string, unknown>, file: string): Declared {
  const byDefault = defaultExport(exports);
  if (byDefault !== undefined) {
    const problem = problemOf(byDefault);
    if (problem) throw new InvalidPluginError(sentence(`the default export is ${problem}`, file));
    return { module: byDefault as PluginBackgroundModule };
  }
  const named = { onStart: exports["onStart"], onStop: exports["onStop"], onResume: exports["onResume"] };
  if (named.onStart === undefined && named.onStop === undefined) {
    throw new InvalidPluginError(sentence("there is no default export; write `export default createPlugin({ onStart(ctx) {…}, onStop(ctx) {…} })`", file));
  }
  const problem = problemOf(named, false);
  if (problem) throw new InvalidPluginError(sentence(`the named exports are ${problem}`, file));
  return {
    module: { ...named, onStop: named.onStop ?? (() => {}) } as PluginBackgroundModule,
    hint: `${file}: named exports onStart and onStop are the older form; \`export default createPlugin({ … })\` is checked when it is imported`,
  };
}

/** The default export, through what bundlers make of one in CommonJS. */
function defaultExport(exports: Record<string, unknown>): unknown {
  const first = exports["default"] as Record<string, unknown> | undefined;
  if (typeof first !== "object" || first === null) return first;
  const transpiled = first["__esModule"] === true || (first["default"] !== undefined && first["onStart"] === undefined);
  if (transpiled) return first["default"];
  // A CommonJS file's `module.exports` arrives as the default: an empty one means that nothing was exported.
  return Object.keys(first).length === 0 ? undefined : first;
}

function problemOf(module: unknown, stopNeeded = true): string | undefined {
  if (typeof module !== "object" || module === null) {
    return `${module === null ? "null" : `a ${typeof module}`}, and must be an object with the functions onStart and onStop`;
  }
  for (const [field, required] of Object.entries(HOOKS)) {
    const value = (module as Record<string, unknown>)[field];
    if (value === undefined && (!required || (field === "onStop" && !stopNeeded))) continue;
    if (value === undefined) return `an object without ${field}; ${field} must be a function`;
    if (typeof value !== "function") return `an object whose ${field} is ${value === null ? "null" : `a ${typeof value}`}; ${field} must be a function`;
  }
  return undefined;
}

function sentence(problem: string, file: string | undefined): string {
  const id = typeof process === "undefined" ? undefined : process.env?.["OUTBOARD_PLUGIN_ID"];
  return `${id ? `plugin "${id}": ` : ""}${problem}${file && !problem.startsWith(file) ? ` (in ${file})` : ""}`;
}

/** The first line of a stack that is not this file's: `…/background/index.js:12`. */
function callerFile(stack: string): string | undefined {
  const frames = stack.split("\n").slice(1);
  const caller = frames[1]; // the frame above createPlugin
  const place = caller?.match(/\(?((?:file:\/\/)?[^()\s][^()]*?):(\d+):\d+\)?$/);
  return place ? `${place[1]?.replace(/^.*?(?=file:\/\/|\/)/, "").replace(/^file:\/\//, "")}:${place[2]}` : undefined;
}

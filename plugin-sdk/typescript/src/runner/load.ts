//! Loads the author's module: any form that Node takes, TypeScript too, with the original package's name resolved to ours.

import { realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { readModule, type Declared } from "../plugin.js";
import { asError } from "../wire/error.js";
import { beforeAddon } from "../addons.js";
import type { Problem } from "./check.js";
import { hook } from "./resolve.js";
import { lookAround, type Surroundings } from "./surroundings.js";

const TYPESCRIPT = /\.[cm]?tsx?$/;

/** Imports a module and finds what it declares. Errors name the file, and the line where there is one. */
export async function loadModule(entry: string): Promise<Declared> {
  const file = realpath(entry);
  const typescript = TYPESCRIPT.test(file);
  const around = surroundings(file);
  if (typescript || around.unlinked || around.mistaken || around.foreign) hook(around, typescript);
  process.setSourceMapsEnabled(true);
  let exports: Record<string, unknown>;
  try {
    exports = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  } catch (thrown) {
    throw importFailure(file, asError(thrown));
  }
  return readModule(exports, file);
}

function surroundings(file: string): Surroundings {
  try {
    return lookAround(file, realpathSync(process.cwd()));
  } catch (error) {
    throw new Error(`${file} cannot be loaded: ${asError(error).message}`, { cause: error });
  }
}

function realpath(entry: string): string {
  try {
    return realpathSync(entry);
  } catch (error) {
    throw new Error(`the background module ${entry} cannot be opened: ${(error as NodeJS.ErrnoException).code}`);
  }
}

/** What to say of a module that Node did not import: the reason, and the line where there is one. */
function importFailure(file: string, error: Error): Error {
  const stack = error.stack ?? "";
  const hint = /['"]electron['"]/.test(error.message) ? "; Electron's API is not available to a plugin, which runs in a process of its own: use ctx instead" : "";
  const place = placeOf(stack, file, error);
  const failure = new Error(`${beforeAddon(error)}${missingName(error)}${file} cannot be loaded: ${error.name}: ${error.message}${hint}${place ? ` (at ${place})` : ""}`, { cause: error });
  if (stack) failure.stack = stack;
  return failure;
}

/** What a module imports of the SDK, and this host's SDK has not. */
function missingName(error: Error): string {
  const [, from, name] = error.message.match(/module '((?:@skyvexsoftware\/stratos-sdk|@outboard\/plugin-sdk)[^']*)' does not provide an export named '([^']+)'/) ?? [];
  return name ? `this host's ${from} has no ${name}; ` : "";
}

/** The place of a syntax error stands above its stack, that of a throw inside it; Node drops the place of some syntax errors. */
function placeOf(stack: string, file: string, error: Error): string | undefined {
  if (/^\/.*:\d+: /.test(error.message)) return undefined; // the message begins with it
  const above = stack.match(/^(?:file:\/\/)?(\/.*:\d+)$/m)?.[1];
  if (above) return above;
  if (error instanceof SyntaxError) return syntaxPlace(file) ?? file;
  const inside = stack.split("\n").find((line) => /\/[^():]*:\d+:\d+\)?$/.test(line) && !line.includes("node:") && !line.includes("/hooks.mjs"));
  return inside?.match(/(\/[^():]*:\d+:\d+)\)?$/)?.[1]?.replace(/^\/\/(?=\/)/, "") ?? file;
}

/** How long the files may be checked. */
const CHECK_MS = 10_000;

/** Where the check finds the first fault among a module and what it imports. */
function syntaxPlace(file: string): string | undefined {
  const check = fileURLToPath(new URL("./check.mjs", import.meta.url));
  // Only here: a start that succeeds has no need of it, and it takes a while to load.
  const { spawnSync } = createRequire(import.meta.url)("node:child_process") as typeof import("node:child_process");
  const { stdout } = spawnSync(process.execPath, ["--experimental-vm-modules", "--no-warnings", check, file, process.cwd()], { encoding: "utf8", timeout: CHECK_MS });
  try {
    return (JSON.parse(stdout) as Problem[]).find(({ warning }) => !warning)?.place;
  } catch {
    return undefined;
  }
}

//! Loads the author's module: any form that Node takes, TypeScript too, with the original package's name resolved to ours.

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { readModule, type Declared } from "../plugin.js";
import { asError } from "../wire/error.js";

const TYPESCRIPT = /\.[cm]?tsx?$/;

/** The package whose presence above the plugin shows that the generated folder is there. */
const COMPAT = join("node_modules", "@skyvexsoftware", "stratos-sdk");

/** Imports a module and finds what it declares. Errors name the file, and the line where there is one. */
export async function loadModule(entry: string): Promise<Declared> {
  const file = realpath(entry);
  if (TYPESCRIPT.test(file)) await (await import("./typescript.js")).acceptTypeScript();
  if (!isAbove(file)) await (await import("./resolve.js")).resolveOurs();
  process.setSourceMapsEnabled(true);
  let exports: Record<string, unknown>;
  try {
    exports = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  } catch (thrown) {
    throw importFailure(file, asError(thrown));
  }
  return readModule(exports, file);
}

function realpath(entry: string): string {
  try {
    return realpathSync(entry);
  } catch (error) {
    throw new Error(`the background module ${entry} cannot be opened: ${(error as NodeJS.ErrnoException).code}`);
  }
}

function isAbove(file: string): boolean {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    if (existsSync(join(folder, COMPAT))) return true;
    if (folder === dirname(folder)) return false;
  }
}

/** What to say of a module that Node did not import: the reason, and the line where there is one. */
function importFailure(file: string, error: Error): Error {
  const stack = error.stack ?? "";
  const hint = /['"]electron['"]/.test(error.message) ? "; Electron's API is not available to a plugin, which runs in a process of its own: use ctx instead" : "";
  const failure = new Error(`${file} cannot be loaded: ${error.name}: ${error.message}${hint} (at ${placeOf(stack, file, error)})`, { cause: error });
  if (stack) failure.stack = stack;
  return failure;
}

/** The place of a syntax error stands above its stack, that of a throw inside it; Node drops the place of some syntax errors. */
function placeOf(stack: string, file: string, error: Error): string {
  const above = stack.match(/^(?:file:\/\/)?(\/.*:\d+)$/m)?.[1];
  if (above) return above;
  if (error instanceof SyntaxError) return syntaxPlace(file) ?? file;
  const inside = stack.split("\n").find((line) => /\/[^():]*:\d+:\d+\)?$/.test(line) && !line.includes("node:"));
  return inside?.match(/(\/[^():]*:\d+:\d+)\)?$/)?.[1]?.replace(/^\/\/(?=\/)/, "") ?? file;
}

/** How long Node may take to check one file. */
const CHECK_MS = 10_000;

function syntaxPlace(file: string): string | undefined {
  const options = { input: readFileSync(file), encoding: "utf8", timeout: CHECK_MS } as const;
  const { stderr } = spawnSync(process.execPath, ["--check", "--input-type=module", "-"], options);
  const line = stderr?.match(/^\[stdin\]:(\d+)/)?.[1];
  return line && `${file}:${line}`;
}

//! `node check.mjs <entry> <folder>`: whether Node will load a plugin's module and what it imports, told without running any of it.
//! Prints a JSON array of problems. Started by `outboard check`, and by the runner to find the place of a fault that Node does not tell.
//!
//! Decides as the hooks do, by the same functions. Says besides what the plugin counts on and this host lacks; says nothing of what it cannot
//! know, such as what CommonJS requires.

import { spawnSync } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { createRequire, isBuiltin } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import * as vm from "node:vm";
import type { Parser } from "./constructs.js";
import { kindOf, type Kind } from "./kind.js";
import { lackingIn as lacks } from "./lacking.js";
import { MODULE_MAX, readPlain, SETTINGS_MAX } from "./plain.js";
import { foreignness, isWithin, lookAround, packageOf, typeWithin, type Surroundings } from "./surroundings.js";
import { candidates, isFile, isTypeScript, toJavaScript } from "./typescript.js";

/** What stands in the way of a module, and where. */
export interface Problem {
  /** A file, with a line where it is known. */
  place: string;
  reason: string;
  /** Whether it starts all the same. */
  warning?: boolean;
}

/** How V8 puts the place of a mistake above a stack. */
const PLACE = /^(?:file:\/\/)?(\/.*:\d+)$/m;
/** More files than a plugin has; one that has more is checked that far. */
const MOST_FILES = 2_000;

interface Parsed {
  /** Up to Node 22 the one, since then the other. */
  dependencySpecifiers?: string[];
  moduleRequests?: { specifier: string }[];
}
const { SourceTextModule } = vm as unknown as { SourceTextModule: new (code: string, options: { identifier: string }) => Parsed };

/** Everything that is wrong, in the order of the imports. */
export async function problemsOf(entry: string, folder: string): Promise<Problem[]> {
  let around: Surroundings;
  try {
    around = lookAround(entry, folder);
  } catch (error) {
    return [problem(entry, error as Error)];
  }
  const found: Problem[] = [];
  const files = new Set([entry]);
  for (const file of files) {
    try {
      for (const specifier of read(file, around)) {
        const target = follow(specifier, file, around);
        if (typeof target === "object") found.push({ place: file, reason: target.reason });
        else if (target && files.size < MOST_FILES) files.add(target);
      }
    } catch (error) {
      found.push(problem(file, error as Error));
    }
  }
  return [...found, ...(await lackingIn([...files]))];
}

/** Parts of `ctx` that this host has; the build reads them off the type. */
declare const __OUTBOARD_CONTEXT__: string[];

/** What the plugin counts on and this host lacks. */
async function lackingIn(files: string[]): Promise<Problem[]> {
  const sources = files.flatMap((path) => {
    try {
      return [{ path, text: readPlain(path, MODULE_MAX) }];
    } catch {
      return []; // told already
    }
  });
  const sdk = (await import(new URL("./node_modules/@outboard/plugin-sdk/index.mjs", import.meta.url).href)) as object;
  const has = { context: new Set(__OUTBOARD_CONTEXT__), sdk: new Set(["default", ...Object.keys(sdk)]) };
  const parser = createRequire(import.meta.url)("./typescript.cjs") as Parser;
  return lacks(sources, parser, has).map(({ place, name, asks }) => {
    if (!name.startsWith("ctx.")) return { place, reason: `it imports ${name}, which this host's SDK does not have`, warning: true };
    return { place, reason: `it reads ${name}, which this host does not have: it gets undefined${asks ? ", and asks first" : ""}`, warning: true };
  });
}

/** What a file imports; throws where it is not a program. */
function read(file: string, around: Surroundings): string[] {
  const source = readPlain(file, MODULE_MAX);
  const { code, kind } = isTypeScript(file) ? toJavaScript(source, file, around) : { code: source, kind: kindByName(file, source, around) };
  if (kind === "commonjs") {
    vm.compileFunction(code.replace(/^#!.*/, ""), ["exports", "require", "module", "__filename", "__dirname"], { filename: file });
    return [];
  }
  const module = parse(code, file);
  return module.moduleRequests?.map(({ specifier }) => specifier) ?? module.dependencySpecifiers ?? [];
}

function parse(code: string, file: string): Parsed {
  try {
    return new SourceTextModule(code, { identifier: file });
  } catch (error) {
    const mistake = error as Error;
    const line = PLACE.test(mistake.stack ?? "") ? undefined : lineOf(code);
    throw line ? new SyntaxError(`${file}:${line}: ${mistake.message}`) : mistake;
  }
}

/** How long Node may take to look at one file. */
const LOOK_MS = 5_000;

/** The line of a mistake: some of them Node places on standard error alone. */
function lineOf(code: string): string | undefined {
  const { stderr } = spawnSync(process.execPath, ["--check", "--input-type=module", "-"], { input: code, encoding: "utf8", timeout: LOOK_MS });
  return stderr?.match(/^\[stdin\]:(\d+)/)?.[1];
}

function kindByName(file: string, source: string, { root }: Surroundings): Kind {
  if (file.endsWith(".mjs")) return "module";
  if (file.endsWith(".cjs")) return "commonjs";
  return typeWithin(root, file) === "module" ? "module" : kindOf(source);
}

/** The plugin's own file that an import leads to, or why it leads nowhere. */
function follow(specifier: string, importer: string, around: Surroundings): string | { reason: string } | undefined {
  const relative = /^(\.\.?(\/|$)|\/|file:)/.test(specifier);
  const aliased = isTypeScript(importer) ? candidates(specifier, importer, around.root)[0] : undefined;
  const file = aliased ?? (relative ? pathOf(specifier, importer) : undefined);
  if (file === undefined) return packageProblem(specifier, importer, around);
  if (!isFile(file)) return { reason: `it imports ${JSON.stringify(specifier)}, and there is no file ${file}` };
  const own = /\.[cm]?[jt]sx?$/.test(file) && isWithin(around.root, file) && !file.slice(around.root.length).includes("/node_modules/");
  return own ? realpathSync(file) : undefined;
}

const pathOf = (specifier: string, importer: string): string =>
  specifier.startsWith("file:") ? fileURLToPath(specifier) : resolve(dirname(importer), decodeURIComponent(specifier.replace(/[?#].*$/, "")));

function packageProblem(specifier: string, importer: string, around: Surroundings): { reason: string } | undefined {
  const name = packageOf(specifier);
  if (!name || isBuiltin(specifier) || around.provided.includes(name)) return undefined;
  const folders = createRequire(importer).resolve.paths(name) ?? [];
  const folder = folders.map((above) => join(above, name)).find((path) => existsSync(path));
  if (!folder) return selfNamed(name, around) ? undefined : { reason: `it imports the package ${JSON.stringify(name)}, which is not installed; run npm install ${name} in ${around.root}, or bundle it` };
  const foreign = foreignness(around, folder);
  return foreign ? { reason: `it imports the package ${JSON.stringify(name)}, and ${foreign}, and is not used` } : undefined;
}

/** A package may import itself by its name. */
function selfNamed(name: string, { root }: Surroundings): boolean {
  try {
    return (JSON.parse(readPlain(join(root, "package.json"), SETTINGS_MAX)) as { name?: unknown }).name === name;
  } catch {
    return false;
  }
}

function problem(file: string, error: Error): Problem {
  const [, place, reason] = error.message.match(/^(\/.*:\d+): ([^]*)$/) ?? [];
  if (place) return { place, reason: `${error.name}: ${reason}` };
  const above = error.stack?.match(PLACE)?.[1];
  return { place: above ?? file, reason: `${error.name}: ${error.message}` };
}

const [, , entry, folder] = process.argv;
if (entry && folder) process.stdout.write(JSON.stringify(await problemsOf(realpathSync(entry), realpathSync(folder))));

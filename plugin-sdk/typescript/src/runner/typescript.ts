//! TypeScript as Node can run it: which file an import means, and a file's text without its types.
//!
//! Node's own stripping where it has it; what erasing alone cannot do goes to the plugin's own esbuild, else to the stripper
//! that comes with the runner, which says of a construct that it cannot translate what it is and where. Nothing checks types.

import { statSync } from "node:fs";
import * as nodeModule from "node:module";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { commonConstruct, compiledConstruct, type Construct, type Parser } from "./constructs.js";
import { kindOf, type Kind } from "./kind.js";
import { readPlain, SETTINGS_MAX } from "./plain.js";
import { foreignness, isWithin, type Surroundings } from "./surroundings.js";

type Tsconfig = { path: string; config: { compilerOptions?: Record<string, unknown> } };
/** What `typescript.cjs` holds: large, and needed by few. */
type Tools = typeof import("sucrase") &
  Parser & { parseTsconfig(path: string): Tsconfig["config"]; createPathsMatcher(config: Tsconfig): ((specifier: string) => string[]) | null };
type Esbuild = { transformSync(source: string, options: object): { code: string } };

const require = createRequire(import.meta.url);
let loaded: Tools | undefined;
const tools = (): Tools => (loaded ??= require("./typescript.cjs") as Tools);

/** The syntax that esbuild may leave in: what the oldest Node knows. */
const TARGET = "node20";
/** What an import without, or with a JavaScript, extension may mean, in the order of trying. */
const ENDINGS = [".ts", ".tsx", ".mts", ".cts", ".js", ".json", "/index.ts", "/index.tsx", "/index.js"];

export const isTypeScript = (path: string): boolean => /\.[cm]?tsx?$/.test(path);

/** The files that an import of a TypeScript file may mean, before anything that Node would look for. */
export function candidates(specifier: string, importer: string, root: string): string[] {
  const bases = /^\.\.?(\/|$)/.test(specifier) ? [join(dirname(importer), specifier)] : aliased(specifier, importer, root);
  return bases.flatMap((base) => {
    const stem = base.replace(/\.([cm]?)jsx?$/, "");
    return [base, ...(stem === base ? ENDINGS.map((end) => base + end) : [".ts", ".tsx", ".mts", ".cts"].map((end) => stem + end))];
  }).filter(isFile);
}

function aliased(specifier: string, importer: string, root: string): string[] {
  const config = specifier.startsWith("/") || specifier.includes(":") ? undefined : tsconfigOf(importer, root);
  return config?.matcher?.(specifier) ?? [];
}

type Known = { options: Record<string, unknown>; matcher: ((specifier: string) => string[]) | null };
const known = new Map<string, Known | undefined>();

/** The nearest tsconfig.json within the plugin. */
function tsconfigOf(file: string, root: string): Known | undefined {
  for (let folder = dirname(file); folder === root || isWithin(root, folder); folder = dirname(folder)) {
    const path = join(folder, "tsconfig.json");
    if (known.has(path)) return known.get(path);
    if (!isFile(path)) continue;
    const found = read(path);
    known.set(path, found);
    return found;
  }
  return undefined;
}

/** A file for editors and builds: one that cannot be read, since what it extends stayed behind, say, is told and keeps no plugin from running. */
function read(path: string): Known {
  try {
    readPlain(path, SETTINGS_MAX); // the parser reads it again, whatever its size
    const config = { path, config: tools().parseTsconfig(path) };
    return { options: config.config.compilerOptions ?? {}, matcher: tools().createPathsMatcher(config) };
  } catch (error) {
    process.stderr.write(`${path} cannot be read and is ignored: ${error instanceof Error ? error.message : String(error)}\n`);
    return { options: {}, matcher: null };
  }
}

/** JavaScript out of TypeScript, and its kind. Throws a SyntaxError that names the construct, the file and the line. */
export function toJavaScript(source: string, path: string, around: Pick<Surroundings, "root" | "trusted">): { code: string; kind: Kind } {
  const code = translate(source, path, around);
  if (path.endsWith(".cts")) return { code, kind: "commonjs" };
  // A file that nothing tells is a module, unless it uses what only CommonJS has.
  const isModule = path.endsWith(".mts") || kindOf(code) === "module" || !/\bmodule\.exports\b|\bexports\.|\brequire\(/.test(code);
  if (!isModule) return { code, kind: "commonjs" };
  const construct = commonConstruct(tools(), source, path.endsWith("x"));
  if (construct) throw refusal(construct, path, "");
  return { code, kind: "module" };
}

function translate(source: string, path: string, around: Pick<Surroundings, "root" | "trusted">): string {
  const jsx = path.endsWith("x");
  const erased = jsx ? undefined : erase(source);
  // Decorators and accessor fields are left in place by every stripper, and run by no Node.
  if (erased !== undefined && !/@[\w$(]|\baccessor\b/.test(erased)) return erased;
  const construct = parsed(path, () => compiledConstruct(tools(), source, jsx));
  if (!construct) return erased ?? parsed(path, () => stripped(source, path, around));
  const esbuild = ownEsbuild(around);
  if (!esbuild) throw refusal(construct, path, ", or put esbuild beside the plugin (npm install esbuild in its folder), or build it to JavaScript");
  const compilerOptions = tsconfigOf(path, around.root)?.options ?? {};
  const options = { loader: jsx ? "tsx" : "ts", sourcefile: path, sourcemap: "inline", target: TARGET, jsx: "automatic", logLevel: "silent", tsconfigRaw: { compilerOptions } };
  return parsed(path, () => esbuild.transformSync(source, options).code);
}

/** Node's own stripping; none where this Node has none, or where the text needs more. */
function erase(source: string): string | undefined {
  const { stripTypeScriptTypes } = nodeModule as { stripTypeScriptTypes?: (source: string) => string };
  if (!stripTypeScriptTypes || !(process.features as { typescript?: unknown }).typescript) return undefined;
  // Node says of itself that this is new.
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return stripTypeScriptTypes(source);
  } catch {
    return undefined;
  } finally {
    process.emitWarning = emitWarning;
  }
}

function stripped(source: string, path: string, around: Pick<Surroundings, "root">): string {
  const jsx = path.endsWith("x");
  const jsxImportSource = jsx ? tsconfigOf(path, around.root)?.options["jsxImportSource"] : undefined;
  const { code } = tools().transform(source, {
    transforms: jsx ? ["typescript", "jsx"] : ["typescript"],
    disableESTransforms: true,
    ...(jsx ? { jsxRuntime: "automatic" as const, production: true } : {}),
    ...(typeof jsxImportSource === "string" ? { jsxImportSource } : {}),
  });
  return code;
}

/** The esbuild that the plugin finds, as its build does. */
function ownEsbuild(around: Pick<Surroundings, "root" | "trusted">): Esbuild | undefined {
  try {
    const own = createRequire(join(around.root, "package.json"));
    const path = own.resolve("esbuild");
    return foreignness(around, path) ? undefined : (own(path) as Esbuild);
  } catch {
    return undefined;
  }
}

function refusal({ what, line, instead }: Construct, path: string, or: string): SyntaxError {
  return new SyntaxError(`${path}:${line}: ${what} cannot be run by leaving out types; ${instead}${or}`);
}

/** What a parser says, with the file and the line. */
function parsed<Result>(path: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    const failure = error as Error & { errors?: { text: string; location?: { line: number } }[] };
    const first = failure.errors?.[0];
    if (first) throw new SyntaxError(`${path}:${first.location?.line ?? 1}: ${first.text}`);
    const place = failure.message.match(/^(?:SyntaxError: )?([^]*?) \((\d+):\d+\)$/);
    if (place) throw new SyntaxError(`${path}:${place[2]}: ${place[1]}`);
    throw error;
  }
}

/** Whether there is such a file; what cannot be looked at is none. */
export function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

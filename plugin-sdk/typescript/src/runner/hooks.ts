//! Runs in Node's loader thread, where something needs it: a package that the runner provides and that is not linked, a folder
//! above that is not to be followed, a file that its package.json mistakes, or TypeScript. Told what by `resolve.ts`.

import { fileURLToPath, pathToFileURL } from "node:url";
import { kindOf } from "./kind.js";
import { MODULE_MAX, readPlain } from "./plain.js";
import { notUsed } from "./resolve.js";
import { foreignness, isWithin, packageOf, typeWithin, type Surroundings } from "./surroundings.js";
import { candidates, isTypeScript, toJavaScript } from "./typescript.js";

type Context = { parentURL?: string; format?: string; importAttributes?: Record<string, string> };
type Resolved = { url: string; format?: string; importAttributes?: Record<string, string>; shortCircuit?: boolean };
type Loaded = { format: string; source: string; shortCircuit: true };
type Next<Result> = (specifier: string, context: Context) => Promise<Result>;

let around: Surroundings;
let typescript = false;

/** Node's initialize hook. */
export function initialize(data: Surroundings & { typescript: boolean }): void {
  around = data;
  typescript = data.typescript;
}

/** Node's resolve hook. */
export async function resolve(specifier: string, context: Context, next: Next<Resolved>): Promise<Resolved> {
  const found = await find(specifier, context, next);
  const bare = packageOf(specifier) ?? (specifier.startsWith("#") ? specifier : undefined);
  const foreign = around.foreign && bare && found.url.startsWith("file:") ? foreignness(around, fileURLToPath(found.url)) : undefined;
  if (foreign) throw Object.assign(notUsed(specifier, foreign), { code: "ERR_MODULE_NOT_FOUND" });
  // TypeScript's authors import JSON without saying so again.
  const data = fromTypeScript(context) && found.url.endsWith(".json") && !context.importAttributes?.["type"];
  return data ? { ...found, importAttributes: { ...context.importAttributes, type: "json" } } : found;
}

const fromTypeScript = ({ parentURL }: Context): boolean => Boolean(parentURL?.startsWith("file:")) && isTypeScript(parentURL ?? "");

async function find(specifier: string, context: Context, next: Next<Resolved>): Promise<Resolved> {
  const attempt = (other: string, from = context) => next(other, from).catch(() => undefined);
  if (typescript && fromTypeScript(context)) {
    for (const path of candidates(specifier, fileURLToPath(context.parentURL ?? ""), around.root)) {
      const found = await attempt(pathToFileURL(path).href);
      if (found) return found;
    }
  }
  const name = packageOf(specifier);
  if (!(around.unlinked || around.foreign) || !name || !around.provided.includes(name)) return next(specifier, context);
  const own = await attempt(specifier);
  if (own?.url.startsWith("file:") && isWithin(around.root, fileURLToPath(own.url))) return own;
  return next(specifier, { ...context, parentURL: import.meta.url });
}

/** Node's load hook. */
export async function load(url: string, context: Context, next: Next<unknown>): Promise<unknown> {
  if (!url.startsWith("file:")) return next(url, context);
  const path = fileURLToPath(url);
  if (typescript && isTypeScript(path)) {
    const { code, kind } = toJavaScript(readPlain(path, MODULE_MAX), path, around);
    return { format: kind, source: code, shortCircuit: true } satisfies Loaded;
  }
  const own = around.mistaken && path.endsWith(".js") && isWithin(around.root, path) && !path.slice(around.root.length).includes("/node_modules/");
  if (!own || typeWithin(around.root, path) === "module") return next(url, context);
  const source = readPlain(path, MODULE_MAX);
  return { format: kindOf(source), source, shortCircuit: true } satisfies Loaded;
}

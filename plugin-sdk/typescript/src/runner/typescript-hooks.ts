//! Runs in Node's loader thread: resolves imports of TypeScript files as bundlers do, and strips their types where Node does
//! not. Lines stay where they were, so stacks need no map.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

type Context = { parentURL?: string; format?: string };
type Resolved = { url: string; format?: string; shortCircuit?: boolean };
type Loaded = { format: string; source: string; shortCircuit: true };

/** What an import without, or with a JavaScript, extension may mean, in the order of trying. */
const ENDINGS = [".ts", ".tsx", ".mts", ".js", "/index.ts", "/index.js"];

const TYPESCRIPT = /\.[cm]?tsx?$/;

let native = false;

/** Node's initialize hook. */
export function initialize(data: { native: boolean }): void {
  native = data.native;
}

/** Node's resolve hook. */
export async function resolve(specifier: string, context: Context, next: (specifier: string, context: Context) => Promise<Resolved>): Promise<Resolved> {
  try {
    return await next(specifier, context);
  } catch (error) {
    const ours = /^(\.\.?\/|\/|file:)/.test(specifier) && TYPESCRIPT.test(context.parentURL ?? "");
    if (!ours) throw error;
    const stem = specifier.replace(/\.[cm]?jsx?$/, "");
    for (const ending of ENDINGS) {
      const found = await next(stem + ending, context).catch(() => undefined);
      if (found) return found;
    }
    throw error;
  }
}

/** Node's load hook. */
export async function load(url: string, context: Context, next: (url: string, context: Context) => Promise<unknown>): Promise<unknown> {
  if (native && !url.endsWith("x")) return next(url, context);
  if (!url.startsWith("file:") || !TYPESCRIPT.test(url)) return next(url, context);
  const path = fileURLToPath(url);
  const source = strip(await readFile(path, "utf8"), path);
  return { format: url.endsWith(".cts") ? "commonjs" : "module", source, shortCircuit: true } satisfies Loaded;
}

function strip(source: string, path: string): string {
  const { transform } = createRequire(import.meta.url)("./typescript.cjs") as typeof import("sucrase");
  const jsx = path.endsWith("x");
  const { code } = transform(source, {
    transforms: jsx ? ["typescript", "jsx"] : ["typescript"],
    filePath: path,
    disableESTransforms: true,
    ...(jsx ? { jsxRuntime: "automatic" as const, production: true } : {}),
  });
  return code;
}

//! Makes the rules of the palette's utility classes with Tailwind, from the closed list in src/shell/palette.css. The build of the shell
//! page puts them into its style sheet.

import { readFileSync } from "node:fs";
import { transform } from "esbuild";
import { compile } from "tailwindcss";

/** For browsers without the functions that the palette's colours need anyway: inside a rule, and beside one. */
const FALLBACKS = [
  [/[\w-]+:[^;{}]*color-mix\(in srgb[^;{}]*;@supports \([^)]*\([^)]*\)\)\{([^{}]*)\}/g, "$1"],
  [/([^{}]+)\{[^{}]*color-mix\(in srgb[^{}]*\}@supports ?\([^)]*\([^)]*\)\)\{\1\{([^{}]*)\}\}/g, "$1{$2}"],
];

/** The style sheet with the palette's colours in it, small. */
export async function buildPalette(source) {
  const text = readFileSync(source, "utf8");
  const colors = [...new Set([...text.matchAll(/--color-([\w-]+):/g)].map(([, name]) => name))];
  const compiler = await compile(text.replaceAll("%COLORS%", colors.join(",")), {});
  const { code } = await transform(compiler.build([]), { loader: "css", minify: true, target: "es2022", legalComments: "none" });
  return FALLBACKS.reduce((css, [fallback, kept]) => css.replaceAll(fallback, kept), code)
    // The colours lie below a plugin's own, which may be named alike, and nothing of ours outside of the layers that the page declares.
    .replace(/:root,:host\{(--color-[^}]*)\}/, "@layer outboard{:root{$1}}")
    .replaceAll("@layer properties", "@layer plugin.properties");
}

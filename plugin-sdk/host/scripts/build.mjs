//! Builds what this package ships: one module that needs nothing else, its types, and the licence of what was built into it.

import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const PACKAGE = dirname(dirname(fileURLToPath(import.meta.url)));
const OUT = join(PACKAGE, "dist");
const require = createRequire(import.meta.url);

rmSync(OUT, { recursive: true, force: true });
await build({
  entryPoints: [join(PACKAGE, "src", "index.ts")],
  outfile: join(OUT, "index.js"),
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  sourcemap: true,
  // What ws has for old processors is an addon of its own, which nobody here installs.
  external: ["bufferutil", "utf-8-validate"],
  banner: { js: 'import { createRequire as outboardRequire } from "node:module"; const require = outboardRequire(import.meta.url);' },
});
execFileSync(process.execPath, [require.resolve("typescript/bin/tsc"), "-p", PACKAGE, "--emitDeclarationOnly"], { stdio: "inherit" });
const ws = dirname(require.resolve("ws/package.json"));
const { version } = JSON.parse(readFileSync(join(ws, "package.json"), "utf8"));
writeFileSync(join(OUT, "THIRD-PARTY.txt"), `ws ${version} is built into index.js. Its licence:\n\n${readFileSync(join(ws, "LICENSE"), "utf8")}`);

//! Builds everything that this package ships. `npm run build` runs it; the freshness test runs `buildRunner` and `buildShell`
//! into a temporary folder and compares. What is committed (dist-runner, the shell's assets) must come out the same, byte
//! for byte, from the versions in the lock file.

import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { collectNotices, noticesText } from "./notices.mjs";
import { SHELL_DIR, buildShell } from "./shell.mjs";
import { SHELL, SRC, sdkFromSources } from "./sources.mjs";

export { SHELL_DIR, buildShell };

const PACKAGE = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);
const { version } = JSON.parse(readFileSync(join(PACKAGE, "package.json"), "utf8"));

/** Where the committed parts lie. */
export const RUNNER_DIR = join(PACKAGE, "dist-runner");

/** Electron's exports that a module may name: each must be there for the sentence to be reached. */
const ELECTRON = [
  "app", "autoUpdater", "BaseWindow", "BrowserView", "BrowserWindow", "clipboard", "contextBridge", "crashReporter", "desktopCapturer",
  "dialog", "globalShortcut", "inAppPurchase", "ipcMain", "ipcRenderer", "Menu", "MenuItem", "MessageChannelMain", "nativeImage",
  "nativeTheme", "net", "netLog", "Notification", "powerMonitor", "powerSaveBlocker", "protocol", "pushNotifications", "safeStorage",
  "screen", "session", "ShareMenu", "shell", "systemPreferences", "TouchBar", "Tray", "utilityProcess", "View", "webContents",
  "WebContentsView", "webFrame", "webFrameMain", "webUtils",
];

const ELECTRON_SENTENCE =
  "electron is not available to a plugin: under Outboard it runs in a Node process of its own, not in Electron's main process. Use ctx (logger, config, ipc, auth, airline, database, server) or Node's own modules instead.";

const RUNNER_OPTIONS = {
  bundle: true,
  platform: "node",
  target: "node20.19",
  minify: true,
  legalComments: "none",
  logLevel: "warning",
  metafile: true,
  absWorkingDir: PACKAGE,
  define: { __OUTBOARD_VERSION__: JSON.stringify(version), "process.env.NODE_ENV": '"production"' },
};

/** The members of an interface in a file of types. */
function membersOf(file, name) {
  const [, members] = readFileSync(file, "utf8").match(new RegExp(`export interface ${name} [^{]*\\{([^]*?)\\n\\}`));
  return [...members.matchAll(/^ {2}(?:readonly )?(\w+)\??[:(<]/gm)].map(([, member]) => member);
}

/** The parts of `ctx` that the shell's package makes. */
const faceNames = () => membersOf(join(SHELL, "src/types.ts"), "ShellFaces");

/** The parts of `ctx`, as the types have them: the check tells what else a plugin reads. */
const contextNames = () => [...membersOf(join(SRC, "types.ts"), "PluginContext"), ...faceNames()];

/** The runner and what it provides to plugins. */
export async function buildRunner(out = RUNNER_DIR) {
  // First of all: where the types do not hold, what was built before stays.
  const types = declarations();
  rmSync(out, { recursive: true, force: true });
  const notices = new Map();
  const bundle = async (options) => {
    const { metafile } = await build({ plugins: [sdkFromSources("index.ts")], ...RUNNER_OPTIONS, ...options, define: { ...RUNNER_OPTIONS.define, ...options.define } });
    collectNotices(metafile, notices);
  };
  const esm = (entry, outfile, define = {}) =>
    bundle({ entryPoints: [resolve(SRC, entry)], outfile: join(out, outfile), format: "esm", define: { __OUTBOARD_BUNDLED__: '"./"', ...define }, external: ["./typescript.cjs", "./main.mjs"] });
  const cjs = (contents, outfile, more = {}) =>
    bundle({ stdin: { contents, resolveDir: PACKAGE }, outfile: join(out, outfile), format: "cjs", ...more });

  await esm("runner/boot.js", "boot.mjs");
  await bundle({
    entryPoints: { main: join(SRC, "runner/main.ts") },
    outdir: out,
    outExtension: { ".js": ".mjs" },
    format: "esm",
    define: { __OUTBOARD_BUNDLED__: '"./"', __OUTBOARD_FACES__: JSON.stringify(faceNames()) },
  });
  await esm("runner/hooks.ts", "hooks.mjs");
  await esm("runner/check.ts", "check.mjs", { __OUTBOARD_CONTEXT__: JSON.stringify(contextNames()) });
  await cjs('export { default } from "express";', "express.cjs");
  await cjs('export { default } from "axios";', "axios.cjs");
  await cjs(
    'export { transform } from "sucrase"; export { parse } from "sucrase/dist/parser"; export { TokenType } from "sucrase/dist/parser/tokenizer/types"; export { ContextualKeyword } from "sucrase/dist/parser/tokenizer/keywords"; export { parseTsconfig, createPathsMatcher } from "get-tsconfig";',
    "typescript.cjs",
  );
  await cjs('export * from "./src/database/sqlite.ts";', "sqlite.cjs");
  await cjs(`export { FACES } from ${JSON.stringify(join(SHELL, "src/faces/index.ts"))};`, "faces.cjs");
  await buildProvided(out, esm, cjs, types);
  writeFileSync(join(out, "THIRD-PARTY.txt"), noticesText(notices));
}

/** The packages that plugins find in the generated folder above them. */
async function buildProvided(out, esm, cjs, types) {
  const provided = (name, files) => {
    const folder = join(out, "node_modules", name);
    mkdirSync(folder, { recursive: true });
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), typeof text === "string" ? text : `${JSON.stringify(text, null, 2)}\n`);
    }
  };
  const both = { import: "./index.mjs", require: "./index.cjs" };
  const typed = (types) => ({ types, ...both });
  const sdk = (name) => ({ name, version, private: true, exports: Object.fromEntries([...Object.entries(TYPED).map(([entry, file]) => [entry, typed(`./${file}`)]), ["./package.json", "./package.json"]]) });
  provided("@outboard/plugin-sdk", types);
  provided("@outboard/shell", shellDeclarations());
  provided("@skyvexsoftware/stratos-sdk", Object.fromEntries(Object.entries(TYPED).map(([entry, file]) => [file, `export * from ${JSON.stringify(`@outboard/shell${entry.slice(1)}`)};\n`])));
  const bare = (name) => join(name === "@outboard/plugin-sdk" ? SRC : join(SHELL, "src"), "index.ts");
  for (const name of ["@skyvexsoftware/stratos-sdk", "@outboard/plugin-sdk", "@outboard/shell"]) {
    provided(name, { "package.json": sdk(name) });
    await esm(bare(name), `node_modules/${name}/index.mjs`);
    await cjs(`export * from ${JSON.stringify(bare(name))};`, `node_modules/${name}/index.cjs`);
  }
  const names = ELECTRON.join(", ");
  provided("electron", {
    "package.json": { name: "electron", version, private: true, main: "index.cjs" },
    // The first line lets ES modules import these names, so that they get as far as the sentence.
    "index.cjs": `0 && (module.exports = { ${names} });\nthrow new Error(${JSON.stringify(ELECTRON_SENTENCE)});\n`,
  });
  provided("socket.io-client", {
    "package.json": { name: "socket.io-client", version: require("socket.io-client/package.json").version, private: true, exports: { ".": both, "./package.json": "./package.json" } },
    "index.mjs": 'import client from "./index.cjs";\nexport const { io, connect, Manager, Socket, protocol } = client;\nexport default client.io;\n',
  });
  await cjs('module.exports = require("socket.io-client");', "node_modules/socket.io-client/index.cjs");
  provided("better-sqlite3", {
    "package.json": { name: "better-sqlite3", version, private: true, description: "Outboard's own SQLite, for plugins that bring no better-sqlite3.", exports: { ".": both, "./package.json": "./package.json" } },
    "index.cjs": 'module.exports = require("../../sqlite.cjs").BetterSqlite3;\n',
    "index.mjs": 'import Database from "./index.cjs";\nexport const { SqliteError } = Database;\nexport default Database;\n',
  });
}

/** What a module may import of the SDK, and the file that has its types. */
const TYPED = { ".": "index.d.ts", "./helpers": "helpers.d.ts", "./types": "types.d.ts" };

/** The types of those entries, and of what they are made of: a plugin that is checked needs nothing installed. */
function declarations() {
  const out = mkdtempSync(join(tmpdir(), "outboard-types-"));
  try {
    emitTypes(out);
    return reached(out, Object.values(TYPED));
  } finally {
    rmSync(out, { recursive: true });
  }
}

/** The emitted files that these entries are made of, by their names. */
function reached(folder, entries) {
  const files = {};
  for (let pending = [...entries]; pending.length > 0; ) {
    const file = pending.pop();
    files[file] = readFileSync(join(folder, file), "utf8");
    const imported = [...files[file].matchAll(/(?:from|import\()\s*"(\.[^"]+)"/g)].map(([, path]) => join(dirname(file), path).replace(/\.js$/, ".d.ts"));
    pending.push(...imported.filter((path) => !(path in files)));
  }
  return files;
}

/** The library for authors: ES modules by esbuild, types by the compiler. */
async function buildLibrary(out = join(PACKAGE, "dist")) {
  rmSync(out, { recursive: true, force: true });
  const entries = ["index.ts", "helpers.ts", "types.ts", "vite.ts", "ui/index.ts", "testing/index.ts"];
  await build({
    entryPoints: entries.map((entry) => join(SRC, entry)),
    outbase: SRC,
    outdir: out,
    bundle: true,
    splitting: true,
    chunkNames: "chunks/[name]-[hash]",
    format: "esm",
    platform: "node",
    target: "es2022",
    packages: "external",
    jsx: "automatic",
    sourcemap: true,
    absWorkingDir: PACKAGE,
    define: { __OUTBOARD_VERSION__: JSON.stringify(version), __OUTBOARD_BUNDLED__: '"../../dist-runner/"' },
  });
  emitTypes(out);
}

/** The types of the shell's package. They stand on those of the SDK, which the compiler has to find while this package has none built. */
function shellDeclarations() {
  const out = mkdtempSync(join(tmpdir(), "outboard-types-"));
  try {
    const paths = { "@outboard/plugin-sdk": [join(SRC, "index.ts")], "@outboard/plugin-sdk/*": [join(SRC, "*.ts")] };
    const config = { extends: join(SHELL, "tsconfig.json"), compilerOptions: { paths, rootDir: dirname(PACKAGE), outDir: out, typeRoots: [join(dirname(dirname(PACKAGE)), "node_modules/@types")] }, files: ["index", "helpers", "types-entry"].map((name) => join(SHELL, `src/${name}.ts`)), include: [] };
    writeFileSync(join(out, "tsconfig.json"), JSON.stringify(config));
    execFileSync(process.execPath, [require.resolve("typescript/bin/tsc"), "-p", out, "--emitDeclarationOnly"], { stdio: "inherit" });
    const files = reached(join(out, "typescript-shell/src"), ["index.d.ts", "helpers.d.ts", "types-entry.d.ts"]);
    // The file `types.d.ts` is the entry of that name in every package here.
    const named = { "types.d.ts": "shell-types.d.ts", "types-entry.d.ts": "types.d.ts" };
    return Object.fromEntries(Object.entries(files).map(([file, text]) => [named[file] ?? file, text.replace(/"(\.\.?)\/types\.js"/g, '"$1/shell-types.js"').replaceAll('from "axios"', 'from "@outboard/plugin-sdk/types"')]));
  } finally {
    rmSync(out, { recursive: true });
  }
}

function emitTypes(out) {
  execFileSync(process.execPath, [require.resolve("typescript/bin/tsc"), "-p", PACKAGE, "--emitDeclarationOnly", "--outDir", out], { stdio: "inherit" });
  vendorAxiosTypes(out);
}

/**
 * SQLite for tests of plugins: the addon, which a supervisor has beside its program. Needs Rust. `OUTBOARD_PROFILE=dev` takes the one
 * that the workspace's own tests have built already.
 */
function buildAddon(out = join(PACKAGE, "native")) {
  const which = process.env.OUTBOARD_PROFILE === "dev" ? ["--workspace"] : ["--release", "--package", "outboard-sqlite"];
  const args = ["build", "--locked", ...which, "--message-format", "json-render-diagnostics"];
  const told = execFileSync("cargo", args, { cwd: PACKAGE, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], maxBuffer: 64 * 1024 * 1024 });
  const messages = told.split("\n").filter(Boolean).map((line) => JSON.parse(line));
  const [file] = messages.find(({ reason, target }) => reason === "compiler-artifact" && target.name === "outboard_sqlite").filenames;
  mkdirSync(out, { recursive: true });
  // Aside at first: a program that has the file loaded must not see it change.
  const name = join(out, `${process.platform}-${process.arch}.node`);
  copyFileSync(file, `${name}.new`);
  renameSync(`${name}.new`, name);
}

/** The types of axios go along, and those of React are asked for but not needed: an author who wants no more than types installs nothing. */
function vendorAxiosTypes(out) {
  copyFileSync(join(dirname(require.resolve("axios/package.json")), "index.d.ts"), join(out, "axios.d.ts"));
  for (const file of readdirSync(out, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".d.ts") && name !== "axios.d.ts")) {
    const path = join(out, file);
    const text = readFileSync(path, "utf8");
    const here = relative(dirname(path), join(out, "axios.js")).replaceAll("\\", "/");
    // A plugin without a UI, in JavaScript or TypeScript, has no types of React.
    const lenient = text.replace(/^import .* from "react";$/gm, (line) => `// @ts-ignore: without React's types, these are any\n${line}`);
    writeFileSync(path, lenient.replaceAll('from "axios"', `from "${here.startsWith(".") ? here : `./${here}`}"`));
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const wanted = process.argv.slice(2);
  const all = wanted.length === 0;
  if (all || wanted.includes("library")) await buildLibrary();
  if (all || wanted.includes("runner")) await buildRunner();
  if (all || wanted.includes("shell")) await buildShell();
  if (all || wanted.includes("addon")) buildAddon();
  if (!existsSync(join(PACKAGE, "dist")) && all) throw new Error("nothing was built");
}

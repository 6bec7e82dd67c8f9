//! Builds the shell page and what it has for UIs, into the supervisor's assets: `shell.js` with everything that each page needs, a small
//! file for each shared module in it, a file of its own for each heavy module, and `names.json`, which says what is where. The gateway
//! makes the page's import map of that, and `outboard check` reads it.

import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build, transform } from "esbuild";
import { collectNotices, noticesText } from "./notices.mjs";
import { SHELL, SRC, sdkFromSources } from "./sources.mjs";
import { buildPalette } from "./theme.mjs";

const PACKAGE = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);
const { version } = JSON.parse(readFileSync(join(PACKAGE, "package.json"), "utf8"));

/** Where the committed files lie. */
export const SHELL_DIR = join(PACKAGE, "..", "..", "supervisor", "gateway", "assets", "shell");

/** What `shell.js` has in it, by the names of its exports there. */
const SHARED = {
  react: "React",
  "react/jsx-runtime": "JsxRuntime",
  "react-dom": "ReactDom",
  "react-dom/client": "ReactDomClient",
  "@tanstack/react-query": "ReactQuery",
  sonner: "Sonner",
};
/** What is loaded for those UIs alone that import it, and what else lies beside it. */
const HEAVY = {
  "@tanstack/react-router": {},
  "socket.io-client": {},
  // Its worker is looked for beside it, under this name.
  "maplibre-gl": { "maplibre-gl-worker.mjs": "maplibre-gl/dist/maplibre-gl-worker.mjs" },
  "react-map-gl/maplibre": {},
};
/** What a UI may import of the SDK: the plain one, and the one with what the original shell has. By their exports in `shell.js`. */
const SDKS = {
  Sdk: { file: "sdk.js", source: join(SRC, "ui/index.ts"), packages: ["@outboard/plugin-sdk"] },
  ShellSdk: { file: "shell-sdk.js", source: join(SHELL, "src/ui/index.ts"), packages: ["@outboard/shell", "@skyvexsoftware/stratos-sdk"] },
};
/** Names by which a UI may import each. */
const namesOf = ({ packages }) => packages.flatMap((name) => ["", "/ui", "/helpers"].map((entry) => name + entry));

const OPTIONS = {
  bundle: true,
  format: "esm",
  platform: "browser",
  target: "es2022",
  minify: true,
  jsx: "automatic",
  legalComments: "none",
  logLevel: "warning",
  metafile: true,
  absWorkingDir: PACKAGE,
  define: { "process.env.NODE_ENV": '"production"', __OUTBOARD_SHELL__: "true", __OUTBOARD_VERSION__: JSON.stringify(version), __OUTBOARD_SDK_NAMES__: JSON.stringify(Object.fromEntries(Object.entries(SDKS).map(([variable, sdk]) => [variable, namesOf(sdk)]))) },
  plugins: [sdkFromSources("ui/index.ts")],
};

/** Builds all of it. */
export async function buildShell(out = SHELL_DIR) {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const notices = new Map();
  const modules = {};
  const { metafile } = await build({ ...OPTIONS, entryPoints: [join(SRC, "shell/modules.ts")], outfile: join(out, "shell.js"), external: Object.keys(HEAVY) });
  collectNotices(metafile, notices);
  for (const [name, variable] of Object.entries(SHARED)) {
    const names = importable(Object.keys(require(name)));
    const file = fileOf(name);
    writeFileSync(join(out, file), `import { ${variable} as all } from "./shell.js";\nexport default all.default ?? all;\nexport const { ${names.join(", ")} } = all;\n`);
    modules[name] = { file, names: ["default", ...names] };
  }
  for (const [name, beside] of Object.entries(HEAVY)) {
    const file = fileOf(name);
    const { metafile } = await build({
      ...OPTIONS,
      // Bundles of older versions ask for the whole module as its default export, which newer ones no longer have.
      stdin: { contents: `export * from ${JSON.stringify(name)}; ${await defaultOf(name)}`, resolveDir: PACKAGE },
      outfile: join(out, file),
      plugins: [...OPTIONS.plugins, sharedFromThePage(name)],
    });
    collectNotices(metafile, notices);
    modules[name] = { file, names: ["default", ...importable(metafile.outputs[relative(PACKAGE, join(out, file))].exports)], heavy: true };
    for (const [lies, from] of Object.entries(beside)) writeFileSync(join(out, lies), readFileSync(fileURLToPath(import.meta.resolve(from)), "utf8").replace(/\n?\/\/# sourceMappingURL=.*\s*$/, "\n"));
  }
  const desk = await build({ ...OPTIONS, entryPoints: [join(SRC, "shell/desk/desk.tsx")], outfile: join(out, "desk.js"), plugins: [...OPTIONS.plugins, sharedFromThePage("desk")] });
  collectNotices(desk.metafile, notices);
  for (const [variable, sdk] of Object.entries(SDKS)) {
    const names = await exportsOf(sdk.source);
    writeFileSync(join(out, sdk.file), `import { ${variable} as all } from "./shell.js";\nexport const { ${names.join(", ")} } = all;\n`);
    for (const name of namesOf(sdk)) modules[name] = { file: sdk.file, names };
  }
  writeFileSync(join(out, "names.json"), `${JSON.stringify(modules, null, 1)}\n`);
  const { code } = await transform(readFileSync(join(SRC, "shell/shell.css"), "utf8"), { loader: "css", minify: true, target: "es2022" });
  writeFileSync(join(out, "shell.css"), code + (await buildPalette(join(SRC, "shell/palette.css"))));
  const looks = await transform(readFileSync(join(SRC, "shell/desk.css"), "utf8"), { loader: "css", minify: true, target: "es2022" });
  writeFileSync(join(out, "desk.css"), looks.code);
  copyFileSync(join(SRC, "shell/index.html"), join(out, "index.html"));
  writeFileSync(join(out, "policy.txt"), POLICY.join("; "));
  writeFileSync(join(out, "THIRD-PARTY.txt"), noticesText(notices));
}

/**
 * The policy that the gateway sends with the page: scripts are the supervisor's own files and the page's import map; a plugin's UI may
 * show pictures and ask servers from elsewhere, as plugins of this ecosystem do. Who may hold the page in a frame depends on where it
 * is served, so the gateway adds that.
 */
const POLICY = [
  "default-src 'self'",
  "script-src 'self' 'sha256-%IMPORT_MAP_DIGEST%'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob: https:",
  "font-src 'self' data: https:",
  "media-src 'self' data: blob: https:",
  "connect-src 'self' https: wss:",
  "object-src 'none'",
  "base-uri 'none'",
];

/** A module's default export: its own, or all of it. */
async function defaultOf(name) {
  const { metafile } = await build({ ...OPTIONS, stdin: { contents: `export { default } from ${JSON.stringify(name)};`, resolveDir: PACKAGE }, outfile: "default.js", write: false, logLevel: "silent" }).catch(() => ({}));
  return metafile ? `export { default } from ${JSON.stringify(name)};` : `import * as all from ${JSON.stringify(name)}; export default all;`;
}

/** Leaves out of a heavy module what the page has anyway: two copies of React do not work together. */
function sharedFromThePage(itself) {
  const ours = [...Object.keys(SHARED), ...Object.keys(HEAVY)].filter((name) => name !== itself);
  return {
    name: "shared-from-the-page",
    setup(build) {
      build.onResolve({ filter: /^[@a-z]/ }, ({ path, kind, namespace }) => {
        if (!ours.includes(path)) return undefined;
        if (kind !== "require-call" || namespace === "shared") return { path: `./${fileOf(path)}`, external: true };
        return { path, namespace: "shared" };
      });
      // What is required in the older way cannot be left out; it is made of what is imported.
      build.onLoad({ filter: /.*/, namespace: "shared" }, ({ path }) => ({ contents: `export * from ${JSON.stringify(path)};`, resolveDir: PACKAGE }));
    },
  };
}

/** A module's file. */
function fileOf(name) {
  return `${name.replace(/^@/, "").replace(/\//g, "-")}.js`;
}

/** The names that an ES module can export and a UI import. */
function importable(names) {
  return names.filter((name) => /^[A-Za-z_$][\w$]*$/.test(name) && name !== "default" && name !== "__esModule").sort();
}

/** What a source file exports. */
async function exportsOf(entry) {
  const { metafile } = await build({ ...OPTIONS, entryPoints: [entry], outfile: "exports.js", write: false });
  return importable(Object.values(metafile.outputs)[0].exports);
}

//! The entry `…/vite`: a Vite configuration that builds a plugin's UI or background module as the shell wants it. Read by
//! Vite at build time; imports nothing, so that it works with whatever Vite the author has.

import { copyFileSync, cpSync, existsSync, mkdirSync } from "node:fs";
import { builtinModules } from "node:module";
import { join } from "node:path";

/** What a plugin builds. */
export interface PluginConfigOptions {
  /** The plugin's folder; default: the current one. */
  pluginDir?: string;
  ui?: { entry: string };
  background?: { entry: string };
  /** Further Vite options; `plugins` are added to, the rest is laid over ours. */
  vite?: ViteOptions;
}

/** A Vite configuration, as far as it is looked into here. */
export interface ViteOptions {
  plugins?: unknown[];
  build?: Record<string, unknown>;
  [option: string]: unknown;
}

/** What the shell page provides to every UI; never bundled, so that hooks share one React and one query client. */
export const UI_EXTERNALS: (string | RegExp)[] = [
  "react",
  "react-dom",
  "react-dom/client",
  "react/jsx-runtime",
  "@tanstack/react-query",
  "@tanstack/react-router",
  "sonner",
  "socket.io-client",
  "maplibre-gl",
  "react-map-gl/maplibre",
  /^@(skyvexsoftware\/stratos-sdk|outboard\/plugin-sdk|outboard\/shell)(\/ui|\/helpers)?$/,
];

/** What the runner provides to every background module. */
export const BACKGROUND_EXTERNALS: (string | RegExp)[] = [
  ...builtinModules,
  /^node:/,
  "electron",
  "better-sqlite3",
  /^@(skyvexsoftware\/stratos-sdk|outboard\/plugin-sdk|outboard\/shell)(\/helpers|\/types)?$/,
];

/**
 * Builds `dist/ui/index.js` where `BUILD_TARGET` is unset or `ui`, `dist/background/index.js` where it is `background`;
 * both ES modules. `plugin.json` and `assets/` go along, so that `dist` is what gets installed.
 */
export function createPluginConfig(options: PluginConfigOptions): ViteOptions {
  const root = options.pluginDir ?? process.cwd();
  const target = process.env["BUILD_TARGET"] ?? (options.ui ? "ui" : "background");
  if (target !== "ui" && target !== "background") throw new Error(`BUILD_TARGET is ${JSON.stringify(target)}; use ui or background`);
  const entry = options[target]?.entry;
  if (!entry) throw new Error(`BUILD_TARGET is ${target}, and createPluginConfig was given no ${target}: { entry }`);
  const { plugins = [], build = {}, ...rest } = options.vite ?? {};
  const ours = target === "ui" ? uiBuild(join(root, entry)) : backgroundBuild(join(root, entry));
  return {
    root,
    ...ours,
    ...rest,
    plugins: [...plugins, installable(root)],
    build: { ...(ours["build"] as object), outDir: join(root, "dist", target), emptyOutDir: true, ...build },
  };
}

function uiBuild(entry: string): ViteOptions {
  return {
    // A library build leaves this to whoever bundles it next; here nobody does.
    define: { "process.env.NODE_ENV": JSON.stringify("production") },
    esbuild: { jsx: "automatic" },
    build: {
      target: "es2022",
      sourcemap: true,
      lib: { entry, formats: ["es"], fileName: () => "index.js", cssFileName: "index" },
      rollupOptions: { external: UI_EXTERNALS },
    },
  };
}

function backgroundBuild(entry: string): ViteOptions {
  return {
    ssr: { target: "node", noExternal: true },
    build: {
      target: "node20",
      sourcemap: true,
      ssr: entry,
      rollupOptions: { external: BACKGROUND_EXTERNALS, output: { format: "es", entryFileNames: "index.js", inlineDynamicImports: true } },
    },
  };
}

/** Lays the files that are not built beside those that are. */
function installable(root: string): object {
  return {
    name: "outboard-installable",
    closeBundle() {
      const dist = join(root, "dist");
      mkdirSync(dist, { recursive: true });
      if (existsSync(join(root, "plugin.json"))) copyFileSync(join(root, "plugin.json"), join(dist, "plugin.json"));
      if (existsSync(join(root, "assets"))) cpSync(join(root, "assets"), join(dist, "assets"), { recursive: true });
    },
  };
}

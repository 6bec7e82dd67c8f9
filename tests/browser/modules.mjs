//! Builds modules for tests as a plugin's own build would: the UI with the shell's modules left out, the background with
//! everything in it but the SDK.

import { build } from "esbuild";

/** What the page has, as a plugin's build knows it. */
const PAGE_MODULES = ["react", "react/*", "react-dom", "react-dom/*", "@tanstack/react-query", "@tanstack/react-router", "sonner", "socket.io-client", "maplibre-gl", "react-map-gl/maplibre"];


const SHELL = [...PAGE_MODULES, "@skyvexsoftware/stratos-sdk", "@outboard/plugin-sdk"];

async function bundle(contents, options) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: import.meta.dirname ?? ".", loader: "tsx" },
    bundle: true,
    write: false,
    format: "esm",
    jsx: "automatic",
    logLevel: "error",
    ...options,
  });
  return outputFiles[0].text;
}

/** A UI module. */
export const ui = (source) => bundle(source, { external: SHELL });

/** A background module. */
export const background = (source) =>
  bundle(source, {
    platform: "node",
    external: ["@skyvexsoftware/*"],
    banner: { js: 'import { createRequire as __cr } from "node:module"; const require = __cr(import.meta.url);' },
  });

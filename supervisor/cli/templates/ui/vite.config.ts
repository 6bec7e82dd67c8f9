// `vite build` makes dist/ui/index.js, `BUILD_TARGET=background vite build` makes dist/background/index.js.
import { copyFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { defineConfig } from "vite";

const background = process.env["BUILD_TARGET"] === "background";
const sdk = /^@(skyvexsoftware\/stratos-sdk|outboard\/(plugin-sdk|shell))(\/.*)?$/;
/** What Outboard's page, and its runner, have for every plugin: never bundled, so that there is one of each. */
const shared = background
  ? [...builtinModules, /^node:/, "better-sqlite3", sdk]
  : [/^react(-dom)?(\/|$)/, "@tanstack/react-query", "@tanstack/react-router", "sonner", "socket.io-client", "maplibre-gl", "react-map-gl/maplibre", sdk];

export default defineConfig({
  define: background ? {} : { "process.env.NODE_ENV": JSON.stringify("production") },
  esbuild: { jsx: "automatic" },
  ssr: { noExternal: true },
  build: {
    outDir: background ? "dist/background" : "dist/ui",
    emptyOutDir: true,
    sourcemap: true,
    target: background ? "node20" : "es2022",
    ...(background ? { ssr: "src/background/index.ts" } : { lib: { entry: "src/ui/index.tsx", formats: ["es" as const], fileName: () => "index.js", cssFileName: "index" } }),
    rollupOptions: { external: shared, ...(background ? { output: { format: "es" as const, entryFileNames: "index.js" } } : {}) },
  },
  plugins: [{ name: "installable", closeBundle: () => copyFileSync("plugin.json", "dist/plugin.json") }],
});

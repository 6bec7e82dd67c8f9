//! Builds the plugin; `dist` is what gets installed.

import { createPluginConfig } from "@skyvexsoftware/stratos-sdk/vite";

export default createPluginConfig({
  pluginDir: import.meta.dirname,
  background: { entry: "src/background/index.ts" },
});

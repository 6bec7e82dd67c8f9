//! Builds the plugin; `dist` is what gets installed.

import { createPluginConfig } from "@outboard/shell/vite";

export default createPluginConfig({
  pluginDir: import.meta.dirname,
  ui: { entry: "src/ui/index.tsx" },
  background: { entry: "src/background/index.ts" },
});

//! What the UI's hooks are outside a browser: a sentence. They are named here so that a file which both halves of a plugin
//! import can be loaded by the background module.

import type { PluginUiContext } from "./ui/types.js";

/** Works in a UI module alone. */
export function usePluginContext(): PluginUiContext {
  throw new Error("usePluginContext() works in a UI module, inside the shell page; a background module is given its ctx by onStart(ctx)");
}

/** Works in a UI module alone. */
export function PluginShellProvider(): never {
  throw new Error("PluginShellProvider works in a UI module, in a browser; a background module has no UI");
}

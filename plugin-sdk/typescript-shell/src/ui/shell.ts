//! Single members of the plugin's context, under the names that the original shell gives them.

import type { PluginNavigation, PluginToast, PluginUiAuth, PluginUiLogger } from "@outboard/plugin-sdk";
import { usePluginContext } from "@outboard/plugin-sdk/ui";

/** Whether somebody is signed in. */
export function useShellAuth(): PluginUiAuth {
  return usePluginContext().auth;
}

/** Ways to other pages. */
export function useShellNavigation(): PluginNavigation {
  return usePluginContext().navigation;
}

/** Messages that pass by themselves. */
export function useShellToast(): PluginToast {
  return usePluginContext().toast;
}

/** Records in the browser's console, marked with the plugin's id. */
export function usePluginLogger(): PluginUiLogger {
  return usePluginContext().logger;
}

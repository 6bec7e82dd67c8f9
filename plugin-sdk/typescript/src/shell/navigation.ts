//! The ways from a plugin's page to others. A path of a UI's own stands behind the `#` of the address, where a reload keeps it and a
//! link can name it. Another plugin is another page; where the operator's page holds this one, it goes there. Must not know any plugin.

import type { PluginNavigation } from "../ui/surface.js";
import { pathOf, type Held } from "./held.js";

/** Where the shell's pages are. */
const SHELL = "/_outboard/shell/";

/** The ways of the page in this window; `home` is the operator's. */
export function navigationOf(page: Window, home: string, held: Held): PluginNavigation {
  return {
    navigateTo(path) {
      page.location.hash = `#${checked(path, "navigateTo")}`;
    },
    // The supervisor sends the browser on to the other plugin's own origin.
    navigateToPlugin(pluginId, path = "/") {
      if (!/^[a-z0-9][a-z0-9-_.]*$/i.test(pluginId)) throw new Error(`navigateToPlugin(${JSON.stringify(pluginId)}): give the id of a plugin`);
      const below = checked(path, "navigateToPlugin");
      if (held.is) held.tell({ outboard: "navigate", plugin: pluginId, path: below });
      else page.location.assign(`${SHELL}${pluginId}${below === "/" ? "" : `#${below}`}`);
    },
    navigateToShell(path = "/") {
      if (held.is) held.tell({ outboard: "navigate", plugin: null, path: checked(path, "navigateToShell") });
      else page.location.assign(home);
    },
    getCurrentPath: () => pathOf(page),
  };
}

function checked(path: string, what: string): string {
  if (typeof path !== "string" || !path.startsWith("/")) throw new Error(`${what}: a path begins with a slash; it was ${JSON.stringify(path)}`);
  return path;
}

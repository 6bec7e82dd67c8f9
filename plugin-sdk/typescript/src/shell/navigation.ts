//! The ways from a plugin's page to others. A path of a UI's own stands behind the `#` of the address, where a reload keeps it and a
//! link can name it; another plugin is another page. Must not know any plugin.

import type { PluginNavigation } from "../ui/surface.js";

/** Where the shell's pages are. */
const SHELL = "/_outboard/shell/";

/** The ways of the page in this window. */
export function navigationOf(page: Window): PluginNavigation {
  return {
    navigateTo(path) {
      page.location.hash = `#${checked(path, "navigateTo")}`;
    },
    // The supervisor sends the browser on to the other plugin's own origin.
    navigateToPlugin(pluginId, path = "/") {
      if (!/^[a-z0-9][a-z0-9-_.]*$/i.test(pluginId)) throw new Error(`navigateToPlugin(${JSON.stringify(pluginId)}): give the id of a plugin`);
      const below = checked(path, "navigateToPlugin");
      page.location.assign(`${SHELL}${pluginId}${below === "/" ? "" : `#${below}`}`);
    },
    navigateToShell() {
      page.location.assign(page.document.querySelector<HTMLMetaElement>('meta[name="outboard-home"]')?.content || "/");
    },
    getCurrentPath: () => page.location.hash.replace(/^#/, "") || "/",
  };
}

function checked(path: string, what: string): string {
  if (typeof path !== "string" || !path.startsWith("/")) throw new Error(`${what}: a path begins with a slash; it was ${JSON.stringify(path)}`);
  return path;
}

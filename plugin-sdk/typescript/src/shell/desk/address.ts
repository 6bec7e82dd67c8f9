//! What the address in the bar says, and how it is changed: docs/decisions/plugins-in-frames.md has the table. Must not know any plugin.

import { useSyncExternalStore } from "react";

/** What the page shows. */
export type Place = { kind: "list" } | { kind: "ui"; plugin: string; path: string } | { kind: "settings"; plugin: string };

const PLUGINS = "/plugins/";
const watchers = new Set<() => void>();

/** What an address shows; null where it is not one of the page's. */
export function placeOf(address: string): Place | null {
  const url = new URL(address, globalThis.location.origin);
  if (url.pathname === "/" || url.pathname === "/plugins" || url.pathname === PLUGINS) return { kind: "list" };
  if (!url.pathname.startsWith(PLUGINS)) return null;
  const [first = ""] = url.pathname.slice(PLUGINS.length).split("/");
  const below = url.pathname.slice(PLUGINS.length + first.length);
  const plugin = decoded(first);
  if (below === "" && url.search === "?settings") return { kind: "settings", plugin };
  return { kind: "ui", plugin, path: `${below || "/"}${url.search}${url.hash}` };
}

/** The address that shows it. */
export function addressOf(place: Place): string {
  if (place.kind === "list") return "/";
  const base = PLUGINS + encodeURIComponent(place.plugin);
  if (place.kind === "settings") return `${base}?settings`;
  if (place.path === "/") return base;
  // What the address cannot hold, such as `/../x`, stays out of it: the UI is at its path all the same.
  const read = placeOf(base + place.path);
  const holds = read?.kind === "ui" && read.plugin === place.plugin && decoded(read.path) === decoded(place.path);
  return holds ? base + place.path : base;
}

/** Whether both are one in the address. */
export const isSame = (one: Place, other: Place): boolean => absolute(one) === absolute(other);

const absolute = (place: Place): string => new URL(addressOf(place), globalThis.location.origin).href;


/** Goes there, in a new entry of the browser's history or in place of the present one. */
export function go(place: Place, { replace = false }: { replace?: boolean } = {}): void {
  const address = absolute(place);
  if (address === location.href) return;
  if (replace) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
  for (const watcher of [...watchers]) watcher();
}

/** The address as it is. The component renders again when it is another one. */
export function useAddress(): string {
  return useSyncExternalStore(
    (changed) => {
      watchers.add(changed);
      window.addEventListener("popstate", changed);
      return () => {
        watchers.delete(changed);
        window.removeEventListener("popstate", changed);
      };
    },
    () => location.pathname + location.search + location.hash,
  );
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

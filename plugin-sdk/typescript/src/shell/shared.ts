//! The object in which bundles for the original shell find the modules that all UIs share. The page fills it before any plugin's code
//! runs. Must not know which modules there are.

import { standingIn } from "./stand-in.js";

/** Where those bundles look. */
export interface SharingPage {
  __stratos_modules__?: Record<string, object>;
}

/** Puts the modules that are loaded with the page where bundles look for them. What the SDK lacks is stood in for; other modules are asked by libraries what they have. */
export function share(page: SharingPage, modules: Record<string, object>, sdk: Record<string, object>): void {
  page.__stratos_modules__ = { ...modules };
  for (const [name, all] of Object.entries(sdk)) page.__stratos_modules__[name] = standingIn(all, name);
}

/** Loads the heavy modules that a UI wants, before it looks for them there. */
export async function shareEarly(page: SharingPage, names: string[]): Promise<void> {
  const loaded = await Promise.all(names.map(async (name) => [name, await import(/* @vite-ignore */ name)] as const));
  Object.assign((page.__stratos_modules__ ??= {}), Object.fromEntries(loaded));
}

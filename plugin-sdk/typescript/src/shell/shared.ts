//! The object in which bundles for the original shell find the modules that all UIs share. The page fills it before any plugin's code
//! runs. Must not know which modules there are.

import { standingIn } from "./stand-in.js";

/** Where those bundles look. */
export interface SharingPage {
  __stratos_modules__?: Record<string, object>;
}

/** Puts the modules that are loaded with the page where bundles look for them. */
export function share(page: SharingPage, modules: Record<string, object>): void {
  page.__stratos_modules__ = {};
  for (const [name, all] of Object.entries(modules)) page.__stratos_modules__[name] = standingIn(all, name);
}

/** Loads heavy modules, which this UI reads from there. */
export async function shareEarly(page: SharingPage, names: string[]): Promise<void> {
  await Promise.all(
    names.map(async (name) => {
      const all = (await import(/* @vite-ignore */ name)) as object;
      Object.assign((page.__stratos_modules__ ??= {}), { [name]: standingIn(all, name) });
    }),
  );
}

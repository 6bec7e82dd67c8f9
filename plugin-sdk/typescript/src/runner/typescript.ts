//! Lets Node import TypeScript: through its own type stripping where it has it, else through the stripper that comes with the
//! runner. Either way an import without an extension finds the `.ts` file, as a bundler would.

import { register } from "node:module";

/** From now on `.ts`, `.mts`, `.cts` and `.tsx` files can be imported. */
export async function acceptTypeScript(): Promise<void> {
  const native = Boolean((process.features as { typescript?: string | false }).typescript);
  register("./typescript-hooks.mjs", import.meta.url, { data: { native } });
}

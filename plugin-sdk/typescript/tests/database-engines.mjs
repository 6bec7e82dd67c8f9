//! The engines of `ctx.database` that this machine has: our addon, which these tests need, and Node's own SQLite, where it has one
//! that will do.

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));

/** Where the addon is, as `OUTBOARD_SQLITE_ADDON` says or as the build of the package puts it. */
export const ADDON = process.env.OUTBOARD_SQLITE_ADDON ?? join(HERE, "..", "native", `${process.platform}-${process.arch}.node`);
if (!existsSync(ADDON)) throw new Error(`${ADDON} is not there: \`npm run build:addon\` builds it, and so does \`make test-typescript\``);

export const ENGINES = ["addon", ...(Number(process.versions.node.split(".")[0]) >= 24 ? ["node"] : [])];

/** Has databases of this process opened by one engine alone until the test ends. */
export function using(t, engine) {
  process.env.OUTBOARD_SQLITE = engine;
  t.after(() => delete process.env.OUTBOARD_SQLITE);
}

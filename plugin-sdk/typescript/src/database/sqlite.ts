//! The SQLite that the runner supplies, built into a file of its own that is loaded at the first database: `ctx.database` opens
//! files with it, and `import "better-sqlite3"` gives it to a plugin that has no better-sqlite3.
//!
//! Our addon comes first, since it is the supervisor's SQLite; then Node's own, where it has one.

import { openAddon } from "./addon.js";
import { bound, Database } from "./database.js";
import type { Engine, Opening } from "./engine.js";
import { NoSqliteError, SqliteError } from "./error.js";
import { openNodeSqlite } from "./node-sqlite.js";
import type { DatabaseConstructor, DatabaseOptions } from "./types.js";

/** Each way to an SQLite, by the name that `OUTBOARD_SQLITE` takes to leave the others out. */
const ENGINES = { addon: openAddon, node: openNodeSqlite };

function openEngine(path: string, opening: Opening, bytes?: Uint8Array): Engine {
  const alone = process.env["OUTBOARD_SQLITE"];
  if (alone && !Object.hasOwn(ENGINES, alone)) {
    throw new NoSqliteError(`OUTBOARD_SQLITE is ${JSON.stringify(alone)}, and there is no SQLite of that name: it takes ${Object.keys(ENGINES).map((name) => `\`${name}\``).join(" or ")}; leave it unset to have whichever is there`);
  }
  const reasons: string[] = [];
  for (const [name, open] of Object.entries(ENGINES)) {
    if (alone && alone !== name) continue;
    const engine = open(path, opening, bytes);
    if (typeof engine !== "string") return engine;
    reasons.push(engine);
  }
  const advice = "install Node 24 or newer, or better-sqlite3 in the plugin's folder (`npm install better-sqlite3`), or put the addon where it is looked for";
  throw new NoSqliteError(`there is no SQLite to open ${path || "a database"} with: ${reasons.join("; ")}. What to do: ${advice}`);
}

/** better-sqlite3's export: called with `new` or without. */
export const BetterSqlite3 = new Proxy(Database, {
  construct: (target, [file, options]: [string?, DatabaseOptions?], derived) => Reflect.construct(target, [openEngine, file, options], derived) as Database,
  apply: (_, __, [file, options]: [string?, DatabaseOptions?]) => new BetterSqlite3(file, options),
}) as unknown as DatabaseConstructor;
Object.defineProperty(Database.prototype, "constructor", { value: BetterSqlite3, writable: true, configurable: true });
Object.assign(BetterSqlite3, { SqliteError });
// By this a runner knows its own kind, of whatever build, from a plugin's better-sqlite3.
Object.defineProperty(BetterSqlite3, Symbol.for("outboard.sqlite"), { value: true });

/** Opens a file; gives the database, and the way to let it grow to some bytes at most. */
export function openFile(path: string): { database: Database; bound(maxBytes: number): void } {
  const database = new BetterSqlite3(path) as unknown as Database;
  return { database, bound: (maxBytes) => bound(database, maxBytes) };
}

//! Which SQLite opens a plugin's file: its own better-sqlite3 where it has one, else the one that the runner supplies.

import { createRequire } from "node:module";
import { loadSqlite } from "../bundled.js";
import type { Database } from "./types.js";

/** The most pages that SQLite can be told. */
const PAGES_MAX = 0xfffffffe;

/** An open database, and the way to let its file grow to some bytes at most. */
export interface Opened {
  database: Database;
  bound(maxBytes: number): void;
}

/** Opens or creates a database file. `entry` is the module from where the plugin's own better-sqlite3 is looked up. */
export function openDatabase(path: string, entry: string | undefined, warn: (message: string) => void): Opened {
  const own = entry === undefined ? undefined : ownEngine(entry, warn);
  if (!own) return loadSqlite().openFile(path);
  const database = own(path);
  return { database, bound: (maxBytes) => boundOwn(database, maxBytes) };
}

function boundOwn(database: Database, maxBytes: number): void {
  if (!database.open) return;
  const page = Number(database.pragma("page_size", { simple: true }));
  database.pragma(`max_page_count = ${Math.min(Math.max(Math.floor(maxBytes / page), 1), PAGES_MAX)}`);
}

function ownEngine(entry: string, warn: (message: string) => void): ((path: string) => Database) | undefined {
  const require = createRequire(entry);
  let found: string;
  try {
    found = require.resolve("better-sqlite3");
  } catch {
    return undefined;
  }
  try {
    const BetterSqlite3 = require(found) as new (path: string) => Database;
    // What the runner provides under that name is not a plugin's own.
    if (Symbol.for("outboard.sqlite") in BetterSqlite3) return undefined;
    return (path) => new BetterSqlite3(path);
  } catch (error) {
    warn(`the plugin's own better-sqlite3 (${found}) does not load in Node ${process.versions.node} and is not used: ${(error as Error).message}`);
    return undefined;
  }
}

//! Which SQLite opens a file: the plugin's own better-sqlite3, else Node's, else the one that the runner supplies. The first
//! two are native; the last is WebAssembly with real files, so that a plugin runs where nothing is installed.

import { createRequire } from "node:module";
import { loadWasmSqlite } from "../bundled.js";
import { openNodeSqlite } from "./node-sqlite.js";
import { pagesOf, SqlDatabase } from "./database.js";
import type { Database } from "./types.js";
import { openWasmSqlite } from "./wasm-sqlite.js";

/** An open database, and the way to let its file grow to some bytes at most. */
export interface Opened {
  database: Database;
  bound(maxBytes: number): void;
}

/** Opens or creates a database file. `entry` is the module from where the plugin's own better-sqlite3 is looked up. */
export function openDatabase(path: string, entry: string | undefined, warn: (message: string) => void): Opened {
  const own = entry === undefined ? undefined : ownEngine(entry, warn);
  if (own) {
    const database = own(path);
    return { database, bound: (maxBytes) => boundOwn(database, maxBytes) };
  }
  const builtIn = process.env["OUTBOARD_SQLITE"] === "wasm" ? undefined : openNodeSqlite(path);
  const database = new SqlDatabase(builtIn ?? openWasmSqlite(loadWasmSqlite(), path), path);
  return { database, bound: (maxBytes) => database.bound(maxBytes) };
}

function boundOwn(database: Database, maxBytes: number): void {
  if (!database.open) return;
  const page: unknown = database.pragma("page_size", { simple: true });
  database.pragma(`max_page_count = ${pagesOf(maxBytes, Number(page))}`);
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
    return (path) => new BetterSqlite3(path);
  } catch (error) {
    warn(`the plugin's own better-sqlite3 (${found}) does not load in Node ${process.versions.node} and is not used: ${(error as Error).message}`);
    return undefined;
  }
}

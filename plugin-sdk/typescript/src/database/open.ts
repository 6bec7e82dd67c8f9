//! Which SQLite opens a file: the plugin's own better-sqlite3, else Node's, else the one that the runner supplies. The first
//! two are native; the last is WebAssembly with real files, so that a plugin runs where nothing is installed.

import { createRequire } from "node:module";
import { loadWasmSqlite } from "../bundled.js";
import { openNodeSqlite } from "./node-sqlite.js";
import { SqlDatabase } from "./database.js";
import type { Database } from "./types.js";
import { openWasmSqlite } from "./wasm-sqlite.js";

/** Opens or creates a database file. `entry` is the module from where the plugin's own better-sqlite3 is looked up. */
export function openDatabase(path: string, entry: string | undefined, warn: (message: string) => void): Database {
  const own = entry === undefined ? undefined : ownEngine(entry, warn);
  if (own) return own(path);
  const builtIn = process.env["OUTBOARD_SQLITE"] === "wasm" ? undefined : openNodeSqlite(path);
  return new SqlDatabase(builtIn ?? openWasmSqlite(loadWasmSqlite(), path), path);
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

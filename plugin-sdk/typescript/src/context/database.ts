//! `ctx.database`: SQLite files in the plugin's own data folder. The host granted that folder at the handshake; the rule for
//! names is applied here, because `open` is synchronous. The host is told of each file nevertheless: it measures what it knows.

import { lstatSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { openDatabase } from "../database/open.js";
import { checkDatabaseFile } from "../names.js";
import type { PluginPeer } from "../sides.js";
import type { PluginDatabaseAccessor } from "../types.js";

/** What opening needs to know of the plugin. */
export interface DatabasePlace {
  /** The plugin's data folder. */
  dataDir: string;
  /** The plugin's entry module, from where its own better-sqlite3 is looked up. */
  entry?: string;
  /** Told when the plugin's own engine exists and does not load. */
  warn(message: string): void;
}

/** Makes the database accessor of a session. */
export function createDatabase(peer: PluginPeer, place: () => DatabasePlace): PluginDatabaseAccessor {
  return {
    open(file) {
      const { dataDir, entry, warn } = place();
      const path = join(dataDir, checkDatabaseFile(file));
      mkdirSync(dataDir, { recursive: true, mode: 0o700 });
      if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) {
        throw new Error(`database file ${JSON.stringify(file)} is a symbolic link; it must be a file in ${dataDir} itself`);
      }
      const database = openDatabase(path, entry, warn);
      peer.request("database.open", { file }).catch((error: Error) => warn(`database.open(${JSON.stringify(file)}): ${error.message}`));
      return database;
    },
  };
}

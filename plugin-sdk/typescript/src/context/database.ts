//! `ctx.database`: SQLite files in the plugin's own data folder. The host granted that folder at the handshake; the rule for
//! names is applied here, because `open` is synchronous. The host is told of each file nevertheless: it measures what it knows,
//! and its answer says how large the file may become.

import { lstatSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { openDatabase, type Opened } from "../database/open.js";
import { CallError } from "../wire/error.js";
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

/** Files whose size is remembered, so that the next connection is bounded before the host has answered. */
const REMEMBERED_MAX = 256;

/** Makes the database accessor of a session. */
export function createDatabase(peer: PluginPeer, place: () => DatabasePlace): PluginDatabaseAccessor {
  const granted = new Map<string, number>();
  const bound = (file: string, opened: Opened, maxBytes: number) => {
    if (granted.has(file) || granted.size < REMEMBERED_MAX) granted.set(file, maxBytes);
    try {
      opened.bound(maxBytes);
    } catch (error) {
      place().warn(`database.open(${JSON.stringify(file)}): its size could not be limited to ${maxBytes} bytes: ${(error as Error).message}`);
    }
  };
  const tell = async (file: string, opened: Opened) => {
    try {
      const { maxBytes } = await peer.request("database.open", { file });
      if (typeof maxBytes === "number") bound(file, opened, maxBytes);
    } catch (error) {
      place().warn(`database.open(${JSON.stringify(file)}): ${(error as Error).message}`);
      // There is no room for a new file: it keeps what was written before the answer came, and grows no further.
      if (error instanceof CallError && error.reason === "storage_full") bound(file, opened, 0);
    }
  };
  return {
    open(file) {
      const { dataDir, entry, warn } = place();
      const path = join(dataDir, checkDatabaseFile(file));
      mkdirSync(dataDir, { recursive: true, mode: 0o700 });
      if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) {
        throw new Error(`database file ${JSON.stringify(file)} is a symbolic link; it must be a file in ${dataDir} itself`);
      }
      const opened = openDatabase(path, entry, warn);
      const before = granted.get(file);
      if (before !== undefined) bound(file, opened, before);
      void tell(file, opened);
      return opened.database;
    },
  };
}

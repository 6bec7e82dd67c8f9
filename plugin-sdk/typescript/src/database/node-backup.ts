//! A copy of a database by Node's own `backup`, which neither waits for locks nor says that one was in the way.

import { existsSync, rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { BUSY, LOCKED, OK, failure } from "./error.js";
import type { BackupProgress } from "./types.js";

/** How long a backup waits before it tries a lock again, in milliseconds. */
const BACKUP_WAITS = 50;
/** After so many steps that copied nothing a backup waits: Node itself tries again at once, for as long as the lock is there. */
const BACKUP_STEPS = 3;

/** Of a result code, the part that says what kind it is. */
const KIND = 0xff;

/** A database as Node has it. */
interface Source {
  prepare(sql: string): { get(): unknown };
}

/** `backup` of `node:sqlite`. */
export type NodeBackup = (database: any, path: string, options: object) => Promise<number>;

/** What is copied, and to which file. */
interface Copy {
  backup: NodeBackup;
  database: Source;
  name: string;
  path: string;
}

/** Copies in steps of Node's, anew where a lock was in the way, for as long as a statement would wait for one. */
export async function copy({ backup, database, name, path }: Copy, progress: (state: BackupProgress) => unknown): Promise<BackupProgress> {
  const isNew = !existsSync(path);
  let since: number | undefined;
  let least = Infinity;
  const went = ({ remainingPages }: BackupProgress): void => {
    // What was copied before, and is copied anew, leads nowhere.
    if (remainingPages < least) since = undefined;
    least = Math.min(least, remainingPages);
  };
  for (;;) {
    const { timeout } = database.prepare("PRAGMA busy_timeout").get() as { timeout: number };
    try {
      const totalPages = await backup(database, path, { source: name, progress: unlessStuck(progress, went) });
      return { totalPages, remainingPages: 0 };
    } catch (error) {
      since ??= performance.now();
      if (isLocked(error) && performance.now() - since < timeout) {
        await sleep(BACKUP_WAITS);
        continue;
      }
      if (isNew) rmSync(path, { force: true });
      throw isLocked(error) ? failure(BUSY, "database is locked") : error;
    }
  }
}

/** Whether a lock was in the way. Where it was in that of the last step, Node says OK. */
function isLocked(error: unknown): boolean {
  const { errcode } = (error ?? {}) as { errcode?: number };
  return errcode !== undefined && [OK, BUSY, LOCKED].includes(errcode & KIND);
}

/** Tells of steps that went on; throws where several have copied nothing. */
function unlessStuck(progress: (state: BackupProgress) => unknown, went: (state: BackupProgress) => void): (state: BackupProgress) => void {
  let last: BackupProgress | undefined;
  let steps = 0;
  return (state) => {
    const same = state.remainingPages === last?.remainingPages && state.totalPages === last.totalPages;
    last = state;
    if (same && ++steps >= BACKUP_STEPS) throw failure(BUSY, "database is locked");
    if (same) return;
    steps = 0;
    went(state);
    progress(state);
  };
}

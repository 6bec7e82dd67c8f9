//! Which process works on a database file of the WebAssembly engine. Its lock folder outlives a kill, and nothing in the
//! folder says whose it was; so the owner is written beside it, and a lock whose owner is dead is taken away.

import { readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";

/** Open connections of this process by file. */
const open = new Map<string, number>();

/** Takes the file for this process. Throws while another living process has it: their locks would not see each other's caches. */
export function claim(path: string): void {
  if (!open.has(path)) takeOver(path);
  open.set(path, (open.get(path) ?? 0) + 1);
}

/** Gives back one connection; the last one gives back the file. */
export function release(path: string): void {
  const left = (open.get(path) ?? 1) - 1;
  if (left > 0) return void open.set(path, left);
  open.delete(path);
  rmSync(ownerFile(path), { force: true });
}

const ownerFile = (path: string): string => `${path}.owner`;

function takeOver(path: string): void {
  const self = `${process.pid} ${startOf(process.pid) ?? ""}`;
  for (;;) {
    try {
      return writeFileSync(ownerFile(path), self, { flag: "wx", mode: 0o600 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    const owner = readOwner(path);
    if (owner === self) return; // another thread of this process
    const [pid = "", start = ""] = (owner ?? "").split(" ");
    if (owner !== undefined && startOf(Number(pid)) === start) {
      throw new Error(`${path} is open in process ${pid}; one process at a time may work on it (an own better-sqlite3 lifts this)`);
    }
    removeLock(path);
    rmSync(ownerFile(path), { force: true });
  }
}

function readOwner(path: string): string | undefined {
  try {
    return readFileSync(ownerFile(path), "utf8");
  } catch {
    return undefined;
  }
}

function removeLock(path: string): void {
  try {
    rmdirSync(`${path}.lock`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

/** When a process started, in the kernel's clock ticks: with its number, this names a process for good. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}

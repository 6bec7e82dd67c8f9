//! Which process works on a database file of the WebAssembly engine. Its lock folder outlives a kill, and nothing in the
//! folder says whose it was; so the owner is written beside it, and a lock whose owner is dead is taken away.

import { readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";


/** Gives the file back. */
export function release(path: string): void {
  rmSync(ownerFile(path), { force: true });
}

const ownerFile = (path: string): string => `${path}.owner`;

/** Takes the file for this process. Throws while another living process has it. */
export function claim(path: string): void {
  const self = `${process.pid} ${startOf(process.pid) ?? ""}`;
  for (;;) {
    try {
      return writeFileSync(ownerFile(path), self, { flag: "wx", mode: 0o600 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    const owner = readOwner(path);
    if (owner === self) throw new Error(`${path} is open in another thread of this process; open it in one of them`);
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

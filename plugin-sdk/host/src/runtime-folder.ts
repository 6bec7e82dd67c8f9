//! The supervisor's runtime folder: looks whether it is ours alone, and reads from it how to reach the supervisor and what lets us in.
//!
//! Called before each connection; the same looks as the command line's. Must not know what is asked.

import { constants } from "node:fs";
import { lstat, open } from "node:fs/promises";
import { join } from "node:path";
import { HostError, sentence } from "./errors.js";

/** How to reach a supervisor. */
export interface Way {
  readonly socket: string;
  /** Value of the header that lets us in. */
  readonly authorization: string;
}

/** More is not a record: paths and little more. */
const RECORD_MAX = 64 * 1024;
/** More is not a credential. */
const CREDENTIAL_MAX = 128;
const CREDENTIAL = /^[0-9a-f]{64}$/i;
/** Permissions that nobody but the owner may have. */
const OTHERS = 0o077;

/**
 * How to reach the supervisor of a folder: the one whose keeper is the process `keeper`, where that is known. Nothing is sent before the folder is known to be ours: the kernel does
 * not tell Node who serves a socket, so a folder that nobody else may enter, and the record of our own child in it, say so.
 */
export async function wayTo(folder: string, keeper: number | undefined): Promise<Way> {
  const found = await lstat(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") throw new HostError("not-started", `no supervisor runs at ${folder}; start one with \`outboard run\`, or name its runtime folder with \`runtimeDir\``);
    return refuse(`cannot look at the runtime folder ${folder}: ${sentence(error)}`);
  });
  const me = process.geteuid?.();
  if (!found.isDirectory()) refuse(`${folder} is not a folder (nor may it be a link to one); name another with \`runtimeDir\``);
  if (found.uid !== me) refuse(`the runtime folder ${folder} belongs to uid ${found.uid}, and you are uid ${me}; name one of your own with \`runtimeDir\``);
  if ((found.mode & OTHERS) !== 0) refuse(`the runtime folder ${folder} is open to others (mode ${(found.mode & 0o7777).toString(8)}), who may have put something into it; remove it and start again`);
  const record = parsed(await own(join(folder, "supervisor.json"), RECORD_MAX));
  if (keeper !== undefined && record.keeperPid !== keeper) refuse(`another supervisor (pid ${record.keeperPid ?? record.pid}) has the runtime folder ${folder}; name another with \`runtimeDir\``);
  const credential = (await own(record.credentialFile, CREDENTIAL_MAX)).trimEnd();
  if (!CREDENTIAL.test(credential)) refuse(`${record.credentialFile} does not hold a credential; remove it and start again, and a new one is made`);
  return { socket: join(folder, "control.sock"), authorization: `Bearer ${credential}` };
}

interface Recorded {
  readonly pid: number;
  readonly keeperPid: number | null;
  readonly credentialFile: string;
}

function parsed(text: string): Recorded {
  try {
    return JSON.parse(text) as Recorded;
  } catch (error) {
    return refuse(`supervisor.json in the runtime folder cannot be read: ${sentence(error)}`);
  }
}

/** A file of ours. No planted link is followed, and no planted FIFO waited for. */
async function own(path: string, longest: number): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch((error: unknown) => refuse(`cannot read ${path}: ${sentence(error)}`));
  try {
    const found = await file.stat();
    if (!found.isFile() || found.uid !== process.geteuid?.()) refuse(`${path} is not a file of yours (it belongs to uid ${found.uid})`);
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(longest), position: 0 });
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await file.close();
  }
}

function refuse(why: string): never {
  throw new HostError("refused", why);
}

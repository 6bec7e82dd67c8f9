//! Reads a file that somebody else may have put there. A named pipe would be waited on for ever, a device may never end: plain files
//! alone are read, and only up to a limit. Everything of the runner that reads a file uses it.

import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from "node:fs";

/** Largest module, in bytes: bundles have some megabytes. */
export const MODULE_MAX = 64 * 1024 * 1024;
/** Largest package.json and tsconfig.json, in bytes. */
export const SETTINGS_MAX = 1024 * 1024;

/** What lies there is not a file that can be read to its end. */
export class NotPlainError extends Error {
  override readonly name = "NotPlainError";
}

/** The text of a plain file of at most `max` bytes. Never waits for whoever might write to it. */
export function readPlain(path: string, max: number): string {
  // Without O_NONBLOCK the opening of a named pipe waits for a writer.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    const about = fstatSync(fd);
    if (about.isDirectory()) throw Object.assign(new Error(`${path} is a folder`), { code: "EISDIR" });
    if (!about.isFile()) throw new NotPlainError(`${path} is ${kindOf(about)}, and only a plain file is read; remove it`);
    const bytes = Buffer.allocUnsafe(Math.min(about.size, max) + 1);
    let size = 0;
    for (let read = -1; read !== 0 && size < bytes.length; size += read) read = readSync(fd, bytes, size, bytes.length - size, null);
    // One that grows while it is read is told like one that was too large.
    if (size === bytes.length) throw new NotPlainError(`${path} is larger than ${size - 1} bytes, and is not read; make it smaller, or remove it`);
    return bytes.toString("utf8", 0, size);
  } finally {
    closeSync(fd);
  }
}

function kindOf(about: Stats): string {
  return about.isFIFO() ? "a named pipe" : about.isSocket() ? "a socket" : "a device";
}

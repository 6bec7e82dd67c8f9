//! Which Node runs JavaScript plugins in an Electron application: Electron's own, unless its maker has switched that off.
//!
//! Called by applications before they start Outboard. Starts nothing: an Electron that may not be Node would open the application once more.

import { open } from "node:fs/promises";
import { accessSync, constants } from "node:fs";
import { HostError, sentence } from "./errors.js";

/** What stands before an Electron's fuses, in its program. */
const SENTINEL = Buffer.from("dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX");
/** Behind it: a version, how many fuses there are, and a byte for each; the first says whether Electron may be Node. */
const FUSES_AT = 2;
const OFF = "0".charCodeAt(0);
const ON = "1".charCodeAt(0);
/** What is read at a time: a program of Electron's has 200 MB. */
const PIECE = 4 * 1024 * 1024;

/** What {@link nodeForPlugins} found. */
export interface PluginNode {
  /** The value of `settings.javascript.node`; undefined: the Node on the PATH, as everywhere else. */
  node: string | undefined;
  /** Why it is this one, a sentence for a log. */
  why: string;
}

/**
 * Which Node plugins are run with. `shipped` is one that the application brings along for the case that Electron may not be Node. Outside Electron this is the
 * Node on the PATH.
 */
export async function nodeForPlugins({ shipped, program = process.execPath, electron = process.versions["electron"] }: { shipped?: string; program?: string; electron?: string | undefined } = {}): Promise<PluginNode> {
  if (electron === undefined) return { node: undefined, why: "this is not Electron: plugins run with the Node on the PATH" };
  const fuse = await runAsNodeFuse(program);
  if (fuse !== "off") {
    const seen = fuse === "on" ? "" : "; its fuses were not found, so this is taken to be as in an Electron without any";
    return { node: program, why: `plugins run with Electron's own Node (${electron})${seen}` };
  }
  if (shipped === undefined) {
    throw new HostError("bad-option", `the fuse RunAsNode of ${program} is off, so it cannot run plugins: ship a Node with the application and name it as \`shipped\`, or leave that fuse on`);
  }
  try {
    accessSync(shipped, constants.X_OK);
  } catch (error) {
    throw new HostError("bad-option", `the fuse RunAsNode of ${program} is off, and the Node that is to take its place cannot be run: ${sentence(error)}`);
  }
  return { node: shipped, why: `the fuse RunAsNode of this Electron is off: plugins run with ${shipped}` };
}

/** Whether an Electron's program may be run as Node; `unknown` where it has no fuses. */
export async function runAsNodeFuse(program: string): Promise<"on" | "off" | "unknown"> {
  const file = await open(program, constants.O_RDONLY).catch((error: unknown) => {
    throw new HostError("bad-option", `the fuses of ${program} cannot be read: ${sentence(error)}`);
  });
  try {
    const overlap = SENTINEL.length + FUSES_AT;
    const piece = Buffer.alloc(PIECE + overlap);
    for (let from = 0; ; from += PIECE) {
      const { bytesRead } = await file.read(piece, 0, piece.length, from);
      const at = piece.subarray(0, bytesRead).indexOf(SENTINEL);
      const fuse = at < 0 ? undefined : piece[at + SENTINEL.length + FUSES_AT];
      if (at >= 0 && at + overlap < bytesRead) return fuse === OFF ? "off" : fuse === ON ? "on" : "unknown";
      if (bytesRead < piece.length) return "unknown";
    }
  } finally {
    await file.close();
  }
}

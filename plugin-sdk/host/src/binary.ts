//! Finds the program `outboard`: named, in the environment, in this package, or on the PATH.
//!
//! Called once for each start of an application. Must not run it.

import { accessSync, constants, existsSync, statSync } from "node:fs";
import { delimiter, isAbsolute, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { HostError, sentence } from "./errors.js";

const NAME = "outboard";
/** The program that this package may carry. */
const OWN = fileURLToPath(new URL(`../bin/${NAME}`, import.meta.url));
/** Names the program, where the application does not. */
const VARIABLE = "OUTBOARD";

/**
 * The program to run. One that is named, in the options or in the environment, is the only one that is looked at.
 */
export function findBinary(named: string | undefined): string {
  if (named !== undefined) return usable(named, "`binary` names");
  const variable = process.env[VARIABLE];
  if (variable) return usable(variable, `the variable ${VARIABLE} names`);
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => isAbsolute(folder));
  const places = [OWN, ...folders.map((folder) => join(folder, NAME))];
  const found = places.map(outsideArchive).find((place) => isProgram(place) === undefined);
  if (found !== undefined) return found;
  throw new HostError(
    "no-binary",
    `no program \`${NAME}\` was found: it is not at ${OWN}, nor in any of the ${folders.length} folders of the PATH; name it with \`binary\` or in the variable ${VARIABLE}`,
  );
}

function usable(named: string, who: string): string {
  const place = outsideArchive(resolve(named));
  const wrong = isProgram(place);
  if (wrong !== undefined) throw new HostError("no-binary", `${who} ${place}, which ${wrong}`);
  return place;
}

/** Electron's archives hold no programs that could be run: what was unpacked beside one is taken in its place. */
function outsideArchive(place: string): string {
  const unpacked = place.replace(/\.asar([/\\])/, ".asar.unpacked$1");
  return unpacked !== place && existsSync(unpacked) ? unpacked : place;
}

/** What is wrong with a program; undefined where nothing is. */
function isProgram(place: string): string | undefined {
  if (/\.asar[/\\]/.test(place)) {
    return "lies inside an archive of Electron's, from which no program can be run; unpack it beside the archive (`asarUnpack` of electron-builder, `packagerConfig.asar.unpack` of Forge), or ship it with `extraResources`";
  }
  try {
    if (!statSync(place).isFile()) return "is not a file";
    accessSync(place, constants.X_OK);
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return "does not exist";
    if (code === "EACCES") return "may not be run by this user (its permissions lack `x`, or a folder above it is closed)";
    return `cannot be looked at: ${sentence(error)}`;
  }
}

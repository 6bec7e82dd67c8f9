//! What lies around a plugin, and what of it Node must not follow. Node looks for packages and for a package.json in every folder
//! above a file; above the plugins folder that is nobody's word about a plugin, and may be another user's.
//!
//! Looked at once, before the module is loaded: hooks cost a thread, and most plugins need none.

import { lstatSync, readdirSync, realpathSync, statSync, type Stats } from "node:fs";
import { dirname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { nodeTellsKinds } from "./kind.js";
import { NotPlainError, readPlain, SETTINGS_MAX } from "./plain.js";

/** What the hooks are told: plain data, since they run in a thread of their own. */
export interface Surroundings {
  /** The plugin's folder. */
  root: string;
  /** Packages that the runner provides. */
  provided: string[];
  /** Whether the provided packages are not, or not all, linked beside the plugins: they are resolved here then. */
  unlinked: boolean;
  /** Whether a package.json would make Node take files for what they are not. */
  mistaken: boolean;
  /** Whether something above the plugins folder belongs to a user whose code is not to run. */
  foreign: boolean;
  /** Whose files may be run. */
  trusted: number[];
}

/** The runner's own folder. */
const RUNNER = fileURLToPath(new URL(".", import.meta.url));

/**
 * Looks around the plugin whose entry is `file`, which is run in `folder`. Throws {@link NotPlainError} for a package.json that is not a
 * plain file: Node would wait on it for ever.
 */
export function lookAround(file: string, folder: string): Surroundings {
  const root = isWithin(folder, file) ? folder : dirname(file);
  const plugins = dirname(root);
  const provided = providedNames();
  const trusted = [process.geteuid?.() ?? 0, 0, statSync(plugins).uid];
  return { root, provided, unlinked: !provided.every((name) => isLinked(plugins, name)), mistaken: isMistaken(file, root, trusted), foreign: isForeignAbove(plugins, trusted), trusted };
}

/** Whether a path lies below a folder. */
export const isWithin = (folder: string, path: string): boolean => path.startsWith(folder.endsWith(sep) ? folder : folder + sep);

function providedNames(): string[] {
  const packages = join(RUNNER, "node_modules");
  return readdirSync(packages).flatMap((name) => (name.startsWith("@") ? readdirSync(join(packages, name)).map((inner) => `${name}/${inner}`) : [name]));
}

function isLinked(plugins: string, name: string): boolean {
  try {
    return realpathSync(join(plugins, "node_modules", name)) === realpathSync(join(RUNNER, "node_modules", name));
  } catch {
    return false;
  }
}

/** What a folder's package.json says of the kind of its files; undefined where there is no such file. */
export function typeSaid(folder: string): "module" | "commonjs" | "nothing" | undefined {
  try {
    const { type } = JSON.parse(readPlain(join(folder, "package.json"), SETTINGS_MAX)) as { type?: unknown };
    return type === "module" || type === "commonjs" ? type : "nothing";
  } catch (error) {
    if (error instanceof NotPlainError) throw error;
    return (error as NodeJS.ErrnoException).code === undefined ? "nothing" : undefined; // one that cannot be parsed is there
  }
}

/** The nearest word about a file's kind within the plugin; what stands above it says nothing about it. */
export function typeWithin(root: string, file: string): "module" | "commonjs" | "nothing" | undefined {
  for (let folder = dirname(file); folder === root || isWithin(root, folder); folder = dirname(folder)) {
    const said = typeSaid(folder);
    if (said) return said;
  }
  return undefined;
}

function isMistaken(file: string, root: string, trusted: number[]): boolean {
  const within = typeWithin(root, file);
  // `npm init` writes "commonjs" unasked, so it says nothing of what the author meant.
  if (within) return within === "commonjs" || (within === "nothing" && !nodeTellsKinds());
  for (let folder = dirname(root); ; folder = dirname(folder)) {
    const said = typeSaid(folder);
    // Node believes whatever is there; what another user wrote is not even looked at.
    if (said) return said !== "nothing" || !nodeTellsKinds() || owner(join(folder, "package.json"), trusted) !== undefined;
    if (folder === dirname(folder)) return !nodeTellsKinds();
  }
}

function isForeignAbove(plugins: string, trusted: number[]): boolean {
  for (let folder = dirname(plugins); ; folder = dirname(folder)) {
    if (["node_modules", "package.json"].some((name) => owner(join(folder, name), trusted) !== undefined)) return true;
    if (folder === dirname(folder)) return false;
  }
}

/** Who could have put something into a path, where that is nobody who is trusted. */
function owner(path: string, trusted: number[]): string | undefined {
  let about: Stats;
  try {
    about = lstatSync(path);
  } catch {
    return undefined;
  }
  if (!trusted.includes(about.uid)) return `belongs to another user (uid ${about.uid})`;
  const sticky = about.isDirectory() && (about.mode & 0o1000) !== 0;
  return !about.isSymbolicLink() && (about.mode & 0o002) !== 0 && !sticky ? "can be written by every user" : undefined;
}

/** Why a file that Node found must not be run: none where it lies in the plugins folder or the runner, or is ours all the way up. */
export function foreignness({ root, trusted }: Pick<Surroundings, "root" | "trusted">, file: string): string | undefined {
  const plugins = dirname(root);
  if (isWithin(plugins, file) || isWithin(RUNNER, file)) return undefined;
  for (let path = file; path !== dirname(path); path = dirname(path)) {
    const why = owner(path, trusted);
    if (why) return `${path} ${why}`;
  }
  return undefined;
}

/** The package that an import without a path names: none for a path, a URL, or one of Node's own. */
export function packageOf(specifier: string): string | undefined {
  return specifier.match(/^(@[\w.-]+\/[\w.-]+|[\w-][\w.-]*)(?=\/|$)/)?.[1];
}

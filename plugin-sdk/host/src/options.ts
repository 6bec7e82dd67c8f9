//! What an application says when it starts Outboard, and what holds where it says nothing.
//!
//! Read by the rest of the kit. Must not know how any of it is done.

import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { HostError } from "./errors.js";

/** What {@link startOutboard} is told. */
export interface StartOptions {
  /** The folders in which plugins lie, each in a folder of its own. They must exist. */
  plugins: string | readonly string[];
  /**
   * Where everything that must last is kept: plugins' configuration, databases and logs, and the sign-in. It belongs to your application and
   * is made where it is not there; in Electron `join(app.getPath("userData"), "outboard")` is the place.
   */
  data: string;
  /** The program `outboard`. Otherwise: the variable `OUTBOARD`, `bin/outboard` in this package, the PATH; in this order. */
  binary?: string;
  /** The folder of the supervisor's sockets. Its path must be short. Otherwise one that is named after the data folder. */
  runtimeDir?: string;
  /**
   * Where browsers and programs reach plugins. `127.0.0.1:0`, the default, takes any free port, and keeps it through restarts. Pages keep what they
   * store by their origin, and prebuilt UIs may carry `127.0.0.1:2066`; for those name a port that stays.
   */
  listen?: string;
  /** Anything that `outboard.toml` can hold, by the names in docs/SETTINGS.md; paths in it are absolute. The user's own settings file is not read. */
  settings?: Settings;
  /** Further environment variables of the supervisor. Those of this process are passed on, but for `OUTBOARD_…`. */
  env?: Readonly<Record<string, string>>;
  /** Called with each line that the supervisor writes for people; the log itself is `logs.subscribe`. */
  onLine?: (line: string) => void;
  /** How long things may take. */
  limits?: Partial<Limits>;
  /** What is done after the supervisor's death; false: nothing. */
  restart?: Partial<RestartPolicy> | false;
}

/** What {@link connectOutboard} is told. */
export interface ConnectOptions {
  /** The runtime folder of the supervisor that runs. Otherwise that of `outboard run` without further words. */
  runtimeDir?: string;
  /** How long things may take. */
  limits?: Partial<Limits>;
}

/** Values of `outboard.toml`. */
export interface Settings {
  readonly [key: string]: SettingValue | undefined;
}

/** A value of `outboard.toml`. */
export type SettingValue = string | number | boolean | readonly SettingValue[] | Settings;

/** How long things may take, in milliseconds. */
export interface Limits {
  /** From the start of the program until every plugin runs or has failed. */
  ready: number;
  /** For a connection to the control socket, its greeting included. */
  connect: number;
  /** For the answer to a call, where the call says nothing else. Longer than a stop and a start of a plugin together. */
  call: number;
  /** For an orderly stop, after which everything is ended at once. */
  stop: number;
}

/** How a supervisor that died is started again. */
export interface RestartPolicy {
  /** How many deaths are borne within the window. */
  deaths: number;
  /** The window, in milliseconds. */
  within: number;
  /** The pause before the first restart, in milliseconds; it doubles with each death in the window. */
  firstPause: number;
  /** The longest pause, in milliseconds. */
  longestPause: number;
}

/** Everything that is decided. */
export interface Decided {
  readonly plugins: readonly string[];
  readonly data: string;
  readonly runtimeDir: string;
  readonly listen: string;
  readonly settings: Settings;
  readonly env: Readonly<Record<string, string>>;
  readonly onLine: (line: string) => void;
  readonly limits: Limits;
  readonly restart: RestartPolicy | undefined;
}

const LIMITS: Limits = { ready: 90_000, connect: 5_000, call: 120_000, stop: 60_000 };
const RESTART: RestartPolicy = { deaths: 5, within: 60_000, firstPause: 250, longestPause: 10_000 };
/** Digits of the data folder's hash in the runtime folder's name: few, since a socket's path may have no more than 107 bytes. */
const HASH_DIGITS = 12;

/** Fills in what was not said. */
export function decide(options: StartOptions): Decided {
  const plugins = typeof options.plugins === "string" ? [options.plugins] : [...(options.plugins ?? [])];
  if (plugins.length === 0) throw new HostError("bad-option", "`plugins` names no folder; name the folder that holds the plugins' folders");
  if (typeof options.data !== "string" || options.data === "") {
    throw new HostError("bad-option", "`data` names no folder; name one of your application's own, in which configuration, databases and logs are kept");
  }
  for (const path of [...plugins, options.data]) notInAnArchive(path);
  const data = resolve(options.data);
  return {
    plugins: plugins.map((folder) => resolve(folder)),
    data,
    runtimeDir: resolve(options.runtimeDir ?? runtimeDirOf(data)),
    listen: options.listen ?? "127.0.0.1:0",
    settings: options.settings ?? {},
    env: options.env ?? {},
    onLine: options.onLine ?? (() => {}),
    limits: { ...LIMITS, ...options.limits },
    restart: options.restart === false ? undefined : { ...RESTART, ...options.restart },
  };
}

/** The same for a supervisor that somebody else starts. */
export function decideConnection({ runtimeDir, limits }: ConnectOptions): Decided {
  const decided = { plugins: [], data: "", listen: "", settings: {}, env: {}, onLine: () => {}, restart: undefined };
  return { ...decided, runtimeDir: resolve(runtimeDir ?? runtimeDirNamed("")), limits: { ...LIMITS, ...limits } };
}

/** The supervisor is a program of its own, and sees an archive as the one file that it is. */
function notInAnArchive(path: string): void {
  if (/\.asar[/\\]/.test(path)) {
    throw new HostError("bad-option", `${path} lies inside an archive of Electron's, which no other program can look into; ship it beside the archive, with \`extraResources\` or \`asarUnpack\``);
  }
}

/** The same for the same data folder, so that the next start finds what a killed one left. */
function runtimeDirOf(data: string): string {
  return runtimeDirNamed(`-${createHash("sha256").update(data).digest("hex").slice(0, HASH_DIGITS)}`);
}

function runtimeDirNamed(ending: string): string {
  const own = process.env["XDG_RUNTIME_DIR"];
  if (own?.startsWith("/")) return join(own, `outboard${ending}`);
  return join(tmpdir(), `outboard-${process.getuid?.() ?? 0}${ending}`);
}

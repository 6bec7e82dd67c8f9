//! One run of the program: started, watched until it is ready, told to stop, and seen to its end.
//!
//! Made by `outboard.ts` for each start. Its standard input is the lifeline: when this process ends, in whatever way, it closes, and the
//! supervisor stops everything. Must not know the control API.

import { spawn, type ChildProcessByStdio } from "node:child_process";
import { chmod, mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import type { PluginState } from "./generated/control.js";
import { HostError, sentence } from "./errors.js";
import type { Decided } from "./options.js";
import { written } from "./toml.js";

/** What the supervisor says when every plugin runs or has failed. */
export interface Ready {
  /** Where it listens, with the real port. */
  readonly listen: string;
  readonly pid: number;
  readonly keeperPid: number;
  readonly version: string;
  /** The origin of the operator's pages; null where browsers are served none. */
  readonly pages: string | null;
  readonly runtimeDir: string;
  readonly dataDir: string;
  /** Whether plugins are held back until somebody signs in. */
  readonly waitingForSignIn: boolean;
  readonly plugins: readonly { readonly id: string; readonly state: PluginState; readonly cause: string | null }[];
}

/** How a run ended. */
export interface Ended {
  /** The exit code; null where a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What it wrote last. */
  readonly lastLines: readonly string[];
}

/** The lines that are kept to say why a run ended. */
const LINES_KEPT = 20;
/** Only we read what the application set. */
const PRIVATE_FILE = 0o600;
const PRIVATE_FOLDER = 0o700;

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/** A run of the program. */
export class Run {
  readonly ended: Promise<Ended>;
  readonly #child: Child;
  readonly #lastLines: string[] = [];

  private constructor(child: Child, onLine: (line: string) => void) {
    this.#child = child;
    // Written to a program that has just ended: its end says more.
    child.stdin.on("error", () => {});
    createInterface({ input: child.stderr }).on("line", (line) => {
      this.#lastLines.push(line);
      if (this.#lastLines.length > LINES_KEPT) this.#lastLines.shift();
      onLine(line);
    });
    this.ended = new Promise((resolve) => {
      child.once("close", (code, signal) => resolve({ code, signal, lastLines: this.#lastLines }));
    });
  }

  /** Starts it, and waits until it is ready. Gives the run at once to `begun`, so that it can be stopped on the way. */
  static async start(binary: string, decided: Decided, listen: string, begun: (run: Run) => void): Promise<{ run: Run; ready: Ready }> {
    const settings = await writeSettings(decided);
    const words = ["--config", settings, "run", "--ready-json", "--exit-with-parent", "--listen", listen, "--data", decided.data, "--runtime-dir", decided.runtimeDir];
    words.push(...decided.plugins.flatMap((folder) => ["--plugins", folder]));
    const child = spawn(binary, words, { stdio: ["pipe", "pipe", "pipe"], env: environment(decided.env) });
    const run = new Run(child, decided.onLine);
    begun(run);
    const refused = new Promise<never>((_, reject) => {
      child.once("error", (error) => reject(new HostError("no-binary", `${binary} cannot be run: ${sentence(error)}`, { cause: error })));
    });
    const line = new Promise<string>((resolve) => createInterface({ input: child.stdout }).once("line", resolve));
    const early = run.ended.then((ended) => {
      throw new HostError("not-started", `the supervisor ended before it was ready: ${howEnded(ended)}`);
    });
    const late = deadline(decided.limits.ready, () => new HostError("not-started", `the supervisor was not ready within ${decided.limits.ready / 1000} s (\`limits.ready\`)${told(run.#lastLines)}`));
    try {
      const said = await Promise.race([line, refused, early, late.passed]);
      return { run, ready: JSON.parse(said) as Ready };
    } catch (error) {
      run.kill();
      throw error;
    } finally {
      late.clear();
      early.catch(() => {});
      refused.catch(() => {});
    }
  }

  /** The keeper's process, which is the one that we started. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get isOver(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Stops it in good order: each plugin's `onStop` runs. What is not over after `limit` is ended at once. */
  async stop(limit: number): Promise<Ended> {
    this.#child.kill("SIGTERM");
    const late = setTimeout(() => this.kill(), limit);
    try {
      return await this.ended;
    } finally {
      clearTimeout(late);
    }
  }

  /** Ends it at once. The supervisor sees its keeper go, and ends every plugin. */
  kill(): void {
    this.#child.kill("SIGKILL");
  }
}

/** How a run ended, in words. */
export function howEnded({ code, signal, lastLines }: Ended): string {
  return `${signal === null ? `it exited with ${code}` : `it was ended by ${signal}`}${told(lastLines)}`;
}

function told(lines: readonly string[]): string {
  return lines.length === 0 ? "" : `; it said last:\n${lines.map((line) => `  ${line}`).join("\n")}`;
}

/** A promise that is rejected in time. */
export function deadline(limit: number, error: () => Error): { passed: Promise<never>; clear: () => void } {
  let timer: NodeJS.Timeout | undefined;
  const passed = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(error()), limit);
  });
  passed.catch(() => {});
  return { passed, clear: () => clearTimeout(timer) };
}

/** The application's own file, so that the user's settings for `outboard` on the command line decide nothing here. */
async function writeSettings({ data, settings }: Decided): Promise<string> {
  const file = join(data, "application.toml");
  try {
    await mkdir(data, { recursive: true, mode: PRIVATE_FOLDER });
    await writeFile(`${file}.new`, written(settings), { mode: PRIVATE_FILE });
    await chmod(`${file}.new`, PRIVATE_FILE);
    await rename(`${file}.new`, file);
    return file;
  } catch (error) {
    if (error instanceof HostError) throw error;
    throw new HostError("bad-option", `the data folder ${data} cannot be written to: ${sentence(error)}`, { cause: error });
  }
}

/** Ours, without the variables that would decide in the application's place, and what the application adds. */
function environment(added: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const ours = Object.entries(process.env).filter(([name]) => !name.startsWith("OUTBOARD_"));
  return { ...Object.fromEntries(ours), ...added };
}

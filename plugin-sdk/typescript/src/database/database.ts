//! `Database`: the shape of a better-sqlite3 database over either engine. Must not know which one it is.

import { existsSync } from "node:fs";
import { access } from "node:fs/promises";
import { dirname } from "node:path";
import { Core } from "./core.js";
import type { Engine, Opening } from "./engine.js";
import { sqliteError } from "./error.js";
import { defineAggregate, defineFunction } from "./functions.js";
import { Statement, toggled } from "./statement.js";
import { transactionOf } from "./transaction.js";
import type { AggregateOptions, BackupOptions, BackupProgress, Database as Shape, DatabaseOptions, FunctionOptions, Statement as StatementShape, Transaction } from "./types.js";

type AnyFunction = (...args: any[]) => any;

/** The largest number that SQLite can be told: a wait in milliseconds, a step of a backup in pages. */
const NUMBER_MAX = 0x7fffffff;
/** How long a statement waits for the lock of another process where nobody says, in milliseconds. */
const TIMEOUT_DEFAULT = 5_000;

/** Opens a file by an engine, or a database in memory that holds some bytes. */
export type Opener = (path: string, opening: Opening, bytes?: Uint8Array) => Engine;

/** Lets a database grow to this size at most. */
export let bound: (database: Database, maxBytes: number) => void;

/** An open database. */
export class Database implements Shape {
  static {
    // Under this name whatever the bundler calls it.
    Object.defineProperty(this, "name", { value: "Database" });
    bound = (database, maxBytes) => database.#core.bound(maxBytes);
  }

  readonly #core: Core;
  readonly name: string;
  readonly readonly: boolean;
  readonly memory: boolean;

  constructor(opener: Opener, file: string | Uint8Array = "", options: DatabaseOptions = {}) {
    const bytes = file instanceof Uint8Array ? file : undefined;
    if (bytes === undefined && typeof file !== "string") throw new TypeError("Expected first argument to be a string");
    const { opening, verbose } = checkedOptions(options);
    const name = bytes ? ":memory:" : (file as string).trim();
    this.name = name;
    this.readonly = opening.readonly;
    this.memory = name === "" || name === ":memory:";
    if (this.memory && this.readonly && !bytes) throw new TypeError("In-memory/temporary databases cannot be readonly");
    if (name.includes("\0")) throw new TypeError("A database's path cannot hold U+0000");
    if (!this.memory && !existsSync(dirname(name))) throw new TypeError("Cannot open database because the directory does not exist");
    this.#core = new Core(opened(() => opener(name, opening, bytes)), name);
    if (verbose) this.#core.engine.trace?.(verbose);
  }

  get open(): boolean {
    return this.#core.open;
  }
  get inTransaction(): boolean {
    return this.#core.inTransaction;
  }

  prepare(source: string): StatementShape {
    return new Statement(this, this.#core, checkedSql(source));
  }

  transaction<F extends AnyFunction>(fn: F): Transaction<F> {
    return transactionOf(this, this.#core, fn);
  }

  exec(source: string): this {
    checkedSql(source);
    this.#core.work(true, () => this.#core.engine.exec(source));
    return this;
  }

  pragma(source: string, options: { simple?: boolean } = {}): any {
    if (typeof source !== "string") throw new TypeError("Expected first argument to be a string");
    if (typeof options !== "object" || options === null) throw new TypeError("Expected second argument to be an options object");
    const { simple = false } = options;
    if (typeof simple !== "boolean") throw new TypeError('Expected the "simple" option to be a boolean');
    const statement = this.prepare(`PRAGMA ${source}`);
    if (!statement.reader) {
      statement.run();
      return simple ? undefined : [];
    }
    return simple ? statement.pluck().get() : statement.all();
  }

  async backup(file: string, options: BackupOptions = {}): Promise<BackupProgress> {
    const { path, attached, progress } = checkedBackup(file, options);
    await access(dirname(path)).catch(() => {
      throw new TypeError("Cannot save backup because the directory does not exist");
    });
    this.#core.assertIdle();
    const { engine } = this.#core;
    if (!engine.backup) throw lacking("backup()");
    try {
      return await engine.backup(attached, path, (state) => pagesWanted(progress?.(state)));
    } catch (error) {
      throw sqliteError(error);
    }
  }

  serialize(options: { attached?: string } = {}): Buffer {
    if (typeof options !== "object" || options === null) throw new TypeError("Expected first argument to be an options object");
    const attached = checkedAttached(options);
    return this.#core.work(false, () => {
      if (!this.#core.engine.serialize) throw lacking("serialize()");
      return this.#core.engine.serialize(attached);
    });
  }

  function(name: string, options: FunctionOptions | AnyFunction, fn?: AnyFunction): this {
    defineFunction(this.#core, name, options, fn);
    return this;
  }

  aggregate<T>(name: string, options: AggregateOptions<T>): this {
    defineAggregate(this.#core, name, options);
    return this;
  }

  table(): never {
    throw new TypeError("table() is not there: make a table, or a view over json_each(), or install better-sqlite3 in the plugin's folder");
  }

  loadExtension(): never {
    throw new TypeError("loadExtension() is refused: an extension is built for one SQLite, and this one changes with Outboard; install better-sqlite3 in the plugin's folder, whose own SQLite takes extensions");
  }

  close(): this {
    this.#core.close();
    return this;
  }

  defaultSafeIntegers(toggle?: boolean): this {
    this.#core.bigints = toggled(toggle);
    return this;
  }

  unsafeMode(toggle?: boolean): this {
    this.#core.assertIdle();
    this.#core.unsafe = toggled(toggle);
    this.#core.engine.defend?.(!this.#core.unsafe);
    return this;
  }
}

function opened(open: () => Engine): Engine {
  try {
    return open();
  } catch (error) {
    throw sqliteError(error);
  }
}

/** SQL that SQLite reads to its end: it would stop at U+0000 without a word. */
function checkedSql(source: string): string {
  if (typeof source !== "string") throw new TypeError("Expected first argument to be a string");
  const nul = source.indexOf("\0");
  if (nul >= 0) throw new RangeError(`The supplied SQL string has U+0000 at ${nul}, and SQLite would read no further; bind such text as a parameter`);
  return source;
}

function checkedOptions(options: DatabaseOptions): { opening: Opening; verbose: ((sql: string) => void) | undefined } {
  if (typeof options !== "object" || options === null) throw new TypeError("Expected second argument to be an options object");
  const { readonly = false, fileMustExist = false, timeout = TIMEOUT_DEFAULT, verbose } = options;
  for (const [name, value] of Object.entries({ readonly, fileMustExist })) {
    if (typeof value !== "boolean") throw new TypeError(`Expected the "${name}" option to be a boolean`);
  }
  if (!Number.isInteger(timeout) || timeout < 0) throw new TypeError('Expected the "timeout" option to be a positive integer');
  if (timeout > NUMBER_MAX) throw new RangeError('Option "timeout" cannot be greater than 2147483647');
  if (verbose != null && typeof verbose !== "function") throw new TypeError('Expected the "verbose" option to be a function');
  return { opening: { readonly, create: !fileMustExist, timeout }, verbose: verbose ?? undefined };
}

function checkedAttached({ attached = "main" }: { attached?: string }): string {
  if (typeof attached !== "string") throw new TypeError('Expected the "attached" option to be a string');
  if (attached === "") throw new TypeError('The "attached" option cannot be an empty string');
  return attached;
}

function checkedBackup(file: string, options: BackupOptions): { path: string; attached: string; progress: BackupOptions["progress"] } {
  if (typeof file !== "string") throw new TypeError("Expected first argument to be a string");
  if (typeof options !== "object" || options === null) throw new TypeError("Expected second argument to be an options object");
  const path = file.trim();
  if (path === "") throw new TypeError("Backup filename cannot be an empty string");
  if (path === ":memory:") throw new TypeError('Invalid backup filename ":memory:"');
  const { progress } = options;
  if (progress != null && typeof progress !== "function") throw new TypeError('Expected the "progress" option to be a function');
  return { path, attached: checkedAttached(options), progress };
}

function pagesWanted(answer: number | void): number | undefined {
  if (answer === undefined) return undefined;
  if (typeof answer !== "number" || Number.isNaN(answer)) throw new TypeError("Expected progress callback to return a number or undefined");
  return Math.max(0, Math.min(NUMBER_MAX, Math.round(answer)));
}

const lacking = (what: string): TypeError => new TypeError(`${what} is not there with this Node's own SQLite; it needs Outboard's addon, or better-sqlite3 in the plugin's folder`);

//! `Database`: the shape of a better-sqlite3 database over either engine. Must not know which one it is.

import { existsSync } from "node:fs";
import { access } from "node:fs/promises";
import { dirname } from "node:path";
import { Core } from "./core.js";
import type { Engine, Opening } from "./engine.js";
import { sqliteError } from "./error.js";
import { defineAggregate, defineFunction } from "./functions.js";
import { flagOf, optionsOf } from "./options.js";
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
  declare readonly name: string;
  declare readonly open: boolean;
  declare readonly inTransaction: boolean;
  declare readonly readonly: boolean;
  declare readonly memory: boolean;

  constructor(opener: Opener, given?: string | Uint8Array | null, options?: DatabaseOptions | null) {
    const bytes = given instanceof Uint8Array ? given : undefined;
    const file = bytes ? ":memory:" : (given ?? "");
    if (typeof file !== "string") throw new TypeError("Expected first argument to be a string");
    const { opening, verbose } = checkedOptions(optionsOf(options));
    const name = file.trim();
    const memory = name === "" || name === ":memory:";
    if (memory && opening.readonly && !bytes) throw new TypeError("In-memory/temporary databases cannot be readonly");
    if (name.includes("\0")) throw new TypeError("A database's path cannot hold U+0000");
    if (!memory && !name.startsWith("file:") && !existsSync(dirname(name))) throw new TypeError("Cannot open database because the directory does not exist");
    const core = new Core(opened(() => opener(name, opening, bytes)), name);
    this.#core = core;
    const told = { name: () => file, open: () => core.open, inTransaction: () => core.inTransaction, readonly: () => opening.readonly, memory: () => memory };
    for (const [property, get] of Object.entries(told)) Object.defineProperty(this, property, { get, enumerable: true });
    if (verbose) core.engine.trace?.(verbose);
  }

  /** What it is printed as. */
  [Symbol.for("nodejs.util.inspect.custom")](): object {
    return Object.assign(new (class Database {})(), this);
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

  pragma(source: string, options?: { simple?: boolean } | null): any {
    if (typeof source !== "string") throw new TypeError("Expected first argument to be a string");
    const simple = flagOf(optionsOf(options), "simple");
    const statement = this.prepare(`PRAGMA ${source}`);
    if (!statement.reader) {
      statement.run();
      return simple ? undefined : [];
    }
    return simple ? statement.pluck().get() : statement.all();
  }

  async backup(file: string, options?: BackupOptions | null): Promise<BackupProgress> {
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

  serialize(options?: { attached?: string } | null): Buffer {
    const attached = checkedAttached(optionsOf(options, "first"));
    return this.#core.work(true, () => {
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
  // A file opened for writing by a slip of the pen is not found out until it is written to.
  if ("readOnly" in options) throw new TypeError('Misspelled option "readOnly" should be "readonly"');
  if ("memory" in options) throw new TypeError('Option "memory" was removed in v7.0.0 (use ":memory:" filename instead)');
  const [readonly, fileMustExist] = [flagOf(options, "readonly"), flagOf(options, "fileMustExist")];
  const timeout = "timeout" in options ? (options.timeout as number) : TIMEOUT_DEFAULT;
  const { verbose } = options;
  if (!Number.isInteger(timeout) || timeout < 0) throw new TypeError('Expected the "timeout" option to be a positive integer');
  if (timeout > NUMBER_MAX) throw new RangeError('Option "timeout" cannot be greater than 2147483647');
  if (verbose != null && typeof verbose !== "function") throw new TypeError('Expected the "verbose" option to be a function');
  return { opening: { readonly, create: !fileMustExist, timeout }, verbose: verbose ?? undefined };
}

function checkedAttached(options: { attached?: string }): string {
  const attached = "attached" in options ? options.attached : "main";
  if (typeof attached !== "string") throw new TypeError('Expected the "attached" option to be a string');
  if (attached === "") throw new TypeError('The "attached" option cannot be an empty string');
  return attached;
}

function checkedBackup(file: string, given: BackupOptions | null | undefined): { path: string; attached: string; progress: BackupOptions["progress"] } {
  if (typeof file !== "string") throw new TypeError("Expected first argument to be a string");
  const options = optionsOf(given);
  const path = file.trim();
  if (path === "") throw new TypeError("Backup filename cannot be an empty string");
  if (path === ":memory:") throw new TypeError('Invalid backup filename ":memory:"');
  const attached = checkedAttached(options);
  const { progress } = options;
  if (progress != null && typeof progress !== "function") throw new TypeError('Expected the "progress" option to be a function');
  return { path, attached, progress };
}

function pagesWanted(answer: number | void): number | undefined {
  if (answer === undefined) return undefined;
  if (typeof answer !== "number" || Number.isNaN(answer)) throw new TypeError("Expected progress callback to return a number or undefined");
  return Math.max(0, Math.min(NUMBER_MAX, Math.round(answer)));
}

const lacking = (what: string): TypeError => new TypeError(`${what} is not there with this Node's own SQLite; it needs Outboard's addon, or better-sqlite3 in the plugin's folder`);

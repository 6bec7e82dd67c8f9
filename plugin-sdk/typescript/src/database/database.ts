//! `SqlDatabase`: the shape of a better-sqlite3 database over either engine. Must not know which one it is.

import type { Engine } from "./engine.js";
import { fullError, sqliteError } from "./error.js";
import { SqlStatement } from "./statement.js";
import type { Database, FunctionOptions, SqlValue, Statement, Transaction } from "./types.js";

type AnyFunction = (...args: any[]) => any;

/** The most that SQLite can be told. */
const PAGES_MAX = 0xfffffffe;

/** How many pages fit into so many bytes: one at least, since none would mean no change. */
export function pagesOf(bytes: number, page: number): number {
  return Math.min(Math.max(Math.floor(bytes / page), 1), PAGES_MAX);
}

/** An open database. */
export class SqlDatabase implements Database {
  readonly readonly = false;
  readonly memory = false;
  #open = true;
  #bigints = false;
  #iterators = 0;
  #maxBytes: number | undefined;

  constructor(private readonly engine: Engine, readonly name: string) {}

  get open(): boolean {
    return this.#open;
  }
  get inTransaction(): boolean {
    return this.#open && this.engine.inTransaction;
  }

  prepare(source: string): Statement {
    if (typeof source !== "string") throw new TypeError("Expected first argument to be a string");
    const engine = this.guarded(() => this.engine.prepare(source));
    return new SqlStatement(this, source, engine, this.#bigints);
  }

  exec(source: string): this {
    if (typeof source !== "string") throw new TypeError("Expected first argument to be a string");
    this.guarded(() => this.engine.exec(source));
    return this;
  }

  pragma(source: string, { simple = false }: { simple?: boolean } = {}): any {
    const statement = this.prepare(`PRAGMA ${source}`);
    if (!statement.reader) {
      statement.run();
      return simple ? undefined : [];
    }
    return simple ? statement.pluck().get() : statement.all();
  }

  transaction<F extends AnyFunction>(fn: F): Transaction<F> {
    if (typeof fn !== "function") throw new TypeError("Expected first argument to be a function");
    const variant = (begin: string) => this.#transact(fn, begin);
    return Object.assign(variant("BEGIN"), {
      default: variant("BEGIN"),
      deferred: variant("BEGIN DEFERRED"),
      immediate: variant("BEGIN IMMEDIATE"),
      exclusive: variant("BEGIN EXCLUSIVE"),
      database: this,
    }) as Transaction<F>;
  }

  function(name: string, options: FunctionOptions | AnyFunction, given?: AnyFunction): this {
    const fn = typeof options === "function" ? options : given;
    const { varargs = false, deterministic = false, directOnly = false, safeIntegers = this.#bigints } = typeof options === "function" ? {} : options;
    if (typeof fn !== "function") throw new TypeError("Expected last argument to be a function");
    const wrapped = (...args: SqlValue[]) => fn(...args.map((value) => (value instanceof Uint8Array ? Buffer.from(value) : value)));
    const arity = varargs ? -1 : fn.length;
    this.guarded(() => this.engine.define(name, { arity, deterministic, bigints: safeIntegers, directOnly }, wrapped));
    return this;
  }

  defaultSafeIntegers(toggle = true): this {
    this.#bigints = toggle;
    return this;
  }

  close(): this {
    if (this.#open) {
      if (this.#iterators > 0) throw new TypeError("This database connection is busy executing a query");
      this.#open = false;
      this.engine.close();
    }
    return this;
  }

  /** Runs something on the engine; for statements. */
  guarded<T>(act: () => T): T {
    this.assertOpen();
    if (this.#iterators > 0) throw new TypeError("This database connection is busy executing a query");
    try {
      return act();
    } catch (thrown) {
      throw this.failure(thrown);
    }
  }

  /** What the engine threw, as callers are to see it; for statements. */
  failure(thrown: unknown): unknown {
    const error = sqliteError(thrown);
    return this.#maxBytes === undefined ? error : fullError(error, this.name, this.#maxBytes);
  }

  /** Lets the file grow to this size at most, an open iterator or not. SQLite itself never goes below the pages in use. */
  bound(maxBytes: number): void {
    if (!this.#open) return;
    const ask = (pragma: string): number => Number([...this.engine.prepare(`PRAGMA ${pragma}`).rows({ positional: [], numbers: [], named: {} }, false)][0]?.[0]);
    const page = ask("page_size");
    this.#maxBytes = page * ask(`max_page_count = ${pagesOf(maxBytes, page)}`);
  }

  /** Throws once the database is closed. */
  assertOpen(): void {
    if (!this.#open) throw new TypeError("The database connection is not open");
  }

  /** Counts open iterators: nothing may change the database below one. */
  iterating(change: 1 | -1): void {
    this.#iterators += change;
  }

  #transact<F extends AnyFunction>(fn: F, begin: string): AnyFunction {
    const database = this;
    return function (this: unknown, ...args: unknown[]): unknown {
      // Inside another transaction this one is a savepoint.
      const [before, after, undo] = database.inTransaction
        ? ["SAVEPOINT `_outboard`", "RELEASE `_outboard`", "ROLLBACK TO `_outboard`; RELEASE `_outboard`"]
        : [begin, "COMMIT", "ROLLBACK"];
      database.exec(before);
      try {
        const result: unknown = fn.apply(this, args);
        if (result instanceof Promise) throw new TypeError("Transaction function cannot return a promise");
        database.exec(after);
        return result;
      } catch (error) {
        if (database.inTransaction) database.exec(undo);
        throw error;
      }
    };
  }
}

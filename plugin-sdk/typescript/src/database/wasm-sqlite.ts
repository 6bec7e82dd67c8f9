//! The engine over node-sqlite3-wasm: SQLite compiled to WebAssembly, on real files through Node's synchronous calls, each
//! commit synced. Its lock on a file is a folder `<file>.lock`, whose remains after a kill `ownership.ts` takes away.

import type { WasmSqlite } from "../bundled.js";
import { withArity, type Bound, type Engine, type EngineStatement } from "./engine.js";
import { claim, release } from "./ownership.js";
import type { ColumnDefinition, SqlValue } from "./types.js";

/** The statement with members that are not in its package's types; its version is pinned. */
interface WasmStatement {
  run(values?: unknown): Counts;
  _reset(): boolean;
  _bindValue(value: unknown, position: number): void;
  _bindObject(values: object): void;
  _step(): boolean;
  _getColumnNames(): string[];
  _getRow(columns: unknown[], expand: boolean): Record<string, SqlValue>;
}

type Counts = { changes: number; lastInsertRowid: number | bigint };

/** Opens or creates a file. */
export function openWasmSqlite({ Database }: WasmSqlite, path: string): Engine {
  claim(path);
  const database = new Database(path);
  const errors = new UserErrors();
  const counts = () => database.get("SELECT changes() AS changes, last_insert_rowid() AS lastInsertRowid") as unknown as Counts;
  return {
    get inTransaction() {
      return database.inTransaction;
    },
    prepare: (sql) => new WasmEngineStatement(database.prepare(sql) as unknown as WasmStatement, counts, errors),
    exec: (sql) => errors.rethrowing(() => database.exec(sql)),
    define(name, { arity, deterministic, bigints }, fn) {
      const call = errors.remembering((...args: SqlValue[]) => fn(...args.map((value) => integer(value, bigints))));
      // The package registers a function for as many arguments as it declares; -1 is SQLite's "any number".
      withArity(call, arity);
      database.function(name, call as never, { deterministic });
    },
    close() {
      database.close();
      release(path);
    },
  };
}

class WasmEngineStatement implements EngineStatement {
  readonly columns: ColumnDefinition[];
  readonly #positions: number[];

  constructor(private readonly wasm: WasmStatement, private readonly counts: () => Counts, private readonly errors: UserErrors) {
    const names = wasm._getColumnNames();
    this.columns = names.map((name) => ({ name, column: null, table: null, database: null, type: null }));
    this.#positions = names.map((_, i) => i);
  }

  run(bound: Bound): Counts {
    try {
      return this.errors.rethrowing(() => this.#run(bound));
    } finally {
      this.wasm._reset();
    }
  }

  *rows(bound: Bound, bigints: boolean): IterableIterator<SqlValue[]> {
    this.#bind(bound);
    try {
      while (this.errors.rethrowing(() => this.wasm._step())) {
        // Asked for by position, since two columns may have one name.
        const row = this.wasm._getRow(this.#positions, false);
        yield this.#positions.map((i) => integer(row[i] ?? null, bigints));
      }
    } finally {
      this.wasm._reset();
    }
  }

  #run(bound: Bound): Counts {
    const named = Object.keys(bound.named).length > 0;
    const returns = this.columns.length > 0;
    if (!named && !returns && bound.numbers.every((number, i) => number === i + 1)) return this.wasm.run(bound.positional);
    if (bound.positional.length === 0 && !returns) return this.wasm.run(bound.named);
    // The package takes one kind of parameter or the other, and stops at the first row.
    this.#bind(bound);
    while (this.wasm._step());
    this.wasm._reset();
    return this.counts();
  }

  #bind({ positional, numbers, named }: Bound): void {
    this.wasm._reset();
    positional.forEach((value, i) => this.wasm._bindValue(value, numbers[i] ?? i + 1));
    if (Object.keys(named).length > 0) this.wasm._bindObject(named);
  }
}

/** The package turns what a user function throws into a message; this gives the caller the thing itself. */
class UserErrors {
  #thrown: { error: unknown } | undefined;

  remembering(fn: (...args: SqlValue[]) => unknown): (...args: SqlValue[]) => unknown {
    return (...args) => {
      try {
        return fn(...args) ?? null;
      } catch (error) {
        this.#thrown = { error };
        throw error;
      }
    };
  }

  rethrowing<T>(act: () => T): T {
    this.#thrown = undefined;
    try {
      return act();
    } catch (error) {
      const thrown = this.#thrown as { error: unknown } | undefined;
      throw thrown ? thrown.error : error;
    }
  }
}

/** The package gives a BigInt only where a number would not do. */
function integer(value: SqlValue, bigints: boolean): SqlValue {
  if (bigints) return typeof value === "number" && Number.isInteger(value) ? BigInt(value) : value;
  return typeof value === "bigint" ? Number(value) : value;
}

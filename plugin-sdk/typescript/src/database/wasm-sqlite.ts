//! The engine over node-sqlite3-wasm: SQLite compiled to WebAssembly, on real files through Node's synchronous calls, each
//! commit synced. Its lock on a file is a folder, whose remains after a kill `ownership.ts` takes away; making and removing
//! that folder for each statement would cost a hundred times the statement, so the lock is held for as long as the file is
//! open, and a second opening in this process shares the connection.

import { closeSync, fsyncSync, openSync } from "node:fs";
import { dirname } from "node:path";
import type { WasmSqlite } from "../bundled.js";
import { withArity, type Bound, type Engine, type EngineStatement } from "./engine.js";
import { claim, release } from "./ownership.js";
import type { ColumnDefinition, SqlValue } from "./types.js";

/** The statement with members that are not in its package's types; its version is pinned. */
interface WasmStatement {
  run(values?: unknown): Counts;
  finalize(): void;
  _reset(): boolean;
  _bindValue(value: unknown, position: number): void;
  _bindObject(values: object): void;
  _step(): boolean;
  _getColumnNames(): string[];
  _getRow(columns: unknown[], expand: boolean): Record<string, SqlValue>;
}

type Counts = { changes: number; lastInsertRowid: number | bigint };

type WasmDatabase = InstanceType<WasmSqlite["Database"]>;

/** A connection, how often it is open, and its statements: SQLite ends a connection only after all of them. */
interface Shared {
  database: WasmDatabase;
  uses: number;
  statements: Set<WasmStatement>;
}

/** Open connections of this process by file. */
const shared = new Map<string, Shared>();

/** Ends statements that nobody can reach any more. */
const forgotten = new FinalizationRegistry(({ statements, wasm }: { statements: Set<WasmStatement>; wasm: WasmStatement }) => {
  if (statements.delete(wasm)) wasm.finalize();
});

/** Opens or creates a file. */
export function openWasmSqlite(sqlite: WasmSqlite, path: string): Engine {
  const { database, statements } = acquire(sqlite, path);
  const errors = new UserErrors();
  const counts = () => database.get("SELECT changes() AS changes, last_insert_rowid() AS lastInsertRowid") as unknown as Counts;
  return {
    get inTransaction() {
      return database.inTransaction;
    },
    prepare(sql) {
      const wasm = database.prepare(sql) as unknown as WasmStatement;
      const statement = new WasmEngineStatement(wasm, counts, errors);
      statements.add(wasm);
      forgotten.register(statement, { statements, wasm });
      return statement;
    },
    exec: (sql) => errors.rethrowing(() => database.exec(sql)),
    define(name, { arity, deterministic, bigints }, fn) {
      const call = errors.remembering((...args: SqlValue[]) => fn(...args.map((value) => integer(value, bigints))));
      // The package registers a function for as many arguments as it declares; -1 is SQLite's "any number".
      withArity(call, arity);
      database.function(name, call as never, { deterministic });
    },
    close: () => letGo(path),
  };
}

function acquire({ Database }: WasmSqlite, path: string): Shared {
  const known = shared.get(path);
  if (known) {
    known.uses++;
    return known;
  }
  claim(path);
  keepJournal(path);
  const database = new Database(path);
  database.exec("PRAGMA locking_mode = EXCLUSIVE");
  const opened: Shared = { database, uses: 1, statements: new Set() };
  shared.set(path, opened);
  return opened;
}

function letGo(path: string): void {
  const known = shared.get(path);
  if (!known || --known.uses > 0) return;
  shared.delete(path);
  for (const wasm of known.statements) wasm.finalize();
  known.statements.clear();
  known.database.close();
  release(path);
}

/**
 * Makes the rollback journal's name durable before anything relies on it: the package syncs the journal, and not the folder
 * that it is in, so that a power cut could leave a half-written database without its journal. An empty journal is no journal.
 */
function keepJournal(path: string): void {
  closeSync(openSync(`${path}-journal`, "a", 0o600));
  const folder = openSync(dirname(path), "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
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

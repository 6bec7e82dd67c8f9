//! A prepared statement of `SqlDatabase`: better-sqlite3's modes and checks over an engine's rows.

import { bindingOf, parametersOf, type Parameters } from "./binding.js";
import type { SqlDatabase } from "./database.js";
import type { Bound, EngineStatement } from "./engine.js";
import type { ColumnDefinition, Database, RunResult, SqlValue, Statement } from "./types.js";

type Mode = "object" | "pluck" | "raw" | "expand";

/** Statements that SQLite itself calls read-only; everything else is taken to write. */
const READS = /^\s*(?:select|values|explain|with\b(?![\s\S]*\b(?:insert|update|delete|replace)\b)|pragma\s+\w+\s*(?:\(|;|$))/i;

/** A prepared statement. */
export class SqlStatement implements Statement {
  readonly #engine: EngineStatement;
  readonly #wanted: Parameters;
  #mode: Mode = "object";
  #bigints: boolean;
  #bound: Bound | undefined;
  #busy = false;

  constructor(private readonly owner: SqlDatabase, readonly source: string, engine: EngineStatement, bigints: boolean) {
    this.#engine = engine;
    this.#wanted = parametersOf(source);
    this.#bigints = bigints;
  }

  get database(): Database {
    return this.owner;
  }
  get reader(): boolean {
    return this.#engine.columns.length > 0;
  }
  get readonly(): boolean {
    return READS.test(this.source);
  }
  get busy(): boolean {
    return this.#busy;
  }

  run(...params: unknown[]): RunResult {
    const bound = this.#binding(params);
    const { changes, lastInsertRowid } = this.owner.guarded(() => this.#engine.run(bound));
    return { changes: Number(changes), lastInsertRowid: this.#bigints ? BigInt(lastInsertRowid) : Number(lastInsertRowid) };
  }

  get(...params: unknown[]): unknown {
    for (const row of this.#rows(params)) return this.#shape(row);
    return undefined;
  }

  all(...params: unknown[]): unknown[] {
    return Array.from(this.#rows(params), (row) => this.#shape(row));
  }

  iterate(...params: unknown[]): IterableIterator<unknown> {
    return this.#iterate(this.#rows(params));
  }

  *#iterate(rows: IterableIterator<SqlValue[]>): IterableIterator<unknown> {
    this.#busy = true;
    this.owner.iterating(1);
    try {
      for (const row of rows) yield this.#shape(row);
    } finally {
      this.#busy = false;
      this.owner.iterating(-1);
    }
  }

  pluck(toggle = true): this {
    return this.#setMode("pluck", toggle);
  }
  raw(toggle = true): this {
    return this.#setMode("raw", toggle);
  }
  expand(toggle = true): this {
    return this.#setMode("expand", toggle);
  }
  safeIntegers(toggle = true): this {
    this.#bigints = toggle;
    return this;
  }

  bind(...params: unknown[]): this {
    if (this.#bound) throw new TypeError("This statement already has bound parameters");
    this.#bound = bindingOf(this.#wanted, params);
    return this;
  }

  columns(): ColumnDefinition[] {
    if (!this.reader) throw new TypeError("The columns() method is only for statements that return data");
    return this.#engine.columns;
  }

  #rows(params: unknown[]): IterableIterator<SqlValue[]> {
    this.owner.assertOpen();
    if (!this.reader) throw new TypeError("This statement does not return data. Use run() instead");
    if (this.#busy) throw new TypeError("This statement is busy executing a query");
    return this.#read(this.#binding(params));
  }

  *#read(bound: Bound): IterableIterator<SqlValue[]> {
    try {
      yield* this.#engine.rows(bound, this.#bigints);
    } catch (thrown) {
      throw this.owner.failure(thrown);
    }
  }

  #binding(params: unknown[]): Bound {
    if (!this.#bound) return bindingOf(this.#wanted, params);
    if (params.length > 0) throw new TypeError("This statement already has bound parameters");
    return this.#bound;
  }

  #setMode(mode: Mode, on: boolean): this {
    if (!this.reader) throw new TypeError(`The ${mode}() method is only for statements that return data`);
    if (on) this.#mode = mode;
    else if (this.#mode === mode) this.#mode = "object";
    return this;
  }

  #shape(row: SqlValue[]): unknown {
    const values = row.map((value) => (value instanceof Uint8Array && !Buffer.isBuffer(value) ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : value));
    const columns = this.#engine.columns;
    if (this.#mode === "pluck") return values[0];
    if (this.#mode === "raw") return values;
    if (this.#mode === "object") return Object.fromEntries(columns.map(({ name }, i) => [name, values[i]]));
    const tables: Record<string, Record<string, unknown>> = {};
    columns.forEach(({ name, table }, i) => ((tables[table ?? "$"] ??= {})[name] = values[i]));
    return tables;
  }
}

//! What `SqlDatabase` needs of an SQLite, however it is reached. Implemented by `node-sqlite.ts` and `wasm-sqlite.ts`.

import type { ColumnDefinition, SqlValue } from "./types.js";

/** Values bound to a statement: by position, then by name with its sigil. */
export interface Bound {
  positional: SqlValue[];
  /** Which of SQLite's numbers each of them has. */
  numbers: number[];
  named: Record<string, SqlValue>;
}

/** A compiled statement. Rows are arrays; integers come as `bigint` when asked for. */
export interface EngineStatement {
  readonly columns: ColumnDefinition[];
  run(bound: Bound): { changes: number | bigint; lastInsertRowid: number | bigint };
  rows(bound: Bound, bigints: boolean): IterableIterator<SqlValue[]>;
}

/** An open database. */
export interface Engine {
  readonly inTransaction: boolean;
  prepare(sql: string): EngineStatement;
  exec(sql: string): void;
  define(name: string, options: { arity: number; deterministic: boolean; bigints: boolean; directOnly: boolean }, fn: (...args: SqlValue[]) => unknown): void;
  close(): void;
}

/** Engines read from a function's `length` for how many arguments it is. */
export function withArity<F extends (...args: never[]) => unknown>(fn: F, arity: number): F {
  return Object.defineProperty(fn, "length", { value: arity });
}

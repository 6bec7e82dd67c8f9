//! What `Database` and `Statement` need of an SQLite, however it is reached. Implemented by `addon.ts` and `node-sqlite.ts`.

import type { BackupProgress, ColumnDefinition, RunResult, SqlValue } from "./types.js";

/** How a file is opened. */
export interface Opening {
  readonly: boolean;
  /** Whether a file is made where there is none. */
  create: boolean;
  /** How long a statement waits for the lock of another process, in milliseconds. */
  timeout: number;
}

/** Makes a row of the values of its columns. Absent: a row is its first column. */
export type MakeRow = ((...values: SqlValue[]) => unknown) | null;

/**
 * A compiled statement. Values are bound by number, one for each parameter. SQLite compiles a statement anew where the tables
 * have changed since; then `remake` is asked for another `make`, since the columns may be others.
 */
export interface EngineStatement {
  /** Whether it returns rows. */
  readonly reader: boolean;
  readonly readonly: boolean;
  /** Its parameters by number: the name with its sigil, or null where there is none. */
  parameters(): (string | null)[];
  columns(): ColumnDefinition[];
  run(values: SqlValue[], bigints: boolean): RunResult;
  get(values: SqlValue[], make: MakeRow, remake: () => MakeRow, bigints: boolean): unknown;
  all(values: SqlValue[], make: MakeRow, remake: () => MakeRow, bigints: boolean): unknown[];
  /** Begins to read rows one by one; `step` gives the next, or undefined at the end; `leave` ends it before. */
  begin(values: SqlValue[]): void;
  step(make: MakeRow, remake: () => MakeRow, bigints: boolean): unknown;
  leave(): void;
}

/** How a function is called from SQL. `arity` -1 is any number of arguments. */
export interface Calling {
  arity: number;
  deterministic: boolean;
  directOnly: boolean;
  bigints: boolean;
}

/** An aggregate: what it begins with, how a row is added and taken back, and what becomes of it at the end. */
export interface Folding {
  start(): unknown;
  step(total: unknown, ...values: SqlValue[]): unknown;
  inverse?: (total: unknown, ...values: SqlValue[]) => unknown;
  result(total: unknown): SqlValue;
}

/** An open database. What an engine does not have is absent. */
export interface Engine {
  readonly inTransaction: boolean;
  prepare(sql: string): EngineStatement;
  exec(sql: string): void;
  define(name: string, calling: Calling, call: (...values: SqlValue[]) => SqlValue): void;
  aggregate?(name: string, calling: Calling, folding: Folding): void;
  serialize?(name: string): Buffer;
  /** Copies to a file, and asks after each step how many pages the next is to have; undefined leaves that as it was. */
  backup?(name: string, path: string, progress: (progress: BackupProgress) => number | undefined): Promise<BackupProgress>;
  /** Calls a function with every statement that runs, its parameters filled in. */
  trace?(call: (sql: string) => void): void;
  /** Whether SQLite guards its own tables from SQL. */
  defend?(on: boolean): void;
  close(): void;
}

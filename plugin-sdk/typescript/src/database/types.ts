//! The shape of a database as authors see it: that of better-sqlite3, as far as the runner's own engines carry it. What
//! differs is listed in the package's README.

/** A value that can be bound and read. Blobs are read as Buffers. */
export type SqlValue = null | number | bigint | string | Uint8Array;

/** What `Statement.run` answers. */
export interface RunResult {
  changes: number;
  lastInsertRowid: number | bigint;
}

/** A column of a statement's result. */
export interface ColumnDefinition {
  name: string;
  column: string | null;
  table: string | null;
  database: string | null;
  type: string | null;
}

/** A prepared statement. Parameters: positional values, one array of them, one object of named ones, or both kinds. */
export interface Statement<Row = any> {
  readonly database: Database;
  readonly source: string;
  /** Whether it returns rows. */
  readonly reader: boolean;
  /** Whether it cannot change the database. */
  readonly readonly: boolean;
  /** Whether an iterator over it is open. */
  readonly busy: boolean;
  run(...params: any[]): RunResult;
  get(...params: any[]): Row | undefined;
  all(...params: any[]): Row[];
  iterate(...params: any[]): IterableIterator<Row>;
  /** Rows become their first column. */
  pluck(toggle?: boolean): this;
  /** Rows become objects of tables. */
  expand(toggle?: boolean): this;
  /** Rows become arrays. */
  raw(toggle?: boolean): this;
  /** Integers become BigInts. */
  safeIntegers(toggle?: boolean): this;
  /** Binds for good. */
  bind(...params: any[]): this;
  columns(): ColumnDefinition[];
}

/** A function that runs in a transaction, and its variants by kind of `BEGIN`. */
export interface Transaction<F extends (...args: any[]) => any> {
  (...args: Parameters<F>): ReturnType<F>;
  default(...args: Parameters<F>): ReturnType<F>;
  deferred(...args: Parameters<F>): ReturnType<F>;
  immediate(...args: Parameters<F>): ReturnType<F>;
  exclusive(...args: Parameters<F>): ReturnType<F>;
}

/** How a user function is called. */
export interface FunctionOptions {
  varargs?: boolean;
  deterministic?: boolean;
  directOnly?: boolean;
  safeIntegers?: boolean;
}

/** An open database. */
export interface Database {
  readonly name: string;
  readonly open: boolean;
  readonly inTransaction: boolean;
  readonly readonly: boolean;
  readonly memory: boolean;
  prepare<Row = any>(source: string): Statement<Row>;
  transaction<F extends (...args: any[]) => any>(fn: F): Transaction<F>;
  exec(source: string): this;
  pragma(source: string, options?: { simple?: boolean }): any;
  function(name: string, fn: (...args: any[]) => any): this;
  function(name: string, options: FunctionOptions, fn: (...args: any[]) => any): this;
  defaultSafeIntegers(toggle?: boolean): this;
  close(): this;
}

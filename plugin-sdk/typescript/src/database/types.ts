//! The shape of a database as authors see it: that of better-sqlite3. What differs in the runner's own engines is listed in
//! DATABASES.md.

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

/** An aggregate. With `inverse` it is a window function as well. */
export interface AggregateOptions<T> extends FunctionOptions {
  /** What a group of rows begins with, or a function that gives it. */
  start?: T | (() => T);
  /** Adds a row; what it does not answer it has kept in the total itself. */
  step(total: T, ...values: any[]): T | void;
  /** Takes a row back. */
  inverse?: ((total: T, ...values: any[]) => T | void) | undefined;
  /** Makes the answer of the total. */
  result?: ((total: T) => unknown) | undefined;
}

/** How far a backup is. */
export interface BackupProgress {
  totalPages: number;
  remainingPages: number;
}

/** How a database is copied to a file. */
export interface BackupOptions {
  /** The attached database to copy; default: `main`. */
  attached?: string;
  /** Called after each step; gives how many pages the next is to have, or undefined to leave that as it was. */
  progress?: ((progress: BackupProgress) => number | void) | undefined;
}

/** How a database is opened by `new`. */
export interface DatabaseOptions {
  readonly?: boolean | undefined;
  fileMustExist?: boolean | undefined;
  /** How long a statement waits for the lock of another process, in milliseconds; default: 5000. */
  timeout?: number | undefined;
  /** Called with every statement before it runs, which it does not where this throws. */
  verbose?: ((sql?: any, ...more: any[]) => void) | null | undefined;
}

/** What `import "better-sqlite3"` gives. */
export interface DatabaseConstructor {
  new (file?: string | Uint8Array | null, options?: DatabaseOptions | null): Database;
  (file?: string | Uint8Array | null, options?: DatabaseOptions | null): Database;
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
  pragma(source: string, options?: { simple?: boolean } | null): any;
  /** Copies the database to a file while it is used. Rejects where a lock outlasts the connection's timeout. */
  backup(file: string, options?: BackupOptions | null): Promise<BackupProgress>;
  /** The database as the bytes of a file. */
  serialize(options?: { attached?: string } | null): Uint8Array;
  function(name: string, fn: (...args: any[]) => any): this;
  function(name: string, options: FunctionOptions, fn: (...args: any[]) => any): this;
  aggregate<T = any>(name: string, options: AggregateOptions<T>): this;
  defaultSafeIntegers(toggle?: boolean): this;
  /** Lets statements write while an iterator is open. */
  unsafeMode(toggle?: boolean): this;
  close(): this;
}

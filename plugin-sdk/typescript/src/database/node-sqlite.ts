//! The engine over Node's own SQLite (`node:sqlite`), of Node 24 and newer: that of Node 22 cuts text at U+0000. Gives a sentence
//! where this Node has none that will do.

import { existsSync } from "node:fs";
import type { Calling, Engine, EngineStatement, Folding, MakeRow, Opening } from "./engine.js";
import { CANTOPEN, ERROR, OK, failure } from "./error.js";
import { copy, type NodeBackup } from "./node-backup.js";
import { isNothing, isReadonly, parametersOf } from "./node-sql.js";
import type { BackupProgress, ColumnDefinition, SqlValue } from "./types.js";

/** Values of more bytes than this are let go after a run: Node keeps what was bound until the statement runs again. */
const BOUND_MAX = 65_536;

interface NodeStatement {
  readonly sourceSQL: string;
  columns?(): ColumnDefinition[];
  run(...params: unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint };
  get(...params: unknown[]): unknown;
  all(...params: unknown[]): unknown[];
  iterate(...params: unknown[]): Iterator<unknown>;
  setReadBigInts(on: boolean): void;
  setReturnArrays(on: boolean): void;
  setAllowBareNamedParameters(on: boolean): void;
}

interface NodeDatabase {
  readonly isTransaction?: boolean;
  prepare(sql: string): NodeStatement;
  exec(sql: string): void;
  function(name: string, options: object, fn: (...args: SqlValue[]) => unknown): void;
  aggregate?(name: string, options: object): void;
  serialize?(name: string): Uint8Array;
  deserialize?(bytes: Uint8Array): void;
  enableDefensive?(on: boolean): void;
  close(): void;
}

interface NodeSqlite {
  DatabaseSync: new (path: string, options: object) => NodeDatabase;
  backup?: NodeBackup;
}

/** Opens a file, where this Node has an SQLite that can tell columns and transactions. */
export function openNodeSqlite(path: string, { readonly, create, timeout }: Opening, bytes?: Uint8Array): Engine | string {
  const sqlite = load();
  const version = `Node ${process.versions.node}`;
  if (!sqlite) return `${version} has no SQLite of its own`;
  if (!create && !readonly && path !== ":memory:" && !existsSync(path)) throw failure(CANTOPEN, "unable to open database file");
  tellsAll ??= isWhole(new sqlite.DatabaseSync(":memory:", {}));
  if (!tellsAll) return `${version}'s own SQLite is too old`;
  // A path that looks like an address is a path.
  const database = new sqlite.DatabaseSync(path.startsWith("file:") ? `./${path}` : path, { readOnly: readonly && !bytes, timeout });
  if (bytes && !database.deserialize) return `${version}'s own SQLite opens no bytes`;
  // Without bytes it is empty, as it is already.
  if (bytes?.length) database.deserialize?.(bytes);
  if (bytes && readonly) database.exec("PRAGMA query_only = 1");
  const { backup } = sqlite;
  const changes = database.prepare("SELECT total_changes()");
  changes.setReturnArrays(true);
  const changed = (): number => (changes.get() as [number])[0];
  return {
    get inTransaction() {
      return database.isTransaction ?? false;
    },
    prepare: (sql) => statement(prepared(database, sql), sql, changed),
    exec: (sql) => database.exec(sql),
    define: (name, calling, call) => database.function(name, optionsOf(calling), withArity((...values: SqlValue[]) => call(...values.map(valueOf(calling.bigints))), calling.arity)),
    ...(database.aggregate ? { aggregate: (name: string, calling: Calling, folding: Folding) => database.aggregate?.(name, aggregateOf(calling, folding)) } : {}),
    ...(database.serialize ? { serialize: (name: string) => serialized(database, name) } : {}),
    ...(backup ? { backup: (name: string, file: string, progress: (state: BackupProgress) => unknown) => copy({ backup, database, name, path: file }, progress) } : {}),
    ...(database.enableDefensive ? { defend: (on: boolean) => database.enableDefensive?.(on) } : {}),
    close: () => database.close(),
  };
}

/** Whether this Node's SQLite tells columns and transactions, and text with U+0000 to its end. */
let tellsAll: boolean | undefined;

function isWhole(database: NodeDatabase): boolean {
  const statement = database.prepare("SELECT CAST(x'610062' AS TEXT) AS text");
  const whole = database.isTransaction !== undefined && statement.columns !== undefined && (statement.get() as { text: string }).text === "a\0b";
  numbersArePlain = bindsNumbers(database);
  database.close();
  return whole;
}

/** Whether Node binds a parameter by its place: one without a name, and in later versions one with a number. */
const isPlain = (name: string | null | undefined): boolean => name == null || (numbersArePlain && name.startsWith("?"));

let numbersArePlain = false;

function bindsNumbers(database: NodeDatabase): boolean {
  try {
    return (database.prepare("SELECT ?1 AS value").get(1) as { value: unknown }).value === 1;
  } catch {
    return false;
  }
}

/** Node reads the first statement of a text and says nothing of what follows. */
function prepared(database: NodeDatabase, sql: string): NodeStatement {
  if (isNothing(sql)) throw new RangeError("The supplied SQL string contains no statements");
  const node = database.prepare(sql);
  if (!isNothing(sql.slice(node.sourceSQL.length))) throw new RangeError("The supplied SQL string contains more than one statement");
  return node;
}

function statement(node: NodeStatement, sql: string, changed: () => number): EngineStatement {
  const columns = (): ColumnDefinition[] => node.columns?.() ?? [];
  const placesOf = (all: ColumnDefinition[]): string => JSON.stringify(all.map(({ name, table }) => [name, table]));
  const reader = columns().length > 0;
  let places = placesOf(columns());
  const parameters = parametersOf(sql);
  const readonly = isReadonly(sql);
  let iterator: Iterator<unknown> | undefined;
  let first = true;
  node.setReturnArrays(true);
  // Names are given with their sigils: `@a` and `:a` may be in one statement.
  node.setAllowBareNamedParameters(false);
  // Read as BigInts and narrowed here: Node refuses what does not fit a number, better-sqlite3 rounds it.
  node.setReadBigInts(true);
  const given = (values: SqlValue[]): unknown[] => {
    const named = Object.fromEntries(parameters.flatMap((name, i) => (isPlain(name) ? [] : [[name, values[i]]])));
    const plain = values.filter((_, i) => isPlain(parameters[i]));
    return plain.length < values.length ? [named, ...plain] : plain;
  };
  /** Lets go of large values, by binding others in their place. */
  const ended = (values: SqlValue[]): void => {
    if (values.some(isLarge)) node.iterate(...given(values.map(() => null))).return?.();
  };
  /** What makes rows, after the first was read: Node does not tell that the columns are others. */
  const current = (make: MakeRow, remake: () => MakeRow): MakeRow => {
    const now = placesOf(columns());
    if (now === places) return make;
    places = now;
    return make === null ? null : remake();
  };
  const shaped = (row: unknown, make: MakeRow, bigints: boolean): unknown => {
    const values = (row as SqlValue[]).map(valueOf(bigints));
    return make === null ? values[0] : make(...values);
  };
  const all = (values: SqlValue[], make: MakeRow, remake: () => MakeRow, bigints: boolean): unknown[] => {
    const rows = node.all(...given(values));
    ended(values);
    const maker = current(make, remake);
    return rows.map((row) => shaped(row, maker, bigints));
  };
  return {
    reader,
    readonly,
    parameters: () => parameters,
    columns: () => columns().map(({ name, column, table, database, type }) => ({ name, column, table, database, type })),
    run(values, bigints) {
      const before = changed();
      const { changes, lastInsertRowid } = node.run(...given(values));
      ended(values);
      // Node tells the changes of the statement before, where this one makes none.
      return { changes: changed() === before ? 0 : Number(changes), lastInsertRowid: bigints ? BigInt(lastInsertRowid) : Number(lastInsertRowid) };
    },
    get(values, make, remake, bigints) {
      // What writes is run to its end: a row of it that is given was stored.
      if (!readonly) return all(values, make, remake, bigints)[0];
      const row = node.get(...given(values));
      ended(values);
      return row === undefined ? undefined : shaped(row, current(make, remake), bigints);
    },
    all,
    begin(values) {
      iterator = node.iterate(...given(values));
      first = true;
    },
    step(make, remake, bigints) {
      const next = iterator?.next();
      if (next === undefined || next.done) return undefined;
      const maker = first ? current(make, remake) : make;
      first = false;
      return shaped(next.value, maker, bigints);
    },
    leave() {
      iterator?.return?.();
      iterator = undefined;
    },
  };
}

const isLarge = (value: SqlValue): boolean => (typeof value === "string" ? value.length : value instanceof Uint8Array ? value.byteLength : 0) > BOUND_MAX;

/** Blobs are Buffers to whoever uses better-sqlite3. */
const buffered = (value: SqlValue): SqlValue => (value instanceof Uint8Array && !Buffer.isBuffer(value) ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : value);

/** A value as authors see it: integers are numbers, the nearest there is, unless they want them exactly. */
const valueOf = (bigints: boolean) => (value: SqlValue): SqlValue => (typeof value === "bigint" && !bigints ? Number(value) : buffered(value));

// Asked for as BigInts: Node refuses a call with an integer that does not fit a number.
const optionsOf = ({ arity, deterministic, directOnly }: Calling): object => ({ varargs: arity < 0, deterministic, directOnly, useBigIntArguments: true });

/** Node reads from a function's `length` for how many arguments it is. */
function withArity<F extends (...args: never[]) => unknown>(fn: F, arity: number): F {
  return Object.defineProperty(fn, "length", { value: Math.max(arity, 0) });
}

function aggregateOf(calling: Calling, { start, step, inverse, result }: Folding): object {
  interface Group {
    total: unknown;
  }
  const folded = (fold: (total: unknown, ...values: SqlValue[]) => unknown) =>
    withArity((group: Group, ...values: SqlValue[]) => {
      const next = fold(group.total, ...values.map(valueOf(calling.bigints)));
      if (next !== undefined) group.total = next;
      return group;
    }, calling.arity + 1);
  return {
    ...optionsOf(calling),
    start: () => ({ total: start() }),
    step: folded(step),
    ...(inverse ? { inverse: folded(inverse) } : {}),
    result: (group: Group) => result(group.total),
  };
}

function serialized(database: NodeDatabase, name: string): Buffer {
  try {
    return buffered(database.serialize?.(name) ?? null) as Buffer;
  } catch (error) {
    // Node asks the connection what was wrong, which does not know.
    throw (error as { errcode?: number }).errcode === OK ? failure(ERROR, `unknown database ${name}`) : error;
  }
}

/** Node warns once that its SQLite is experimental; an author who asked for a database cannot do anything about it. */
function load(): NodeSqlite | undefined {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return process.getBuiltinModule("node:sqlite") as unknown as NodeSqlite | undefined;
  } finally {
    process.emitWarning = emitWarning;
  }
}

//! The engine over Node's own SQLite (`node:sqlite`), of Node 24 and newer: that of Node 22 cuts text at U+0000. Gives a sentence
//! where this Node has none that will do.

import { existsSync } from "node:fs";
import type { Calling, Engine, EngineStatement, Folding, MakeRow, Opening } from "./engine.js";
import type { BackupProgress, ColumnDefinition, SqlValue } from "./types.js";

/** What opens a file that is not there, as SQLite numbers it. */
const CANTOPEN = 14;

/** Parts of SQL in which nothing is a parameter or the end of a statement. */
const QUIET = /'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/g;
/** What may stand behind a statement. */
const NOTHING = /^(?:[\s;]|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))*$/;

/** Statements that SQLite itself calls read-only; everything else is taken to write. */
const READS = /^\s*(?:select|values|explain|with\b(?![\s\S]*\b(?:insert|update|delete|replace)\b)|pragma\s+\w+\s*(?:\(|;|$))/i;

interface NodeStatement {
  readonly sourceSQL: string;
  columns?(): ColumnDefinition[];
  run(...params: unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint };
  get(...params: unknown[]): unknown;
  all(...params: unknown[]): unknown[];
  iterate(...params: unknown[]): Iterator<unknown>;
  setReadBigInts(on: boolean): void;
  setReturnArrays(on: boolean): void;
}

interface NodeDatabase {
  readonly isTransaction?: boolean;
  prepare(sql: string): NodeStatement;
  exec(sql: string): void;
  function(name: string, options: object, fn: (...args: SqlValue[]) => unknown): void;
  aggregate?(name: string, options: object): void;
  serialize?(name: string): Uint8Array;
  close(): void;
}

interface NodeSqlite {
  DatabaseSync: new (path: string, options: object) => NodeDatabase;
  backup?(database: NodeDatabase, path: string, options: object): Promise<number>;
}

/** Opens a file, where this Node has an SQLite that can tell columns and transactions. */
export function openNodeSqlite(path: string, { readonly, create, timeout }: Opening, bytes?: Uint8Array): Engine | string {
  const sqlite = load();
  const version = `Node ${process.versions.node}`;
  if (!sqlite) return `${version} has no SQLite of its own`;
  if (bytes) return `${version}'s own SQLite opens no bytes`;
  if (!create && !readonly && path !== ":memory:" && !existsSync(path)) throw Object.assign(new Error("unable to open database file"), { errcode: CANTOPEN });
  tellsAll ??= isWhole(new sqlite.DatabaseSync(":memory:", {}));
  if (!tellsAll) return `${version}'s own SQLite is too old`;
  const database = new sqlite.DatabaseSync(path, { readOnly: readonly, timeout });
  const { backup } = sqlite;
  return {
    get inTransaction() {
      return database.isTransaction ?? false;
    },
    prepare: (sql) => statement(prepared(database, sql), sql),
    exec: (sql) => database.exec(sql),
    define: (name, calling, call) => database.function(name, optionsOf(calling), withArity((...values: SqlValue[]) => call(...values.map(buffered)), calling.arity)),
    ...(database.aggregate ? { aggregate: (name: string, calling: Calling, folding: Folding) => database.aggregate?.(name, aggregateOf(calling, folding)) } : {}),
    ...(database.serialize ? { serialize: (name: string) => buffered(database.serialize?.(name) ?? null) as Buffer } : {}),
    ...(backup ? { backup: (name: string, file: string, progress: (state: BackupProgress) => unknown) => copy(backup, database, name, file, progress) } : {}),
    close: () => database.close(),
  };
}

/** Whether this Node's SQLite tells columns and transactions, and text with U+0000 to its end. */
let tellsAll: boolean | undefined;

function isWhole(database: NodeDatabase): boolean {
  const statement = database.prepare("SELECT CAST(x'610062' AS TEXT) AS text");
  const whole = database.isTransaction !== undefined && statement.columns !== undefined && (statement.get() as { text: string }).text === "a\0b";
  database.close();
  return whole;
}

/** Node reads the first statement of a text and says nothing of what follows. */
function prepared(database: NodeDatabase, sql: string): NodeStatement {
  if (NOTHING.test(sql)) throw new RangeError("The supplied SQL string contains no statements");
  const node = database.prepare(sql);
  if (!NOTHING.test(sql.slice(node.sourceSQL.length))) throw new RangeError("The supplied SQL string contains more than one statement");
  return node;
}

function statement(node: NodeStatement, sql: string): EngineStatement {
  const columns = node.columns?.() ?? [];
  const parameters = parametersOf(sql);
  const readonly = READS.test(sql);
  let iterator: Iterator<unknown> | undefined;
  node.setReturnArrays(true);
  // Read as BigInts and narrowed here: Node refuses what does not fit a number, better-sqlite3 rounds it.
  node.setReadBigInts(true);
  const given = (values: SqlValue[]): unknown[] => {
    const named = Object.fromEntries(parameters.flatMap((name, i) => (name === null ? [] : [[name, values[i]]])));
    const plain = values.filter((_, i) => parameters[i] === null);
    return plain.length < values.length ? [named, ...plain] : plain;
  };
  const shaped = (row: unknown, make: MakeRow, remake: () => MakeRow, bigints: boolean): unknown => {
    const values = (row as SqlValue[]).map((value) => buffered(typeof value === "bigint" && !bigints ? Number(value) : value));
    const maker = values.length === columns.length || make === null ? make : remake();
    return maker === null ? values[0] : maker(...values);
  };
  return {
    reader: columns.length > 0,
    readonly,
    parameters: () => parameters,
    columns: () => (node.columns?.() ?? []).map(({ name, column, table, database, type }) => ({ name, column, table, database, type })),
    run(values, bigints) {
      const { changes, lastInsertRowid } = node.run(...given(values));
      // Node tells the changes of the statement before, where this one makes none.
      return { changes: readonly ? 0 : Number(changes), lastInsertRowid: bigints ? BigInt(lastInsertRowid) : Number(lastInsertRowid) };
    },
    get(values, make, remake, bigints) {
      const row = node.get(...given(values));
      return row === undefined ? undefined : shaped(row, make, remake, bigints);
    },
    all: (values, make, remake, bigints) => node.all(...given(values)).map((row) => shaped(row, make, remake, bigints)),
    begin(values) {
      iterator = node.iterate(...given(values));
    },
    step(make, remake, bigints) {
      const next = iterator?.next();
      return next === undefined || next.done ? undefined : shaped(next.value, make, remake, bigints);
    },
    leave() {
      iterator?.return?.();
      iterator = undefined;
    },
  };
}

/** A statement's parameters, numbered as SQLite does: Node does not tell them. */
function parametersOf(sql: string): (string | null)[] {
  const found = sql.replace(QUIET, " ").match(/\?\d*|[@:$][A-Za-z0-9_\u0080-\uffff$]+/g) ?? [];
  const numbered: (string | null)[] = [];
  for (const name of found) {
    if (name === "?") numbered.push(null);
    else if (name.startsWith("?")) {
      const number = Number(name.slice(1));
      while (numbered.length < number) numbered.push(null);
      numbered[number - 1] = name;
    } else if (!numbered.includes(name)) numbered.push(name);
  }
  return numbered;
}

/** Blobs are Buffers to whoever uses better-sqlite3. */
const buffered = (value: SqlValue): SqlValue => (value instanceof Uint8Array && !Buffer.isBuffer(value) ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : value);

const optionsOf = ({ arity, deterministic, directOnly, bigints }: Calling): object => ({ varargs: arity < 0, deterministic, directOnly, useBigIntArguments: bigints });

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
      const next = fold(group.total, ...values.map(buffered));
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

async function copy(backup: NonNullable<NodeSqlite["backup"]>, database: NodeDatabase, name: string, path: string, progress: (state: BackupProgress) => unknown): Promise<BackupProgress> {
  const totalPages = await backup(database, path, { source: name, progress });
  return { totalPages, remainingPages: 0 };
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

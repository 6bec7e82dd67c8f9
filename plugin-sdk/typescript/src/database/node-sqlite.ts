//! The engine over Node's own SQLite (`node:sqlite`, Node 22.13 and newer). Absent elsewhere: then this gives undefined.

import { createRequire } from "node:module";
import { withArity, type Bound, type Engine, type EngineStatement } from "./engine.js";
import type { ColumnDefinition, SqlValue } from "./types.js";

interface NodeStatement {
  columns?(): ColumnDefinition[];
  run(...params: unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint };
  iterate(...params: unknown[]): IterableIterator<unknown>;
  setReadBigInts(on: boolean): void;
  setReturnArrays(on: boolean): void;
}

interface NodeDatabase {
  readonly isTransaction?: boolean;
  prepare(sql: string): NodeStatement;
  exec(sql: string): void;
  function(name: string, options: object, fn: (...args: SqlValue[]) => unknown): void;
  close(): void;
}

interface NodeSqlite {
  DatabaseSync: new (path: string) => NodeDatabase;
}

/** Opens a file, where this Node has an SQLite that can tell columns and transactions. */
export function openNodeSqlite(path: string): Engine | undefined {
  const sqlite = load();
  if (!sqlite) return undefined;
  const database = new sqlite.DatabaseSync(path);
  if (database.isTransaction === undefined || !database.prepare("SELECT 1").columns) {
    database.close();
    return undefined;
  }
  return {
    get inTransaction() {
      return database.isTransaction ?? false;
    },
    prepare: (sql) => statement(database.prepare(sql)),
    exec: (sql) => database.exec(sql),
    define: (name, { arity, deterministic, bigints, directOnly }, fn) =>
      database.function(name, { varargs: arity < 0, deterministic, useBigIntArguments: bigints, directOnly }, withArity((...args: SqlValue[]) => fn(...args), Math.max(arity, 0))),
    close: () => database.close(),
  };
}

function statement(node: NodeStatement): EngineStatement {
  const columns = node.columns?.() ?? [];
  node.setReturnArrays(true);
  const given = ({ positional, named }: Bound) => (Object.keys(named).length > 0 ? [named, ...positional] : positional);
  return {
    columns,
    run: (bound) => node.run(...given(bound)),
    *rows(bound, bigints) {
      // Read as BigInts and narrowed here: Node refuses what does not fit a number, better-sqlite3 rounds it.
      node.setReadBigInts(true);
      for (const row of node.iterate(...given(bound))) yield (row as SqlValue[]).map((value) => (typeof value === "bigint" && !bigints ? Number(value) : value));
    },
  };
}

/** Node warns once that its SQLite is experimental; an author who asked for a database cannot do anything about it. */
function load(): NodeSqlite | undefined {
  const emitWarning = process.emitWarning;
  process.emitWarning = () => {};
  try {
    return createRequire(import.meta.url)("node:sqlite") as NodeSqlite;
  } catch {
    return undefined;
  } finally {
    process.emitWarning = emitWarning;
  }
}

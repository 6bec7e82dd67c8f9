//! The engine over our own addon: the SQLite of the supervisor, in this process. Built from `sqlite/`; `OUTBOARD_SQLITE_ADDON`
//! says where it lies, as the supervisor sets it, else it is in the package beside the runner.

import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as turn, setTimeout as sleep } from "node:timers/promises";
import type { Calling, Engine, EngineStatement, Folding, MakeRow, Opening } from "./engine.js";
import { DONE, OK, failure } from "./error.js";
import type { BackupProgress, ColumnDefinition, RunResult, SqlValue } from "./types.js";

declare const __OUTBOARD_VERSION__: string;

/** SQLite's flags of a function. */
const DETERMINISTIC = 0x800;
const DIRECT_ONLY = 0x80000;

/** How many pages a step of a backup copies where nobody says; a step holds the thread. */
const BACKUP_PAGES = 100;
/** How long a backup waits before it tries a lock again, in milliseconds: twice as long each time, within these limits. */
const BACKUP_WAITS = { min: 10, max: 100 };

/** A connection, a statement or a copy of the addon's. */
type Handle = object;

/** The addon's functions. */
interface Addon {
  build(): string;
  open(path: string, readonly: boolean, create: boolean, timeout: number, changes: Float64Array): Handle;
  close(connection: Handle): void;
  prepare(connection: Handle, sql: string): Handle;
  exec(connection: Handle, sql: string): void;
  inTransaction(connection: Handle): boolean;
  defend(connection: Handle, on: boolean): void;
  serialize(connection: Handle, name: string): Buffer;
  deserialize(connection: Handle, bytes: Uint8Array, readonly: boolean): void;
  trace(connection: Handle, call: (sql: string) => void): void;
  define(connection: Handle, name: string, arity: number, flags: number, bigints: boolean, ...calls: [(...values: SqlValue[]) => SqlValue] | (Grouped | null)[]): void;
  backup(connection: Handle, name: string, path: string): Handle;
  copy(backup: Handle, pages: number): [code: number, totalPages: number, remainingPages: number, waits: number];
  finish(backup: Handle): void;
  reader(statement: Handle): boolean;
  readonly(statement: Handle): boolean;
  parameters(statement: Handle): (string | null)[];
  columns(statement: Handle): (string | null)[][];
  run(statement: Handle, bigints: boolean, ...values: SqlValue[]): number | bigint;
  get(statement: Handle, bigints: boolean, make: MakeRow, remake: () => MakeRow, ...values: SqlValue[]): unknown;
  all(statement: Handle, bigints: boolean, make: MakeRow, remake: () => MakeRow, ...values: SqlValue[]): unknown[];
  begin(statement: Handle, ...values: SqlValue[]): void;
  step(statement: Handle, bigints: boolean, make: MakeRow, remake: () => MakeRow): unknown;
  leave(statement: Handle): void;
}

/** A function of an aggregate, which is given the number of a group of rows first. */
type Grouped = (group: number, ...values: SqlValue[]) => unknown;

/** The addon, or why it is not there. */
type Loaded = { addon: Addon } | { why: string };

let loaded: Loaded | undefined;

/** Opens a file or a database in memory; gives a sentence where the addon cannot be used. */
export function openAddon(path: string, { readonly, create, timeout }: Opening, bytes?: Uint8Array): Engine | string {
  loaded ??= load();
  if ("why" in loaded) return loaded.why;
  const { addon } = loaded;
  const changes = new Float64Array(1);
  const connection = addon.open(path, readonly, create, timeout, changes);
  try {
    if (bytes) addon.deserialize(connection, bytes, readonly);
  } catch (error) {
    addon.close(connection);
    throw error;
  }
  return engineOf(addon, connection, changes);
}

function load(): Loaded {
  const file = process.env["OUTBOARD_SQLITE_ADDON"] || join(__dirname, "..", "native", `${process.platform}-${process.arch}.node`);
  if (!existsSync(file)) return { why: `Outboard's addon is not at ${file}` };
  const module = { exports: {} as Addon };
  try {
    process.dlopen(module, file);
  } catch (error) {
    return { why: `Outboard's addon at ${file} does not load: ${(error as Error).message}` };
  }
  const build = module.exports.build();
  if (build !== __OUTBOARD_VERSION__) return { why: `Outboard's addon at ${file} is of version ${build}, and this is ${__OUTBOARD_VERSION__}` };
  return { addon: module.exports };
}

function engineOf(addon: Addon, connection: Handle, changes: Float64Array): Engine {
  return {
    get inTransaction() {
      return addon.inTransaction(connection);
    },
    prepare: (sql) => new AddonStatement(addon, addon.prepare(connection, sql), changes),
    exec: (sql) => addon.exec(connection, sql),
    define: (name, calling, call) => addon.define(connection, name, calling.arity, flagsOf(calling), calling.bigints, call),
    aggregate: (name, calling, folding) => addon.define(connection, name, calling.arity, flagsOf(calling), calling.bigints, ...groupsOf(folding)),
    serialize: (name) => addon.serialize(connection, name),
    backup: (name, path, progress) => copy(addon, connection, name, path, progress),
    trace: (call) => addon.trace(connection, call),
    defend: (on) => addon.defend(connection, on),
    close: () => addon.close(connection),
  };
}

class AddonStatement implements EngineStatement {
  constructor(private readonly addon: Addon, private readonly handle: Handle, private readonly changes: Float64Array) {}

  get reader(): boolean {
    return this.addon.reader(this.handle);
  }
  get readonly(): boolean {
    return this.addon.readonly(this.handle);
  }

  parameters(): (string | null)[] {
    return this.addon.parameters(this.handle);
  }
  columns(): ColumnDefinition[] {
    return this.addon.columns(this.handle).map(([name, column, table, database, type]) => ({ name, column, table, database, type }) as ColumnDefinition);
  }

  run(values: SqlValue[], bigints: boolean): RunResult {
    const lastInsertRowid = this.addon.run(this.handle, bigints, ...values);
    return { changes: this.changes[0] as number, lastInsertRowid };
  }
  get(values: SqlValue[], make: MakeRow, remake: () => MakeRow, bigints: boolean): unknown {
    return this.addon.get(this.handle, bigints, make, remake, ...values);
  }
  all(values: SqlValue[], make: MakeRow, remake: () => MakeRow, bigints: boolean): unknown[] {
    return this.addon.all(this.handle, bigints, make, remake, ...values);
  }

  begin(values: SqlValue[]): void {
    this.addon.begin(this.handle, ...values);
  }
  step(make: MakeRow, remake: () => MakeRow, bigints: boolean): unknown {
    return this.addon.step(this.handle, bigints, make, remake);
  }
  leave(): void {
    this.addon.leave(this.handle);
  }
}

const flagsOf = ({ deterministic, directOnly }: Calling): number => (deterministic ? DETERMINISTIC : 0) | (directOnly ? DIRECT_ONLY : 0);

/** An aggregate's functions as the addon calls them, which numbers the groups of rows that are worked on at once. */
function groupsOf({ start, step, inverse, result }: Folding): (Grouped | null)[] {
  const totals = new Map<number, unknown>();
  const total = (group: number): unknown => {
    if (!totals.has(group)) totals.set(group, start());
    return totals.get(group);
  };
  const folded = (fold: (total: unknown, ...values: SqlValue[]) => unknown) => (group: number, ...values: SqlValue[]) => {
    const next = fold(total(group), ...values);
    // What a fold does not answer, it has kept in the total itself.
    if (next !== undefined) totals.set(group, next);
  };
  const last = (group: number): SqlValue => {
    try {
      return result(total(group));
    } finally {
      totals.delete(group);
    }
  };
  return [folded(step), inverse ? folded(inverse) : null, (group) => result(total(group)), last];
}

/**
 * Copies some pages in each turn of the event loop, and leaves no half of a file that it has made. A copy is done when SQLite says so:
 * that nothing remains is also what it tells before the first page, and while it waits to commit. Where another connection has a lock, or
 * this one writes, it waits as long as a statement would.
 */
async function copy(addon: Addon, connection: Handle, name: string, path: string, progress: (progress: BackupProgress) => number | undefined): Promise<BackupProgress> {
  const isNew = !existsSync(path);
  const backup = addon.backup(connection, name, path);
  let whole = false;
  try {
    const done = await copied((pages) => addon.copy(backup, pages), progress);
    whole = true;
    return done;
  } finally {
    addon.finish(backup);
    if (!whole && isNew) rmSync(path, { force: true });
  }
}

async function copied(step: (pages: number) => ReturnType<Addon["copy"]>, progress: (progress: BackupProgress) => number | undefined): Promise<BackupProgress> {
  // The first step copies nothing: it finds out how many pages there are.
  let pages = 0;
  let asked = false;
  let locked: { since: number; delay: number } | undefined;
  await turn();
  for (;;) {
    const [code, totalPages, remainingPages, waits] = step(pages);
    if (code === DONE) return { totalPages, remainingPages };
    if (code === OK) {
      locked = undefined;
      if (!asked) pages = BACKUP_PAGES;
      asked = true;
      pages = progress({ totalPages, remainingPages }) ?? pages;
      await turn();
    } else {
      locked ??= { since: performance.now(), delay: BACKUP_WAITS.min };
      const left = waits - (performance.now() - locked.since);
      if (left <= 0) throw failure(code, "database is locked");
      await sleep(Math.min(locked.delay, left));
      locked.delay = Math.min(locked.delay * 2, BACKUP_WAITS.max);
    }
  }
}

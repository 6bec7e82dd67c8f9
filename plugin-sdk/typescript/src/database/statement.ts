//! A prepared statement: better-sqlite3's modes and checks over an engine's rows.

import { bindingOf, type Parameters } from "./binding.js";
import type { Core } from "./core.js";
import type { EngineStatement, MakeRow } from "./engine.js";
import { rowMaker, type Mode } from "./shapes.js";
import type { ColumnDefinition, Database, RunResult, SqlValue, Statement as Shape } from "./types.js";

const READ = "This statement is busy executing a query";

/** Checks the one argument of what switches something on or off. */
export function toggled(toggle: unknown): boolean {
  if (toggle === undefined) return true;
  if (typeof toggle !== "boolean") throw new TypeError("Expected first argument to be a boolean");
  return toggle;
}

/** A prepared statement. */
export class Statement implements Shape {
  static {
    // Under this name whatever the bundler calls it.
    Object.defineProperty(this, "name", { value: "Statement" });
  }

  readonly #engine: EngineStatement;
  readonly #core: Core;
  readonly #reader: boolean;
  readonly #writes: boolean;
  #wanted: Parameters | undefined;
  #mode: Mode = "object";
  #make: MakeRow | undefined;
  #bigints: boolean;
  #bound: SqlValue[] | undefined;
  #busy = false;
  readonly #remake = (): MakeRow => (this.#make = rowMaker(this.#mode, () => this.#engine.columns()));

  constructor(readonly database: Database, core: Core, readonly source: string) {
    this.#core = core;
    this.#engine = core.work(false, () => core.engine.prepare(source));
    this.#reader = this.#engine.reader;
    this.#writes = !this.#engine.readonly;
    this.#bigints = core.bigints;
  }

  get reader(): boolean {
    return this.#reader;
  }
  get readonly(): boolean {
    return !this.#writes;
  }
  get busy(): boolean {
    return this.#busy;
  }

  run(...params: unknown[]): RunResult {
    const core = this.#core;
    const values = this.#values(params);
    core.enter(true);
    try {
      return core.done(this.#engine.run(values, this.#bigints));
    } catch (error) {
      throw core.failure(error);
    } finally {
      core.leave();
    }
  }

  get(...params: unknown[]): unknown {
    const core = this.#core;
    const values = this.#reading(params);
    core.enter(this.#writes);
    try {
      return core.done(this.#engine.get(values, this.#make ?? this.#remakeUnlessPlucked(), this.#remake, this.#bigints));
    } catch (error) {
      throw core.failure(error);
    } finally {
      core.leave();
    }
  }

  all(...params: unknown[]): unknown[] {
    const core = this.#core;
    const values = this.#reading(params);
    core.enter(this.#writes);
    try {
      return core.done(this.#engine.all(values, this.#make ?? this.#remakeUnlessPlucked(), this.#remake, this.#bigints));
    } catch (error) {
      throw core.failure(error);
    } finally {
      core.leave();
    }
  }

  iterate(...params: unknown[]): IterableIterator<unknown> {
    const values = this.#reading(params);
    this.#core.work(this.#writes, () => this.#engine.begin(values));
    this.#busy = true;
    this.#core.iterators++;
    return new StatementIterator(this, this.#core, {
      next: () => this.#engine.step(this.#make ?? this.#remakeUnlessPlucked(), this.#remake, this.#bigints),
      end: () => {
        this.#busy = false;
        this.#core.iterators--;
        this.#engine.leave();
      },
    });
  }

  pluck(toggle?: boolean): this {
    return this.#setMode("pluck", toggle);
  }
  expand(toggle?: boolean): this {
    return this.#setMode("expand", toggle);
  }
  raw(toggle?: boolean): this {
    return this.#setMode("raw", toggle);
  }

  safeIntegers(toggle?: boolean): this {
    this.#assertFree();
    this.#bigints = toggled(toggle);
    return this;
  }

  bind(...params: unknown[]): this {
    if (this.#bound) throw new TypeError("The bind() method can only be invoked once per statement object");
    this.#bound = this.#values(params);
    return this;
  }

  columns(): ColumnDefinition[] {
    this.#core.assertIdle();
    if (!this.reader) throw new TypeError("The columns() method is only for statements that return data");
    return this.#engine.columns();
  }

  #reading(params: unknown[]): SqlValue[] {
    this.#core.assertIdle();
    if (!this.#reader) throw new TypeError("This statement does not return data. Use run() instead");
    return this.#values(params);
  }

  #values(params: unknown[]): SqlValue[] {
    this.#assertFree();
    if (this.#bound) {
      if (params.length > 0) throw new TypeError("This statement already has bound parameters");
      return this.#bound;
    }
    const values = bindingOf((this.#wanted ??= this.#engine.parameters()), params);
    // A getter of what was given may have begun to read it.
    if (this.#busy) throw new TypeError(READ);
    return values;
  }

  #assertFree(): void {
    this.#core.assertIdle();
    if (this.#busy) throw new TypeError(READ);
  }

  #remakeUnlessPlucked(): MakeRow {
    return this.#mode === "pluck" ? null : this.#remake();
  }

  #setMode(mode: Mode, toggle: unknown): this {
    if (!this.reader) throw new TypeError(`The ${mode}() method is only for statements that return data`);
    this.#assertFree();
    const on = toggled(toggle);
    if (on || this.#mode === mode) {
      this.#mode = on ? mode : "object";
      this.#make = undefined;
    }
    return this;
  }
}

/** Gives rows one by one. */
class StatementIterator implements IterableIterator<unknown> {
  static {
    Object.defineProperty(this, "name", { value: "StatementIterator" });
  }

  #ended = false;

  constructor(readonly statement: Statement, private readonly core: Core, private readonly rows: { next(): unknown; end(): void }) {
    // Not for whoever prints it.
    for (const name of ["core", "rows"]) Object.defineProperty(this, name, { enumerable: false });
  }

  next(): IteratorResult<unknown> {
    this.core.assertQuiet();
    if (this.#ended) return { value: undefined, done: true };
    let row: unknown;
    this.core.enter(false);
    try {
      row = this.core.done(this.rows.next());
      if (row === undefined) this.#end();
    } catch (error) {
      const failure = this.core.failure(error);
      this.#end();
      throw failure;
    } finally {
      this.core.leave();
    }
    return row === undefined ? { value: undefined, done: true } : { value: row, done: false };
  }

  return(): IteratorResult<unknown> {
    // A function that SQL calls may hold the iterator whose step calls it.
    this.core.assertQuiet();
    if (!this.#ended) {
      this.core.enter(false);
      try {
        this.#end();
      } finally {
        this.core.leave();
      }
    }
    return { value: undefined, done: true };
  }

  [Symbol.iterator](): this {
    return this;
  }

  #end(): void {
    this.#ended = true;
    this.rows.end();
  }
}

//! The state of an open database that `Database` and its statements share: its engine, what is under way, and how large it may
//! become. Must not know what authors see.

import type { Engine } from "./engine.js";
import { fullError, sqliteError } from "./error.js";

/** The most that SQLite can be told. */
const PAGES_MAX = 0xfffffffe;

const BUSY = "This database connection is busy executing a query";

/** How many pages fit into so many bytes: one at least, since none would mean no change. */
function pagesOf(bytes: number, page: number): number {
  return Math.min(Math.max(Math.floor(bytes / page), 1), PAGES_MAX);
}

/** An open database. */
export class Core {
  open = true;
  /** Whether integers are read as BigInts. */
  bigints = false;
  /** Whether an open iterator does not keep others from writing. */
  unsafe = false;
  /** How many iterators are open. */
  iterators = 0;
  /** What a function that SQL called has thrown, until the statement's caller has it. */
  thrown: { error: unknown } | undefined;
  #executing = false;
  #maxBytes: number | undefined;

  constructor(readonly engine: Engine, readonly name: string) {}

  /** Begins to work on the engine; `leave` ends it. `writes`: what is done may change the database. */
  enter(writes: boolean): void {
    this.assertIdle();
    if (writes && this.iterators > 0 && !this.unsafe) throw new TypeError(BUSY);
    this.#executing = true;
    this.thrown = undefined;
  }

  leave(): void {
    this.#executing = false;
  }

  /** Throws while the database is closed, or works: a function that SQL calls cannot use it. */
  assertIdle(): void {
    if (!this.open) throw new TypeError("The database connection is not open");
    this.assertQuiet();
  }

  /** Throws while the database works. */
  assertQuiet(): void {
    if (this.#executing) throw new TypeError(BUSY);
  }

  /** Does something on the engine. */
  work<T>(writes: boolean, act: () => T): T {
    this.enter(writes);
    try {
      return this.done(act());
    } catch (error) {
      throw this.failure(error);
    } finally {
      this.leave();
    }
  }

  /** What the engine gave: not every engine fails where a function failed that SQL called. */
  done<T>(given: T): T {
    if (this.thrown) throw this.thrown.error;
    return given;
  }

  /** What the engine threw, as callers are to see it. */
  failure(error: unknown): unknown {
    if (this.thrown) return this.thrown.error;
    const failure = sqliteError(error);
    return this.#maxBytes === undefined ? failure : fullError(failure, this.name, this.#maxBytes);
  }

  get inTransaction(): boolean {
    return this.open && this.engine.inTransaction;
  }

  /** Lets the file grow to this size at most, an open iterator or not. SQLite itself never goes below the pages in use. */
  bound(maxBytes: number): void {
    if (!this.open) return;
    const ask = (pragma: string): number => Number(this.engine.prepare(`PRAGMA ${pragma}`).get([], null, () => null, false));
    const page = ask("page_size");
    this.#maxBytes = page * ask(`max_page_count = ${pagesOf(maxBytes, page)}`);
  }

  close(): void {
    if (!this.open) return;
    this.assertIdle();
    if (this.iterators > 0) throw new TypeError(BUSY);
    this.open = false;
    this.engine.close();
  }
}

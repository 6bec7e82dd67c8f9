//! Functions that run in a transaction, or in a savepoint inside another.

import type { Core } from "./core.js";
import type { Database, Transaction } from "./types.js";

type AnyFunction = (...args: any[]) => any;

const SAVEPOINT = "`_outboard`";

/** The function and its variants by kind of `BEGIN`. */
export function transactionOf<F extends AnyFunction>(database: Database, core: Core, fn: F): Transaction<F> {
  if (typeof fn !== "function") throw new TypeError("Expected first argument to be a function");
  const run = (sql: string): void => core.work(true, () => core.engine.exec(sql));
  const variants = {
    default: { value: variant(core, run, fn, "BEGIN") },
    deferred: { value: variant(core, run, fn, "BEGIN DEFERRED") },
    immediate: { value: variant(core, run, fn, "BEGIN IMMEDIATE") },
    exclusive: { value: variant(core, run, fn, "BEGIN EXCLUSIVE") },
    database: { value: database, enumerable: true },
  };
  for (const { value } of [variants.default, variants.deferred, variants.immediate, variants.exclusive]) Object.defineProperties(value, { ...variants, name: { value: "sqliteTransaction", configurable: true } });
  return variants.default.value as Transaction<F>;
}

function variant(core: Core, run: (sql: string) => void, fn: AnyFunction, begin: string): AnyFunction {
  return function (this: unknown, ...args: unknown[]): unknown {
    const inside = core.inTransaction;
    run(inside ? `SAVEPOINT ${SAVEPOINT}` : begin);
    try {
      const result: unknown = fn.apply(this, args);
      if (isThenable(result)) throw new TypeError("Transaction function cannot return a promise");
      run(inside ? `RELEASE ${SAVEPOINT}` : "COMMIT");
      return result;
    } catch (error) {
      // SQLite may have rolled back by itself.
      if (core.inTransaction) run(inside ? `ROLLBACK TO ${SAVEPOINT}; RELEASE ${SAVEPOINT}` : "ROLLBACK");
      throw error;
    }
  };
}

function isThenable(value: unknown): boolean {
  return Boolean(value) && typeof (value as { then?: unknown }).then === "function";
}

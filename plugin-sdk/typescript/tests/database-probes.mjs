//! What is asked of each engine to find where it differs from better-sqlite3: one small thing each, with an answer that can be
//! written down. `Database` is the engine's constructor, `db` a fresh database in memory with the table `x` of the column `a`, which
//! holds 1, 2 and 3.

import { join } from "node:path";
import { inspect } from "node:util";

const iterating = (db, act) => {
  const iterator = db.prepare("SELECT a FROM x").iterate();
  iterator.next();
  try {
    return act();
  } finally {
    iterator.return();
  }
};

const called = (db, fn, sql = "SELECT f()") => {
  db.function("f", fn);
  return db.prepare(sql).pluck().get();
};

const folded = (db, options, sql = "SELECT g(a) FROM x") => {
  db.aggregate("g", options);
  return db.prepare(sql).pluck().all();
};

/** Each question, and how it is asked. */
export const PROBES = {
  // opening
  "call the export without `new`": (db, Database) => Database(":memory:") instanceof Database,
  "open without a name": (db, Database) => new Database().memory,
  "open what is not a name": (db, Database) => new Database(5),
  "open with options that are none": (db, Database) => new Database(":memory:", 5),
  "open in a folder that is not there": (db, Database) => new Database("/nonexistent/x.db"),
  "open a file that must exist": (db, Database, folder) => new Database(join(folder, "none.db"), { fileMustExist: true }),
  "open a file for reading and write": (db, Database, folder) => {
    const path = join(folder, "readonly.db");
    new Database(path).exec("CREATE TABLE t (a)").close();
    return new Database(path, { readonly: true }).exec("INSERT INTO t VALUES (1)");
  },
  "open a database in memory for reading": (db, Database) => new Database(":memory:", { readonly: true }),
  "open with a negative timeout": (db, Database) => new Database(":memory:", { timeout: -1 }),
  "open what is not a database, and read": (db, Database, folder) => new Database(join(folder, "text.txt")).prepare("SELECT * FROM t"),
  "how long a lock is waited for": (db) => db.pragma("busy_timeout", { simple: true }),
  "be told of each statement, its parameters filled in": (db, Database) => {
    const told = [];
    const other = new Database(":memory:", { verbose: (sql) => told.push(sql) });
    other.exec("CREATE TABLE t (a); INSERT INTO t VALUES (1)");
    other.prepare("SELECT ? AS a").get("it's");
    return told;
  },
  "settings that a database begins with": (db) => ["foreign_keys", "cache_size", "synchronous", "trusted_schema"].map((name) => db.pragma(name, { simple: true })),
  "sync of a write-ahead log": (db, Database, folder) => {
    const other = new Database(join(folder, "wal.db"));
    return [other.pragma("journal_mode = WAL", { simple: true }), other.pragma("synchronous", { simple: true })];
  },
  // statements
  "prepare nothing": (db) => db.prepare(" -- nothing"),
  "prepare two statements": (db) => db.prepare("SELECT 1; SELECT 2"),
  "prepare one and a comment": (db) => db.prepare("SELECT 1 AS a; -- two").get(),
  "prepare what is not text": (db) => db.prepare(5),
  "prepare SQL with U+0000": (db) => db.prepare("SELECT 1 AS a \0 and more").get(),
  "a syntax error": (db) => db.prepare("SELEC 1"),
  "text in double quotes": (db) => db.prepare('SELECT "text"').get(),
  "`run` a query": (db) => db.prepare("SELECT 1").run(),
  "`get` of what returns nothing": (db) => db.prepare("DELETE FROM x").get(),
  "`get` without a row": (db) => db.prepare("SELECT 1 WHERE 0").get(),
  "reader and readonly": (db) => ["SELECT 1", "DELETE FROM x", "INSERT INTO x VALUES (1) RETURNING a", "PRAGMA user_version", "BEGIN"].map((sql) => [db.prepare(sql).reader, db.prepare(sql).readonly]),
  "two columns of one name": (db) => db.prepare("SELECT 1 AS a, 2 AS a").get(),
  "a column named __proto__": (db) => Object.keys(db.prepare("SELECT 1 AS __proto__, 2 AS b").get()),
  "columns": (db) => db.prepare("SELECT a, a + 1 AS b FROM x").columns(),
  "expand": (db) => db.prepare("SELECT a, a + 1 AS b FROM x").expand().get(),
  "raw, pluck and expand in turn": (db) => {
    const statement = db.prepare("SELECT a FROM x");
    return [statement.raw().get(), statement.pluck().get(), statement.raw(false).get(), statement.expand().get(), statement.pluck(false).get(), statement.expand(false).get()];
  },
  "pluck what returns nothing": (db) => db.prepare("DELETE FROM x").pluck(),
  "pluck(5)": (db) => db.prepare("SELECT 1").pluck(5),
  "a table that got a column after the statement": (db) => {
    const statement = db.prepare("SELECT * FROM x");
    db.exec("ALTER TABLE x ADD COLUMN b DEFAULT 5");
    return statement.get();
  },
  "changes and the last row id": (db) => [db.prepare("UPDATE x SET a = a + 1").run(), db.prepare("INSERT INTO x VALUES (9)").run(), db.prepare("INSERT INTO x VALUES (9)").safeIntegers().run()],
  // parameters
  "types of numbers and bigints": (db) => db.prepare("SELECT typeof(?), typeof(?), typeof(?)").raw().get(1, 1.5, 1n),
  "undefined, NaN, Infinity": (db) => db.prepare("SELECT ?, ?, ?").raw().get(undefined, NaN, Infinity),
  "a boolean": (db) => db.prepare("SELECT ?").get(true),
  "a Date": (db) => db.prepare("SELECT ?").get(new Date(0)),
  "half a surrogate pair": (db) => db.prepare("SELECT hex(?)").pluck().get("a\ud800"),
  "text with U+0000": (db) => db.prepare("SELECT ? AS a, length(CAST(? AS BLOB)) AS bytes").get("a\0b", "a\0b"),
  "blobs of several kinds": (db) => db.prepare("SELECT ?, ?, ?").raw().get(Buffer.from([1]), new Uint16Array([1]), new Uint8Array(0)),
  "an ArrayBuffer": (db) => db.prepare("SELECT ?").get(new ArrayBuffer(1)),
  "a bigint of 64 bits, as a number and exactly": (db) => [db.prepare("SELECT ?").pluck().get(2n ** 62n + 1n), db.prepare("SELECT ?").pluck().safeIntegers().get(2n ** 62n + 1n)],
  "a bigint of more than 64 bits": (db) => db.prepare("SELECT ?").get(2n ** 64n),
  "too few, too many": (db) => [answerOf(() => db.prepare("SELECT ?, ?").get(1)), answerOf(() => db.prepare("SELECT ?").get(1, 2))],
  "named ones": (db) => db.prepare("SELECT @a, :b, $c, ?").raw().get({ a: 1, b: 2, c: 3 }, 4),
  "named ones that are missing": (db) => [answerOf(() => db.prepare("SELECT @a").get()), answerOf(() => db.prepare("SELECT @a").get({ b: 1 }))],
  "named ones twice": (db) => db.prepare("SELECT @a").get({ a: 1 }, { a: 2 }),
  "named ones of a class": (db) => db.prepare("SELECT @a").get(new (class { a = 1; })()),
  "numbered ones": (db) => db.prepare("SELECT ?2, ?1").raw().get({ 1: "one", 2: "two" }),
  "arrays of positional ones": (db) => db.prepare("SELECT ?, ?, ?").raw().get([1], [2, 3]),
  "bind, and bind again": (db) => {
    const statement = db.prepare("SELECT ? AS a").bind(1);
    return [statement.get(), answerOf(() => statement.get(2)), answerOf(() => statement.bind(2))];
  },
  // errors
  "constraints": (db) => {
    db.exec("CREATE TABLE c (u UNIQUE, n NOT NULL, k CHECK (k > 0)); INSERT INTO c VALUES (1, 1, 1)");
    return ["1, 2, 1", "2, NULL, 1", "3, 1, 0"].map((values) => answerOf(() => db.exec(`INSERT INTO c VALUES (${values})`)));
  },
  "the error's class": (db, Database) => {
    const error = new Database.SqliteError("message", "SQLITE_X");
    return [error.name, error.message, error.code, error instanceof Error, String(error)];
  },
  "write to the schema": (db) => {
    db.pragma("writable_schema = 1");
    return db.prepare("UPDATE sqlite_schema SET sql = ''").run();
  },
  // several things at once
  "read while an iterator is open": (db) => iterating(db, () => db.prepare("SELECT count(*) FROM x").pluck().get()),
  "write while an iterator is open": (db) => iterating(db, () => db.prepare("INSERT INTO x VALUES (4)").run()),
  "write while an iterator is open, in unsafe mode": (db) => iterating(db.unsafeMode(), () => db.prepare("INSERT INTO x VALUES (4)").run().changes),
  "close while an iterator is open": (db) => iterating(db, () => db.close()),
  "an iterator's steps past its end": (db) => {
    const iterator = db.prepare("SELECT a FROM x WHERE a = 1").iterate();
    return [iterator.next(), iterator.next(), iterator.next(), iterator.return()];
  },
  "a transaction's variants, and what it gives back": (db) => {
    const transaction = db.transaction((n) => [n, db.inTransaction]);
    return [transaction(1), transaction.deferred(2), transaction.immediate(3), transaction.exclusive(4), db.inTransaction];
  },
  "a transaction that throws inside another": (db) => {
    const inner = db.transaction(() => { db.exec("INSERT INTO x VALUES (5)"); throw new Error("inner"); });
    db.transaction(() => { db.exec("INSERT INTO x VALUES (4)"); try { inner(); } catch { /* the outer one goes on */ } })();
    return db.prepare("SELECT a FROM x").pluck().all();
  },
  "a transaction of an async function": (db) => db.transaction(async () => 1)(),
  "use after close": (db) => {
    const statement = db.prepare("SELECT 1");
    db.close();
    return [db.open, db.inTransaction, answerOf(() => db.exec("SELECT 1")), answerOf(() => statement.get())];
  },
  // functions
  "a function's arguments and answer": (db) => called(db, (a, b, c, d, e) => `${a} ${b} ${c} ${Buffer.isBuffer(d)} ${e}`, "SELECT f(1, 1.5, 'text', x'00', NULL)"),
  "a function's answers": (db) => [1, 1n, "text", null, undefined, Buffer.from([1])].map((answer) => { db.function("f", () => answer); return db.prepare("SELECT typeof(f())").pluck().get(); }),
  "a function that answers an object": (db) => called(db, () => ({})),
  "a function that answers a bigint of more than 64 bits": (db) => called(db, () => 2n ** 64n),
  "a function that throws": (db) => called(db, () => { throw new RangeError("mine"); }),
  "a function that throws a text": (db) => called(db, () => { throw "mine"; }),
  "a function with the wrong number of arguments": (db) => called(db, (a, b) => a, "SELECT f(1)"),
  "a function with any number of arguments": (db) => { db.function("f", { varargs: true }, (...all) => all.length); return db.prepare("SELECT f(1, 2, 3)").pluck().get(); },
  "a function that uses the database": (db) => called(db, () => db.prepare("SELECT 1").pluck().get()),
  "a function for direct use in a view": (db) => { db.function("f", { directOnly: true }, () => 1); db.exec("CREATE VIEW v AS SELECT f()"); return db.prepare("SELECT * FROM v").get(); },
  "a function without a name": (db) => db.function("", () => 1),
  "a function with an option that is not a boolean": (db) => db.function("f", { varargs: 5 }, () => 1),
  "an aggregate": (db) => folded(db, { start: 0, step: (total, a) => total + a, result: (total) => total * 10 }),
  "an aggregate that keeps its own total": (db) => folded(db, { start: () => [], step: (list, a) => void list.push(a), result: (list) => list.join() }),
  "an aggregate of no rows": (db) => folded(db, { start: 7, step: (total, a) => total + a }, "SELECT g(a) FROM x WHERE 0"),
  "an aggregate as a window": (db) => folded(db, { start: 0, step: (total, a) => total + a, inverse: (total, a) => total - a }, "SELECT g(a) OVER (ORDER BY a ROWS 1 PRECEDING) FROM x"),
  "an aggregate without `inverse` as a window": (db) => folded(db, { start: 0, step: (total, a) => total + a }, "SELECT g(a) OVER () FROM x"),
  "an aggregate that throws": (db) => folded(db, { start: 0, step: (total, a) => { throw new RangeError("mine"); } }),
  "an aggregate without `step`": (db) => db.aggregate("g", { start: 0 }),
  // the rest
  "pragmas": (db) => [db.pragma("user_version = 3"), db.pragma("user_version"), db.pragma("user_version", { simple: true }), db.pragma("table_info(x)").length],
  "a pragma and more": (db) => db.pragma("user_version; SELECT 1"),
  "serialize, and open what it gave": (db, Database) => new Database(db.serialize()).prepare("SELECT count(*) FROM x").pluck().get(),
  "serialize a database that is not attached": (db) => db.serialize({ attached: "none" }),
  "backup": async (db, Database, folder) => {
    const told = [];
    const { totalPages, remainingPages } = await db.backup(join(folder, "backup.db"), { progress: (state) => { told.push(state); return 1; } });
    return [told, totalPages, remainingPages, new Database(join(folder, "backup.db")).prepare("SELECT count(*) FROM x").pluck().get()];
  },
  "backup to a folder that is not there": (db) => db.backup("/nonexistent/x.db"),
  "a virtual table of JavaScript": (db) => {
    db.table("t", { columns: ["a"], *rows() { yield [1]; } });
    return db.prepare("SELECT * FROM t").all();
  },
  "load an extension": (db) => db.loadExtension("/nonexistent/extension"),
  "functions of SQLite": (db) => ["json('[1]')", "sqrt(4)", "soundex('a')", "percentile(1, 50)"].map((call) => answerOf(() => db.prepare(`SELECT ${call}`).pluck().get())),
  "modules of SQLite": (db) => ["fts5(a)", "rtree(id, a, b)", "geopoly(a)", "fts4(a)"].map((module, i) => answerOf(() => db.exec(`CREATE VIRTUAL TABLE v${i} USING ${module}`).open)),
  "own properties of a database": (db) => Object.keys(db),
};

/** What came of it, in words. */
export function answerOf(act) {
  try {
    return told(act());
  } catch (error) {
    return failed(error);
  }
}

const told = (value) => (typeof value === "string" ? JSON.stringify(value) : inspect(value, { compact: true, breakLength: Infinity, depth: 5, sorted: false }));

const failed = (error) => (error instanceof Error ? `${error.name}${typeof error.code === "string" && error.name === "SqliteError" ? ` ${error.code}` : ""}: ${error.message}` : `throws ${told(error)}`);

/** The answers of an engine. */
export async function ask(Database, folder) {
  const answers = {};
  for (const [question, probe] of Object.entries(PROBES)) {
    const db = new Database(":memory:");
    db.exec("CREATE TABLE x (a); INSERT INTO x VALUES (1), (2), (3)");
    try {
      answers[question] = told(await probe(db, Database, folder)).replaceAll(folder, "…");
    } catch (error) {
      answers[question] = failed(error).replaceAll(folder, "…");
    }
  }
  return answers;
}

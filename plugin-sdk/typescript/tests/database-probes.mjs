//! What is asked of each engine to find where it differs from better-sqlite3: one small thing each, with an answer that can be
//! written down. `Database` is the engine's constructor, `db` a fresh database in memory with the table `x` of the column `a`, which
//! holds 1, 2 and 3.

import { existsSync } from "node:fs";
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
  "be told of comments, of triggers' statements, and of rows read one by one": (db, Database) => {
    const told = [];
    const other = new Database(":memory:", { verbose: (sql) => told.push(sql) });
    other.exec(" ; -- first\nCREATE TABLE t (a); CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM t WHERE a = 0; END;\n");
    other.prepare("-- second\nINSERT INTO t VALUES (?)").run(5);
    const iterator = other.prepare("  SELECT a FROM t  ").iterate();
    told.push("before the first row");
    iterator.next();
    iterator.return();
    other.pragma("user_version");
    other.transaction(() => {})();
    return told;
  },
  "be told of a statement, and throw": (db, Database) => {
    let mine;
    const other = new Database(":memory:", { verbose: () => { if (mine) throw mine; } });
    other.exec("CREATE TABLE t (a)");
    mine = new RangeError("mine");
    const answers = [() => other.exec("INSERT INTO t VALUES (1)"), () => other.prepare("INSERT INTO t VALUES (2)").run(), () => [...other.prepare("SELECT 1").iterate()]].map(answerOf);
    mine = undefined;
    return [...answers, other.prepare("SELECT count(*) FROM t").pluck().get()];
  },
  "open null, and with options that are null": (db, Database) => [new Database(null).memory, new Database(":memory:", null).memory],
  "open with options of other libraries": (db, Database) => [{ readOnly: true }, { memory: true }].map((options) => answerOf(() => new Database(":memory:", options).open)),
  "open with options that are undefined": (db, Database) => ["readonly", "fileMustExist", "timeout", "verbose"].map((name) => answerOf(() => new Database(":memory:", { [name]: undefined }).open)),
  "open with a timeout that is too long": (db, Database) => new Database(":memory:", { timeout: 2 ** 31 }),
  "open a name with blanks around it": (db, Database, folder) => new Database(` ${join(folder, "blanks.db")} `).name.replaceAll(" ", "_"),
  "open what looks like an address": (db, Database, folder) => new Database(`file:${join(folder, "address.db")}`).open,
  "open bytes for reading, and write": (db, Database) => new Database(Buffer.from(db.serialize()), { readonly: true }).exec("INSERT INTO x VALUES (4)"),
  "open bytes, and write": (db, Database) => new Database(Buffer.from(db.serialize())).prepare("INSERT INTO x VALUES (4)").run().changes,
  "open bytes that are not a Buffer": (db, Database) => new Database(new Uint8Array(db.serialize())).prepare("SELECT count(*) FROM x").pluck().get(),
  "open no bytes": (db, Database) => new Database(Buffer.alloc(0)).exec("CREATE TABLE t (a)").open,
  "open bytes that are not a database": (db, Database) => new Database(Buffer.from("text ".repeat(1000))).prepare("SELECT 1 FROM t"),
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
  "a statement behind a comment behind a statement": (db) => [answerOf(() => db.prepare("SELECT 1; /* x */ DELETE FROM x").get()), db.prepare("SELECT count(*) FROM x").pluck().get()],
  "a statement behind a comment": (db) => db.prepare("/* x */ -- y\nINSERT INTO x VALUES (4)").run().changes,
  "a row whose commit fails": (db) => {
    db.exec("CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p REFERENCES p DEFERRABLE INITIALLY DEFERRED)");
    const insert = db.prepare("INSERT INTO c VALUES (9) RETURNING p");
    return [answerOf(() => insert.get()), answerOf(() => insert.all()), answerOf(() => insert.run()), db.prepare("SELECT count(*) FROM c").pluck().get()];
  },
  "a column that got another name after the statement": (db) => {
    const statement = db.prepare("SELECT * FROM x");
    const before = statement.get();
    db.exec("ALTER TABLE x RENAME COLUMN a TO b");
    return [before, statement.get(), statement.all()[0], statement.iterate().next().value, statement.columns().map(({ name }) => name)];
  },
  "changes of what changes nothing": (db) => {
    db.exec("UPDATE x SET a = a");
    return ["CREATE TABLE t (a)", "BEGIN", "UPDATE x SET a = 1 WHERE 0", "COMMIT", "DROP TABLE t", "CREATE TABLE u AS SELECT a FROM x"].map((sql) => db.prepare(sql).run().changes);
  },
  "changes of rows that triggers change": (db) => {
    db.exec("CREATE TABLE t (a); CREATE TRIGGER g AFTER DELETE ON x BEGIN INSERT INTO t VALUES (1), (2); END");
    return db.prepare("DELETE FROM x WHERE a = 1").run().changes;
  },
  "readonly behind comments, in WITH and EXPLAIN": (db) => ["-- c\nSELECT 1", "/* delete */ SELECT 1", "VALUES (1)", "WITH t AS (SELECT 1) SELECT replace('a', 'b', 'c')", "WITH t (b) AS MATERIALIZED (SELECT 1), u AS (SELECT 2) INSERT INTO x SELECT b FROM t", "EXPLAIN INSERT INTO x VALUES (1)", "BEGIN IMMEDIATE", "SAVEPOINT s", "ATTACH ':memory:' AS other"].map((sql) => db.prepare(sql).readonly),
  "readonly of pragmas": (db) => ["user_version", "user_version = 1", "main.user_version(1)", "table_info(x)", "foreign_keys = 1", "journal_mode", "wal_checkpoint", "cache_size = 5", "optimize"].map((pragma) => db.prepare(`PRAGMA ${pragma}`).readonly),
  "a column with a dollar sign": (db) => { db.exec("CREATE TABLE t (a$b); INSERT INTO t VALUES (1)"); return db.prepare("SELECT a$b FROM t WHERE a$b = ?").get(1); },
  "what a statement tells of itself": (db) => { const statement = db.prepare("SELECT 1"); return [statement.source, statement.database === db, statement.reader, statement.readonly, statement.busy]; },
  "own properties of a statement": (db) => Object.keys(db.prepare("SELECT 1")),
  "columns of what returns nothing": (db) => db.prepare("DELETE FROM x").columns(),
  "expand two tables of a join": (db) => db.prepare("SELECT x.a, y.a, 1 AS n FROM x JOIN x AS y USING (a)").expand().get(),
  "raw, all and one by one": (db) => { const statement = db.prepare("SELECT a, -a FROM x").raw(); return [statement.get(), statement.all(), [...statement.iterate()]]; },
  "pluck, all and one by one": (db) => { const statement = db.prepare("SELECT a, -a FROM x").pluck(); return [statement.get(), statement.all(), [...statement.iterate()]]; },
  "safeIntegers, by default and for a statement": (db) => {
    const before = db.prepare("SELECT 1").pluck();
    db.defaultSafeIntegers();
    const after = db.prepare("SELECT 1").pluck();
    return [before.get(), after.get(), after.safeIntegers(false).get(), db.defaultSafeIntegers(false).prepare("SELECT 1").pluck().get(), answerOf(() => before.safeIntegers(5)), answerOf(() => db.defaultSafeIntegers(5))];
  },
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
  "numbered, named and others at once": (db) => db.prepare("SELECT @a AS a, ?2 AS b, ? AS c").get(7, { a: 1, 2: 5 }),
  "one name with three sigils": (db) => db.prepare("SELECT @a, :a, $a").raw().get({ a: 1 }),
  "names that every object inherits": (db) => ["toString", "__proto__"].map((name) => answerOf(() => db.prepare(`SELECT @${name}`).get({}))),
  "named ones of objects of several kinds": (db) => [Object.assign(Object.create(null), { a: 1 }), { get a() { return 2; } }, Object.create({ a: 3 }), new Map([["a", 4]])].map((given) => answerOf(() => db.prepare("SELECT @a").pluck().get(given))),
  "named ones that nobody asked for": (db) => db.prepare("SELECT @a").pluck().get({ a: 1, b: 2 }),
  "named ones where there are none": (db) => db.prepare("SELECT 1").pluck().get({ a: 1 }),
  "what is not a value": (db) => [Symbol("s"), () => 1, new SharedArrayBuffer(1), new Proxy(new Uint8Array(1), {}), Object.create(Uint8Array.prototype), /x/].map((given) => answerOf(() => db.prepare("SELECT ?").pluck().get(given))),
  "views of several kinds": (db) => [new Float32Array([1]), new DataView(new ArrayBuffer(2)), new Uint8ClampedArray([1]), new Uint8Array([1, 2, 3]).subarray(1)].map((given) => answerOf(() => db.prepare("SELECT hex(?)").pluck().get(given))),
  "numbers at their limits": (db) => db.prepare("SELECT ?, ?, ?, ?").raw().get(-0, 2 ** 53, Number.MAX_VALUE, -(2n ** 63n)),
  "bind names, and nothing": (db) => [db.prepare("SELECT @a").pluck().bind({ a: 1 }).all(), answerOf(() => db.prepare("SELECT ?").bind()), [...db.prepare("SELECT ?").pluck().bind(3).iterate()]],
  // errors
  "constraints": (db) => {
    db.exec("CREATE TABLE c (u UNIQUE, n NOT NULL, k CHECK (k > 0)); INSERT INTO c VALUES (1, 1, 1)");
    return ["1, 2, 1", "2, NULL, 1", "3, 1, 0"].map((values) => answerOf(() => db.exec(`INSERT INTO c VALUES (${values})`)));
  },
  "constraints of keys, rows and types": (db) => {
    db.exec("CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE f (p REFERENCES p); CREATE TABLE w (k TEXT PRIMARY KEY) WITHOUT ROWID; CREATE TABLE s (a INT) STRICT; CREATE TRIGGER g BEFORE DELETE ON x BEGIN SELECT RAISE(ABORT, 'mine'); END; INSERT INTO p VALUES (1); INSERT INTO w VALUES ('k')");
    return ["INSERT INTO p VALUES (1)", "INSERT INTO w VALUES ('k')", "INSERT INTO x (rowid, a) VALUES (1, 1)", "INSERT INTO f VALUES (2)", "INSERT INTO s VALUES ('text')", "DELETE FROM x", "INSERT INTO p VALUES ('text')"].map((sql) => answerOf(() => db.exec(sql)));
  },
  "locks of other connections": (db, Database, folder) => {
    const path = join(folder, "locks.db");
    const [one, two] = [new Database(path), new Database(path, { timeout: 0 })];
    one.exec("CREATE TABLE t (a); BEGIN IMMEDIATE");
    const busy = answerOf(() => two.exec("BEGIN IMMEDIATE"));
    one.exec("COMMIT");
    one.pragma("journal_mode = WAL");
    two.exec("BEGIN");
    two.prepare("SELECT * FROM t").all();
    one.exec("INSERT INTO t VALUES (1)");
    return [busy, answerOf(() => two.exec("INSERT INTO t VALUES (2)"))];
  },
  "failures of several kinds": (db, Database, folder) => [
    () => db.prepare("SELECT 1 AS a ORDER BY a COLLATE none"), () => db.prepare("SELECT zeroblob(2000000000)").get(), () => { db.pragma("max_page_count = 1"); db.exec("CREATE TABLE large (b); INSERT INTO large VALUES (zeroblob(99999))"); },
    () => new Database(folder), () => db.exec("SELECT json('{')"), () => db.exec("SELECT abs(-9223372036854775808)"), () => db.exec("COMMIT"), () => db.exec("DROP TABLE sqlite_schema"), () => db.exec("ATTACH '/nonexistent/x.db' AS y"),
  ].map((act) => answerOf(act)),
  "drop a table that is read": (db) => iterating(db.unsafeMode(), () => db.exec("DROP TABLE x")),
  "a database that is damaged": (db, Database) => {
    const bytes = Buffer.from(db.serialize());
    bytes.fill(255, 4096, 4196);
    return new Database(bytes).prepare("SELECT * FROM x").all();
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
  "an iterator of a statement that is read": (db) => {
    const statement = db.prepare("SELECT a FROM x");
    const iterator = statement.iterate();
    const answers = [statement.busy, answerOf(() => statement.iterate()), answerOf(() => statement.get()), answerOf(() => statement.raw()), answerOf(() => statement.bind()), answerOf(() => statement.safeIntegers())];
    iterator.return();
    return [...answers, statement.busy];
  },
  "an iterator that a loop leaves": (db) => { const statement = db.prepare("SELECT a FROM x"); for (const _ of statement.iterate()) break; return [statement.busy, db.prepare("DELETE FROM x").run().changes]; },
  "an iterator that was closed, after the database": (db) => { const iterator = db.prepare("SELECT a FROM x").iterate(); iterator.return(); db.close(); return [iterator.next(), iterator.return()]; },
  "own properties of an iterator": (db) => Object.keys(db.prepare("SELECT 1").iterate()),
  "end an iterator from a function that it calls": (db) => {
    let iterator;
    db.function("f", (a) => { iterator.return(); return a; });
    iterator = db.prepare("SELECT f(a) FROM x ORDER BY f(a)").iterate();
    return [answerOf(() => iterator.next()), iterator.next(), db.prepare("SELECT count(*) FROM x").pluck().get()];
  },
  "use the database from a function, in several ways": (db) => {
    const acts = [() => db.prepare("SELECT 1"), () => db.exec("SELECT 1"), () => db.close(), () => db.serialize(), () => db.pragma("user_version"), () => db.function("g", () => 1), () => db.aggregate("g", { step: () => 1 }), () => db.transaction(() => 1)(), () => db.inTransaction, () => db.unsafeMode()];
    let answers;
    called(db, () => { answers = acts.map((act) => answerOf(act)); return 1; });
    return answers;
  },
  "serialize, define and copy while an iterator is open": async (db, Database, folder) => {
    const iterator = db.prepare("SELECT a FROM x").iterate();
    iterator.next();
    const answers = [answerOf(() => db.serialize().length > 0), answerOf(() => db.function("g", () => 1).open), await db.backup(join(folder, "iterating.db")).then(told, failed)];
    iterator.return();
    return answers;
  },
  "unsafeMode(5), and off again": (db) => [answerOf(() => db.unsafeMode(5)), answerOf(() => iterating(db.unsafeMode().unsafeMode(false), () => db.exec("DELETE FROM x")))],
  "a transaction's variants, and what it gives back": (db) => {
    const transaction = db.transaction((n) => [n, db.inTransaction]);
    return [transaction(1), transaction.deferred(2), transaction.immediate(3), transaction.exclusive(4), db.inTransaction];
  },
  "what a transaction's function is given, and is": (db) => {
    const transaction = db.transaction(function (...given) { return [this?.name, ...given]; });
    return [transaction.call({ name: "this" }, 1, 2), transaction.name, transaction.length, Object.keys(transaction), transaction.default === transaction, transaction.immediate.deferred === transaction.deferred, transaction.database === db];
  },
  "a transaction's variants inside others": (db) => {
    const inner = db.transaction(() => db.inTransaction);
    return ["deferred", "immediate", "exclusive"].map((outer) => db.transaction(() => [inner(), inner.immediate(), inner.exclusive()])[outer]());
  },
  "a transaction that SQLite has rolled back": (db) => {
    db.exec("CREATE TABLE t (a UNIQUE ON CONFLICT ROLLBACK); INSERT INTO t VALUES (1)");
    return [answerOf(() => db.transaction(() => { db.exec("INSERT INTO x VALUES (4)"); db.exec("INSERT INTO t VALUES (1)"); })()), db.inTransaction, db.prepare("SELECT count(*) FROM x").pluck().get()];
  },
  "a transaction of what is not a function": (db) => db.transaction("SELECT 1"),
  "a transaction while an iterator is open": (db) => iterating(db, () => db.transaction(() => 1)()),
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
  "an integer of 64 bits as a function's argument": (db) => [called(db, (a) => `${typeof a} ${a}`, "SELECT f(9007199254740993)"), (db.function("f", { safeIntegers: true }, (a) => `${typeof a} ${a}`), db.prepare("SELECT f(9007199254740993)").pluck().get())],
  "a function that throws nothing": (db) => [undefined, null].map((nothing) => answerOf(() => called(db, () => { throw nothing; }))),
  "a function with options that are null": (db) => { db.function("f", null, () => 1); return db.prepare("SELECT f()").pluck().get(); },
  "a function of each number of arguments": (db) => { db.function("f", (a) => 1); db.function("f", (a, b) => 2); return [db.prepare("SELECT f(0)").pluck().get(), db.prepare("SELECT f(0, 0)").pluck().get()]; },
  "a function of more than 100 arguments": (db) => db.function("f", Object.defineProperty(() => 1, "length", { value: 101 })),
  "a function in an index": (db) => [{ deterministic: true }, {}].map((options) => { db.function("f", options, (a) => -a); return answerOf(() => db.exec("CREATE INDEX i ON x (f(a)); DROP INDEX i").open); }),
  "a function with a long name": (db) => db.function("f".repeat(300), () => 1),
  "a function that is not one": (db) => db.function("f", {}, 5),
  "an aggregate of null": (db) => db.aggregate("g", null),
  "an aggregate of any number of arguments": (db) => folded(db, { start: 0, varargs: true, step: (total, ...all) => total + all.length }, "SELECT g(a, a, a) FROM x"),
  "an aggregate by groups": (db) => folded(db, { start: () => 0, step: (total, a) => total + a }, "SELECT g(a) FROM x GROUP BY a % 2"),
  "an aggregate whose parts throw": (db) => ["start", "step", "result"].map((part) => answerOf(() => folded(db, { start: () => 0, step: (total) => total, result: (total) => total, [part]: part === "step" ? (total, a) => { throw new RangeError(part); } : () => { throw new RangeError(part); } }))),
  "an aggregate with options that are null": (db) => folded(db, { start: 1, step: (total, a) => total, inverse: null, result: null }),
  "a row that fails while an aggregate is under way": (db) => {
    db.aggregate("g", { start: 0, step: (total, a) => total + a, inverse: (total, a) => total - a });
    db.function("f", (a) => { if (a === 2) throw new RangeError("mine"); return a; });
    return [answerOf(() => db.prepare("SELECT g(a) OVER (ORDER BY a ROWS 1 PRECEDING), f(a) FROM x").all()), db.prepare("SELECT g(a) FROM x").pluck().get()];
  },
  "an aggregate": (db) => folded(db, { start: 0, step: (total, a) => total + a, result: (total) => total * 10 }),
  "an aggregate that keeps its own total": (db) => folded(db, { start: () => [], step: (list, a) => void list.push(a), result: (list) => list.join() }),
  "an aggregate of no rows": (db) => folded(db, { start: 7, step: (total, a) => total + a }, "SELECT g(a) FROM x WHERE 0"),
  "an aggregate as a window": (db) => folded(db, { start: 0, step: (total, a) => total + a, inverse: (total, a) => total - a }, "SELECT g(a) OVER (ORDER BY a ROWS 1 PRECEDING) FROM x"),
  "an aggregate without `inverse` as a window": (db) => folded(db, { start: 0, step: (total, a) => total + a }, "SELECT g(a) OVER () FROM x"),
  "an aggregate that throws": (db) => folded(db, { start: 0, step: (total, a) => { throw new RangeError("mine"); } }),
  "an aggregate without `step`": (db) => db.aggregate("g", { start: 0 }),
  // the rest
  "pragmas": (db) => [db.pragma("user_version = 3"), db.pragma("user_version"), db.pragma("user_version", { simple: true }), db.pragma("table_info(x)").length],
  "pragmas with options": (db) => [answerOf(() => db.pragma("user_version", null)), answerOf(() => db.pragma("user_version", { simple: 5 })), answerOf(() => db.pragma("user_version", 5)), answerOf(() => db.pragma(5)), answerOf(() => db.pragma("user_version = 1", { simple: true }))],
  "a pragma and more": (db) => db.pragma("user_version; SELECT 1"),
  "serialize, and open what it gave": (db, Database) => new Database(db.serialize()).prepare("SELECT count(*) FROM x").pluck().get(),
  "serialize a database that is not attached": (db) => db.serialize({ attached: "none" }),
  "serialize with options": (db) => { db.exec("ATTACH ':memory:' AS other; CREATE TABLE other.t (a)"); return [null, { attached: "other" }, { attached: "" }, { attached: 5 }, 5].map((options) => answerOf(() => db.serialize(options).length)); },
  "backup": async (db, Database, folder) => {
    const told = [];
    const { totalPages, remainingPages } = await db.backup(join(folder, "backup.db"), { progress: (state) => { told.push(state); return 1; } });
    return [told, totalPages, remainingPages, new Database(join(folder, "backup.db")).prepare("SELECT count(*) FROM x").pluck().get()];
  },
  "backup to a folder that is not there": (db) => db.backup("/nonexistent/x.db"),
  "backup with options": async (db, Database, folder) => {
    const path = join(folder, "options.db");
    const answers = [];
    for (const options of [null, 5, { attached: "" }, { attached: "none" }, { progress: 5 }, { progress: null }, { progress: () => "x" }, { progress: () => { throw new RangeError("mine"); } }, { progress: () => Infinity }]) answers.push(await db.backup(path, options).then(told, failed));
    return answers;
  },
  "backup to what is not a path": async (db) => { const answers = []; for (const file of ["", " ", ":memory:", 5]) answers.push(await db.backup(file).then(told, failed)); return answers; },
  "backup of another database": async (db, Database, folder) => { db.exec("ATTACH ':memory:' AS other; CREATE TABLE other.t (a)"); const path = join(folder, "other.db"); await db.backup(path, { attached: "other" }); return new Database(path).prepare("SELECT name FROM sqlite_schema").pluck().all(); },
  "backup while this connection writes": async (db, Database, folder) => {
    const path = join(folder, "writing.db");
    const other = new Database(join(folder, "source.db"), { timeout: 50 });
    other.exec("CREATE TABLE t (a); BEGIN IMMEDIATE; INSERT INTO t VALUES (1)");
    return [await other.backup(path).then(told, failed), existsSync(path)];
  },
  "backup to a file that others use": async (db, Database, folder) => {
    const path = join(folder, "used.db");
    const source = new Database(join(folder, "used-source.db"), { timeout: 50 });
    source.exec("CREATE TABLE t (a)");
    const used = new Database(path);
    used.exec("CREATE TABLE u (a); INSERT INTO u VALUES (1); BEGIN IMMEDIATE");
    const answers = [await source.backup(path).then(told, failed)];
    used.exec("COMMIT");
    const iterator = used.prepare("SELECT a FROM u").iterate();
    iterator.next();
    answers.push(await source.backup(path).then(told, failed));
    iterator.return();
    return [...answers, used.prepare("SELECT name FROM sqlite_schema").pluck().all()];
  },
  "close while a backup goes on": (db, Database, folder) => db.backup(join(folder, "closed.db"), { progress: () => void db.close() }),
  "a virtual table of JavaScript": (db) => {
    db.table("t", { columns: ["a"], *rows() { yield [1]; } });
    return db.prepare("SELECT * FROM t").all();
  },
  "load an extension": (db) => db.loadExtension("/nonexistent/extension"),
  "functions of SQLite": (db) => ["json('[1]')", "sqrt(4)", "soundex('a')", "percentile(1, 50)"].map((call) => answerOf(() => db.prepare(`SELECT ${call}`).pluck().get())),
  "modules of SQLite": (db) => ["fts5(a)", "rtree(id, a, b)", "geopoly(a)", "fts4(a)"].map((module, i) => answerOf(() => db.exec(`CREATE VIRTUAL TABLE v${i} USING ${module}`).open)),
  "a database as JSON": (db) => JSON.stringify(db),
  "methods of a database": (db, Database) => Object.getOwnPropertyNames(Database.prototype).filter((name) => name !== "constructor").sort(),
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
      answers[question] = told(await probe(db, Database, folder));
    } catch (error) {
      answers[question] = failed(error);
    }
    // What is of this machine and of this minor version alone.
    answers[question] = answers[question].replaceAll(folder, "…").replaceAll(`Node ${process.versions.node}`, "this Node");
  }
  return answers;
}

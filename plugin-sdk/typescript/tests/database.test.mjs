//! `ctx.database`: the examples of better-sqlite3's documentation against every engine that this machine has. What differs from
//! the original is looked for in database-fidelity.test.mjs, what a kill and an outsider leave in database-kills.test.mjs,
//! and which engine a plugin gets in database-choice.test.mjs.

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readlinkSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { runPlugin } from "../dist/testing/index.js";
import { ENGINES, using } from "./database-engines.mjs";
import { RunnerProcess, pluginsFolder, until } from "./scripted-host.mjs";

async function each(name, act) {
  for (const engine of ENGINES) {
    test(`${name} (${engine})`, async (t) => {
      using(t, engine);
      const plugin = await runPlugin({ onStart: ({ database }) => act(database.open("test.db"), database), onStop() {} });
      await plugin.stop();
    });
  }
}

const cats = (db) => {
  db.exec("CREATE TABLE cats (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, age INTEGER, weight REAL)");
  return db.prepare("INSERT INTO cats (name, age) VALUES (?, ?)");
};

each("run tells changes and the last row id", (db) => {
  const insert = cats(db);
  assert.deepEqual(insert.run("Joey", 2), { changes: 1, lastInsertRowid: 1 });
  assert.deepEqual(insert.run(["Sally", 4]), { changes: 1, lastInsertRowid: 2 });
  assert.equal(db.prepare("UPDATE cats SET age = age + 1").run().changes, 2);
  assert.equal(db.prepare("DELETE FROM cats WHERE id = ?").run(99).changes, 0);
});

each("get, all and iterate give rows as plain objects", (db) => {
  const insert = cats(db);
  insert.run("Joey", 2);
  insert.run("Sally", 4);
  assert.deepEqual(db.prepare("SELECT name, age FROM cats WHERE name = ?").get("Joey"), { name: "Joey", age: 2 });
  assert.equal(db.prepare("SELECT * FROM cats WHERE name = ?").get("nobody"), undefined);
  assert.deepEqual(db.prepare("SELECT name FROM cats ORDER BY id").all(), [{ name: "Joey" }, { name: "Sally" }]);
  const names = [];
  for (const cat of db.prepare("SELECT * FROM cats").iterate()) {
    names.push(cat.name);
    if (cat.name === "Joey") break;
  }
  assert.deepEqual(names, ["Joey"]);
  insert.run("Junior", 1); // the iterator that was left is closed
});

each("named parameters go without their sigil and may be mixed with others", (db) => {
  cats(db);
  db.prepare("INSERT INTO cats (name, age) VALUES (@name, @age)").run({ name: "Joey", age: 2 });
  db.prepare("INSERT INTO cats (name, age) VALUES (:name, ?)").run(5, { name: "Sally" });
  db.prepare("INSERT INTO cats (name, age) VALUES ($name, $age)").run({ name: "Junior", age: null });
  assert.deepEqual(db.prepare("SELECT name, age FROM cats WHERE age > @age OR name = ':quoted @x'").all({ age: 2 }), [{ name: "Sally", age: 5 }]);
  assert.throws(() => db.prepare("SELECT @a").get({}), /Missing named parameter "a"/);
  assert.throws(() => db.prepare("SELECT ?, ?").get(1), RangeError);
  assert.throws(() => db.prepare("SELECT ?").get(1, 2), RangeError);
  assert.throws(() => db.prepare("SELECT ?").get(true), /can only bind numbers, strings, bigints, buffers, and null/);
  assert.deepEqual(db.prepare("SELECT ? AS x").get(undefined), { x: null });
  assert.deepEqual(db.prepare("SELECT :a AS a, ? AS b, @c AS c, ? AS d").get({ a: 1, c: 3 }, 2, 4), { a: 1, b: 2, c: 3, d: 4 });
});

each("values keep their types: null, text, integer, real, blob", (db) => {
  const row = db.prepare("SELECT ? AS n, ? AS t, ? AS i, ? AS r, ? AS b").get(null, "Zürich ✈", 42, 1.5, Buffer.from([0, 255, 7]));
  assert.deepEqual({ ...row, b: [...row.b] }, { n: null, t: "Zürich ✈", i: 42, r: 1.5, b: [0, 255, 7] });
  assert.ok(Buffer.isBuffer(row.b));
});

each("text is kept to its last character, U+0000 among them, and so are names", (db) => {
  db.exec("CREATE TABLE texts (a TEXT)");
  db.prepare("INSERT INTO texts VALUES (?)").run("before\u0000after");
  const row = db.prepare("SELECT a, hex(a) AS hex, length(CAST(a AS BLOB)) AS bytes FROM texts").get();
  assert.deepEqual(row, { a: "before\u0000after", hex: "6265666F7265006166746572", bytes: 12 });
  assert.equal(db.prepare("SELECT CAST(x'6100620063' AS TEXT)").pluck().get(), "a\u0000b\u0000c");
  db.function("same", (text) => text);
  assert.equal(db.prepare("SELECT same(?)").pluck().get("x\u0000y"), "x\u0000y");
  const long = `${"é\u0000✈".repeat(5000)}end`;
  assert.equal(db.prepare("SELECT ?").pluck().get(long), long);
  for (const act of [() => db.prepare("SELECT 1 \u0000 x"), () => db.exec("DELETE FROM texts \u0000 WHERE 0"), () => db.pragma("user_version \u0000")]) {
    assert.throws(act, /has U\+0000 at \d+, and SQLite would read no further/);
  }
  assert.equal(db.prepare("SELECT count(*) FROM texts").pluck().get(), 1);
});

each("a statement is one statement, and a text without one is refused", (db) => {
  db.exec("CREATE TABLE u (a)");
  for (const sql of ["INSERT INTO u VALUES (1); INSERT INTO u VALUES (2)", "SELECT 1; SELECT", "SELECT ';' ; -- x\n x"]) {
    assert.throws(() => db.prepare(sql), { name: "RangeError", message: "The supplied SQL string contains more than one statement" });
  }
  for (const sql of ["", " ", "-- nothing", "/* nothing */ ;"]) {
    assert.throws(() => db.prepare(sql), { name: "RangeError", message: "The supplied SQL string contains no statements" });
  }
  assert.equal(db.prepare("SELECT ';' AS a; -- the end\n /* really").pluck().get(), ";");
  db.prepare("CREATE TRIGGER t AFTER INSERT ON u BEGIN DELETE FROM u WHERE a = 0; DELETE FROM u WHERE a = -1; END;").run();
  db.prepare("INSERT INTO u VALUES (0)").run();
  assert.equal(db.prepare("SELECT count(*) FROM u").pluck().get(), 0);
});

each("pluck, raw, expand and columns shape rows", (db) => {
  cats(db).run("Joey", 2);
  const select = db.prepare("SELECT name, age FROM cats");
  assert.deepEqual(select.pluck().all(), ["Joey"]);
  assert.deepEqual(select.pluck(false).raw().all(), [["Joey", 2]]);
  assert.deepEqual(select.raw(false).get(), { name: "Joey", age: 2 });
  assert.deepEqual(select.columns().map(({ name }) => name), ["name", "age"]);
  assert.throws(() => db.prepare("DELETE FROM cats").pluck(), TypeError);
});

each("bind binds for good", (db) => {
  const statement = db.prepare("SELECT ? AS x").bind(5);
  assert.deepEqual(statement.get(), { x: 5 });
  assert.throws(() => statement.get(6), TypeError);
  assert.throws(() => statement.bind(7), TypeError);
});

each("get refuses what returns no rows", (db) => {
  const insert = cats(db);
  assert.equal(insert.reader, false);
  assert.equal(db.prepare("INSERT INTO cats (name) VALUES ('Sam') RETURNING id").run().changes, 1);
  assert.throws(() => insert.get("x", 1), /does not return data/);
  const returning = db.prepare("INSERT INTO cats (name) VALUES (?) RETURNING id, name");
  assert.deepEqual(returning.get("Joey"), { id: 2, name: "Joey" });
  assert.deepEqual([returning.reader, returning.readonly, db.prepare("SELECT 1").readonly], [true, false, true]);
});

each("a transaction commits as a whole or not at all, also inside another", (db) => {
  const insert = cats(db);
  const many = db.transaction((list) => {
    assert.equal(db.inTransaction, true);
    for (const [name, age] of list) insert.run(name, age);
    return list.length;
  });
  assert.equal(many([["Joey", 2], ["Sally", 4]]), 2);
  assert.throws(() => many([["Junior", 1], ["Joey", 9]]), { code: "SQLITE_CONSTRAINT_UNIQUE" });
  assert.equal(db.prepare("SELECT count(*) FROM cats").pluck().get(), 2);
  const outer = db.transaction(() => {
    insert.run("Outer", 1);
    assert.throws(() => many([["Inner", 1], ["Outer", 1]]));
    many.immediate([["Kept", 1]]);
  });
  outer.exclusive();
  assert.deepEqual(db.prepare("SELECT name FROM cats WHERE id > 2 ORDER BY id").pluck().all(), ["Outer", "Kept"]);
  assert.equal(db.inTransaction, false);
  assert.throws(() => db.transaction(() => Promise.resolve())(), TypeError);
});

each("failures are SqliteErrors with a code", (db) => {
  const insert = cats(db);
  insert.run("Joey", 2);
  for (const [act, code] of [
    [() => db.prepare("SELEC 1"), "SQLITE_ERROR"],
    [() => db.exec("CREATE TABLE cats (x)"), "SQLITE_ERROR"],
    [() => insert.run("Joey", 3), "SQLITE_CONSTRAINT_UNIQUE"],
    [() => insert.run(null, 3), "SQLITE_CONSTRAINT_NOTNULL"],
    [() => db.prepare("SELECT * FROM nowhere").all(), "SQLITE_ERROR"],
  ]) {
    assert.throws(act, (error) => error.name === "SqliteError" && error.code === code && error.message.length > 0);
  }
});

each("pragma reads and sets", (db) => {
  assert.equal(db.pragma("busy_timeout", { simple: true }), 5000);
  assert.equal(db.pragma("user_version", { simple: true }), 0);
  db.pragma("user_version = 7");
  assert.deepEqual(db.pragma("user_version"), [{ user_version: 7 }]);
  db.pragma("foreign_keys = ON");
  assert.equal(db.pragma("foreign_keys", { simple: true }), 1);
});

each("integers beyond 2^53 come rounded, or exactly where asked for", (db) => {
  const big = 9007199254740993n;
  const statement = db.prepare("SELECT ? AS x");
  assert.equal(typeof statement.get(big).x, "number");
  assert.equal(statement.safeIntegers().get(big).x, big);
  db.defaultSafeIntegers();
  assert.equal(db.prepare("SELECT 5").pluck().get(), 5n);
  assert.throws(() => db.prepare("SELECT ?").get(2n ** 70n), RangeError);
});

each("user functions are called, and what they throw reaches the caller", (db) => {
  db.function("add2", (a, b) => a + b);
  assert.equal(db.prepare("SELECT add2(?, ?)").pluck().get(12, 4), 16);
  db.function("joined", { varargs: true, deterministic: true }, (...parts) => parts.join("-"));
  assert.equal(db.prepare("SELECT joined('a', 'b', 3)").pluck().get(), "a-b-3");
  const mine = new Error("mine");
  db.function("fails", () => { throw mine; });
  assert.throws(() => db.prepare("SELECT fails()").get(), (error) => error === mine);
});

each("aggregates fold the rows of each group, and windows take rows back", (db) => {
  cats(db);
  for (const [name, age] of [["Joey", 2], ["Sally", 4], ["Junior", 4]]) db.prepare("INSERT INTO cats (name, age) VALUES (?, ?)").run(name, age);
  db.aggregate("addAll", { start: 0, step: (total, next) => total + next, inverse: (total, gone) => total - gone, result: (total) => total * 10 });
  assert.equal(db.prepare("SELECT addAll(age) FROM cats").pluck().get(), 100);
  assert.deepEqual(db.prepare("SELECT addAll(age) FROM cats GROUP BY age ORDER BY age").pluck().all(), [20, 80]);
  assert.deepEqual(db.prepare("SELECT addAll(age) OVER (ORDER BY id ROWS 1 PRECEDING) FROM cats").pluck().all(), [20, 60, 80]);
  assert.equal(db.prepare("SELECT addAll(age) FROM cats WHERE 0").pluck().get(), 0);
  // What a step keeps in the total itself it need not answer.
  db.aggregate("names", { start: () => [], step: (list, name) => void list.push(name), result: (list) => list.sort().join(" ") });
  assert.equal(db.prepare("SELECT names(name) FROM cats").pluck().get(), "Joey Junior Sally");
  const mine = new Error("mine");
  db.aggregate("fails", { start: 0, step: (_, age) => { if (age > 2) throw mine; } });
  assert.throws(() => db.prepare("SELECT fails(age) FROM cats").get(), (error) => error === mine);
});

/** Enough rows for a backup of many steps. */
const many = (db, rows = 2000) => {
  const insert = cats(db);
  db.transaction(() => { for (let i = 0; i < rows; i++) insert.run(`cat ${i} ${"x".repeat(500)}`, i); })();
  return insert;
};

each("a backup is a whole database, made while this connection and others write", async (db, database) => {
  const insert = many(db);
  const second = database.open("test.db").prepare("INSERT INTO cats (name) VALUES (?)");
  const told = [];
  const path = join(dirname(db.name), "copy.db");
  const done = await db.backup(path, { progress: (state) => {
    told.push(state);
    // A write by another connection has the copy begin anew, so there are few of them.
    if (told.length < 4) second.run(`second ${told.length}`);
    insert.run(`progress ${told.length}`, 0);
  } });
  assert.ok(told.length >= 4 && done.totalPages > 200 && done.remainingPages === 0, JSON.stringify([told.length, done]));
  const copy = database.open("copy.db");
  const rows = copy.prepare("SELECT count(*), sum(name LIKE 'second %') FROM cats").raw().get();
  assert.ok(rows[0] >= 2000 + told.length && rows[1] === 3, rows.join());
  assert.equal(copy.pragma("integrity_check", { simple: true }), "ok");
  copy.close();
  for (const file of ["", ":memory:", join(db.name, "x", "y.db")]) await assert.rejects(db.backup(file), TypeError);
});

each("a backup that waits for a lock in vain says so, and leaves what was there", async (db, database) => {
  many(db);
  const locked = { name: "SqliteError", code: "SQLITE_BUSY", message: "database is locked" };
  const path = join(dirname(db.name), "copy.db");
  db.pragma("busy_timeout = 50");
  db.exec("BEGIN IMMEDIATE");
  await assert.rejects(db.backup(path), locked, "this connection writes");
  assert.equal(existsSync(path), false);
  db.exec("COMMIT");
  await db.backup(path);
  db.exec("DELETE FROM cats");
  const other = database.open("copy.db");
  other.exec("BEGIN IMMEDIATE");
  await assert.rejects(db.backup(path), locked, "somebody writes to the target");
  other.exec("COMMIT");
  const reading = other.prepare("SELECT name FROM cats").pluck().iterate();
  assert.match(reading.next().value, /^cat /);
  await assert.rejects(db.backup(path), locked, "somebody reads the target");
  reading.return();
  assert.equal(other.prepare("SELECT count(*) FROM cats").pluck().get(), 2000);
  assert.deepEqual(await db.backup(path).then(({ remainingPages }) => remainingPages), 0);
  assert.equal(other.prepare("SELECT count(*) FROM cats").pluck().get(), 0);
  assert.equal(db.pragma("busy_timeout", { simple: true }), 50);
});

each("a backup waits for a lock at rest, and goes on when it is gone", async (db) => {
  many(db);
  const path = join(dirname(db.name), "copy.db");
  let begun = false;
  const backup = db.backup(path, { progress: () => {
    if (!begun) db.exec("BEGIN IMMEDIATE; DELETE FROM cats WHERE id = 1");
    begun = true;
  } });
  await until("the copy has begun", () => begun);
  const before = process.cpuUsage();
  const waits = 500;
  await new Promise((resolve) => setTimeout(resolve, waits));
  const { user, system } = process.cpuUsage(before);
  assert.ok(user + system < waits * 1000 / 2, `${user + system} µs of the processor in ${waits} ms`);
  db.exec("COMMIT");
  assert.equal((await backup).remainingPages, 0);
});

test("a backup has closed its file when it is told to be done or to have failed", async (t) => {
  using(t, "addon");
  const plugin = await runPlugin({
    async onStart({ database }) {
      const db = database.open("test.db");
      cats(db).run("Joey", 2);
      const path = join(dirname(db.name), "copy.db");
      const held = () => readdirSync("/proc/self/fd").map((fd) => { try { return readlinkSync(`/proc/self/fd/${fd}`); } catch { return ""; } }).filter((name) => name.startsWith(path));
      await db.backup(path);
      assert.deepEqual(held(), []);
      await assert.rejects(db.backup(path, { progress: () => { throw new Error("mine"); } }), /mine/);
      await assert.rejects(db.backup(path, { progress: () => void db.close() }), TypeError);
      assert.deepEqual(held(), []);
    },
    onStop() {},
  });
  await plugin.stop();
});

each("a query whose tables have changed gives what is there now", (db) => {
  cats(db).run("Joey", 2);
  const select = db.prepare("SELECT * FROM cats");
  assert.deepEqual(Object.keys(select.get()), ["id", "name", "age", "weight"]);
  db.exec("ALTER TABLE cats ADD COLUMN colour TEXT DEFAULT 'grey'");
  assert.equal(select.get().colour, "grey");
  assert.equal(select.all()[0].colour, "grey");
  assert.equal([...select.iterate()][0].colour, "grey");
});

each("statements are prepared without end in one turn, and the first of them still work", (db) => {
  cats(db).run("Joey", 2);
  const first = db.prepare("SELECT name, age FROM cats WHERE name = ?");
  assert.deepEqual(first.get("Joey"), { name: "Joey", age: 2 });
  const begun = db.prepare("SELECT name FROM cats WHERE name = ?").pluck().iterate("Joey");
  const before = process.memoryUsage().rss;
  const large = `SELECT ${Array.from({ length: 500 }, (_, i) => `age + ${i}`).join(", ")} FROM cats`;
  for (let i = 0; i < 1500; i++) db.prepare(`${large} -- ${i}`).pluck().get();
  assert.deepEqual([...begun], ["Joey"]);
  assert.deepEqual(first.get("Joey"), { name: "Joey", age: 2 });
  assert.ok(process.memoryUsage().rss - before < 250e6, `${process.memoryUsage().rss - before} bytes more`);
});

each("nothing works on a closed database, and closing twice is harmless", (db) => {
  assert.equal(db.open, true);
  const select = db.prepare("SELECT 1");
  assert.equal(db.close(), db);
  db.close();
  assert.equal(db.open, false);
  assert.throws(() => db.exec("SELECT 1"), /database connection is not open/);
  assert.throws(() => select.get(), TypeError);
});

each("while an iterator is open the database refuses other work", (db) => {
  const insert = cats(db);
  insert.run("Joey", 2);
  for (const cat of db.prepare("SELECT * FROM cats").iterate()) {
    assert.throws(() => insert.run(`${cat.name}2`, 1), /busy executing a query/);
    assert.throws(() => db.close(), /busy/);
  }
});

each("what one connection commits the next one reads", (db, database) => {
  cats(db).run("Joey", 2);
  const second = database.open("test.db");
  assert.equal(second.prepare("SELECT name FROM cats").pluck().get(), "Joey");
  second.close();
  db.close();
  const third = database.open("test.db");
  assert.equal(third.prepare("SELECT count(*) FROM cats").pluck().get(), 1);
  third.close();
});

test("names that leave the data folder, side files and planted links are refused", async () => {
  const plugin = await runPlugin({
    onStart({ database }) {
      for (const name of ["../x.db", "/tmp/x.db", "a/b.db", "", ".hidden", "x.db-wal", "x.db.lock", "x\0.db", undefined]) {
        assert.throws(() => database.open(name), TypeError, String(name));
      }
    },
    onStop() {},
  });
  symlinkSync("/etc/passwd", join(plugin.dataDir, "planted.db"));
  await plugin.stop();
  const other = await runPlugin({ onStart({ database }) { assert.throws(() => database.open("planted.db"), /symbolic link/); }, onStop() {} }, { dataDir: mkLinked() });
  await other.stop();
});

function mkLinked() {
  const folder = mkdtempSync(join(tmpdir(), "outboard-linked-"));
  symlinkSync("/etc/passwd", join(folder, "planted.db"));
  return folder;
}

test("the host is told of each file that is opened, and its refusal is a warning", async (t) => {
  const folder = pluginsFolder(t);
  const entry = folder.write("my-plugin", { "background/index.js": `export default { onStart(ctx) { ctx.database.open("a.db"); ctx.database.open("b.db"); }, onStop() {} };` });
  const runner = await RunnerProcess.spawn(t, folder, entry);
  const opened = [];
  runner.answer = (method, { file }) => {
    if (method !== "database.open") return undefined;
    opened.push(file);
    if (file === "b.db") throw new Error("the quota is used up");
    return { path: file };
  };
  await runner.start();
  await until("the warning came", () => runner.logs.some(({ level, message }) => level === "warn" && /b\.db.*the quota is used up/.test(message)));
  assert.deepEqual(opened, ["a.db", "b.db"]);
});

/** Inserts until there is no more room; gives what was thrown. */
const fill = (db) => {
  db.exec("CREATE TABLE IF NOT EXISTS t (b BLOB)");
  const insert = db.prepare("INSERT INTO t VALUES (zeroblob(4000))");
  for (let i = 0; i < 64; i++) {
    try {
      insert.run();
    } catch (error) {
      return error;
    }
  }
  return undefined;
};

for (const engine of ENGINES) {
  test(`a database grows as far as the host allows, and the error beyond names the quota (${engine})`, async (t) => {
    using(t, engine);
    let database;
    const plugin = await runPlugin({ onStart(ctx) { ({ database } = ctx); }, onStop() {} }, { databaseBytes: 65536 });
    t.after(() => plugin.stop());
    const path = join(plugin.dataDir, "full.db");
    const db = database.open("full.db");
    await until("the host's answer came", () => db.pragma("max_page_count", { simple: true }) === 16);
    const error = fill(db);
    assert.deepEqual([error.name, error.code], ["SqliteError", "SQLITE_FULL"]);
    assert.match(error.message, /database or disk is full: .*full\.db may have 65536 bytes.*`limits\.data`.*delete what is not needed/);
    assert.ok(db.pragma("page_count", { simple: true }) > 8, "it grew");
    assert.ok(statSync(path).size <= 65536);
    db.exec("DELETE FROM t");
    assert.equal(fill(db).code, "SQLITE_FULL", "what was deleted is room again");
    db.close();
    // A connection that is used before the host can have answered is held to what the one before it was.
    const next = database.open("full.db");
    next.exec("DELETE FROM t");
    assert.equal(fill(next).code, "SQLITE_FULL");
    next.close();
    assert.ok(statSync(path).size <= 65536);
  });
}

test("a new database that the host has no room for keeps what was written and grows no further", async () => {
  let db;
  const plugin = await runPlugin({
    onStart(ctx) {
      // Before any answer can have come: as long as the host knows of no limit, nothing is refused.
      db = ctx.database.open("late.db");
      db.exec("CREATE TABLE t (b BLOB)");
    },
    onStop() {},
  }, { databaseBytes: 0 });
  await until("the host's answer came", () => db.pragma("max_page_count", { simple: true }) < 1000);
  assert.throws(() => db.exec("INSERT INTO t VALUES (zeroblob(20000))"), (error) => error.code === "SQLITE_FULL" && /`limits\.data`/.test(error.message));
  assert.deepEqual(plugin.logs.map(({ level, message }) => [level, /late\.db.*limits\.data/.test(message)]), [["warn", true]]);
  await plugin.stop();
});

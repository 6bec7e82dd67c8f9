//! `ctx.database`: the examples of better-sqlite3's documentation against every engine that this machine has, and what a kill
//! leaves behind. The original itself takes part where OUTBOARD_BETTER_SQLITE3 names a folder in which it is installed.

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { runPlugin } from "../dist/testing/index.js";
import { RunnerProcess, pluginsFolder, until } from "./scripted-host.mjs";

/** Runs `act` with the databases of a plugin that uses the given engine. */
async function withDatabase(t, engine, act) {
  if (engine === "wasm") process.env.OUTBOARD_SQLITE = "wasm";
  t.after(() => delete process.env.OUTBOARD_SQLITE);
  const plugin = await runPlugin({ onStart(ctx) { this.ctx = ctx; return act(ctx.database); }, onStop() {} });
  await plugin.stop();
}

/** Node's own SQLite is complete enough where statements can tell their columns. */
function nodeHasSqlite() {
  try {
    const emitWarning = process.emitWarning;
    process.emitWarning = () => {};
    const { DatabaseSync } = process.getBuiltinModule("node:sqlite");
    process.emitWarning = emitWarning;
    const database = new DatabaseSync(":memory:");
    return typeof database.prepare("SELECT 1").columns === "function" && database.isTransaction !== undefined;
  } catch {
    return false;
  }
}

const ENGINES = ["wasm", ...(nodeHasSqlite() ? ["node"] : [])];
const BETTER = process.env.OUTBOARD_BETTER_SQLITE3;
if (BETTER) ENGINES.push("better-sqlite3");

async function each(name, act) {
  for (const engine of ENGINES) {
    test(`${name} (${engine})`, async (t) => {
      if (engine !== "better-sqlite3") return withDatabase(t, engine, (database) => act(database.open("test.db"), database));
      const { createRequire } = await import("node:module");
      const Better = createRequire(join(BETTER, "x.js"))("better-sqlite3");
      const folder = mkdtempSync(join(tmpdir(), "outboard-better-"));
      t.after(() => rmSync(folder, { recursive: true, force: true }));
      return act(new Better(join(folder, "test.db")), { open: (name) => new Better(join(folder, name)) });
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

test("a plugin's own better-sqlite3 is used where it has one", async (t) => {
  const folder = pluginsFolder(t);
  const own = "module.exports = class Database { constructor(path) { this.path = path; } };";
  const entry = folder.write("my-plugin", {
    "node_modules/better-sqlite3/index.js": own,
    "background/index.js": `export default { onStart(ctx) { const db = ctx.database.open("x.db"); ctx.logger.info("db", db.path + " " + db.constructor.name); }, onStop() {} };`,
  });
  const runner = await RunnerProcess.spawn(t, folder, entry);
  await runner.start();
  await runner.stop();
  assert.equal(runner.logs[0].message, `${runner.dataDir}/x.db Database`);
});

test("an own better-sqlite3 that does not load is told, and another engine takes its place", async (t) => {
  const folder = pluginsFolder(t);
  const entry = folder.write("my-plugin", {
    "node_modules/better-sqlite3/index.js": `throw new Error("built for another NODE_MODULE_VERSION");`,
    "background/index.js": `export default { onStart(ctx) { ctx.logger.info("db", String(ctx.database.open("x.db").prepare("SELECT 41 + 1").pluck().get())); }, onStop() {} };`,
  });
  const runner = await RunnerProcess.spawn(t, folder, entry);
  await runner.start();
  await runner.stop();
  assert.deepEqual(runner.logs.map(({ message }) => message.replace(/^.*NODE_MODULE/, "NODE_MODULE")), ["NODE_MODULE_VERSION", "42"]);
});

test("every acknowledged insert survives SIGKILL, and the next process is not locked out (wasm)", async (t) => {
  const folder = pluginsFolder(t);
  const source = `export default { onStart(ctx) {
    const db = ctx.database.open("log.db");
    db.exec("CREATE TABLE IF NOT EXISTS log (n INTEGER)");
    const insert = db.prepare("INSERT INTO log VALUES (?)");
    ctx.ipc.handle("all", () => db.prepare("SELECT n FROM log ORDER BY n").pluck().all());
    ctx.ipc.handle("check", () => db.pragma("integrity_check", { simple: true }));
    ctx.ipc.handle("go", (from) => { for (let n = from; ; n++) { insert.run(n); console.log(n); } });
  }, onStop() {} };`;
  const entry = folder.write("my-plugin", { "background/index.js": source });
  let last = 0;
  for (let round = 0; round < 5; round++) {
    const runner = await RunnerProcess.spawn(t, folder, entry, { env: { OUTBOARD_SQLITE: "wasm" } });
    await runner.start();
    const rows = await runner.peer.request("ipc.invoke", { channel: "all" });
    assert.ok(rows.length >= last, `round ${round}: ${last} were acknowledged, ${rows.length} are there`);
    assert.equal(await runner.peer.request("ipc.invoke", { channel: "check" }), "ok");
    runner.peer.request("ipc.invoke", { channel: "go", args: [rows.length + 1] }).catch(() => {});
    while (runner.stdout.split("\n").length < 10 + round * 3) await once(runner.child.stdout, "data");
    runner.child.kill("SIGKILL");
    await runner.exited;
    last = Number(runner.stdout.trim().split("\n").at(-1));
  }
});

test("a file that another living process has open is refused with its number (wasm)", async (t) => {
  const folder = pluginsFolder(t);
  const entry = folder.write("my-plugin", { "background/index.js": `export default { onStart(ctx) { ctx.database.open("x.db").exec("CREATE TABLE IF NOT EXISTS t (a)"); }, onStop() {} };` });
  const env = { OUTBOARD_SQLITE: "wasm" };
  const first = await RunnerProcess.spawn(t, folder, entry, { env });
  await first.start();
  const second = await RunnerProcess.spawn(t, folder, entry, { env });
  await second.initialize();
  await assert.rejects(second.peer.request("start"), new RegExp(`x\\.db is open in process ${first.child.pid}`));
});

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

for (const engine of ENGINES.filter((name) => name !== "better-sqlite3")) {
  test(`a database grows as far as the host allows, and the error beyond names the quota (${engine})`, async (t) => {
    if (engine === "wasm") process.env.OUTBOARD_SQLITE = "wasm";
    t.after(() => delete process.env.OUTBOARD_SQLITE);
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

test("a plugin's own better-sqlite3 is bounded as well", async (t) => {
  const folder = pluginsFolder(t);
  const own = `module.exports = class Database {
    open = true;
    asked = [];
    pragma(source) { this.asked.push(source); return source === "page_size" ? 4096 : []; }
  };`;
  const entry = folder.write("my-plugin", {
    "node_modules/better-sqlite3/index.js": own,
    "background/index.js": `export default { onStart(ctx) { const db = ctx.database.open("x.db"); ctx.ipc.handle("asked", () => db.asked); }, onStop() {} };`,
  });
  const runner = await RunnerProcess.spawn(t, folder, entry, { state: { databaseBytes: 40_000 } });
  await runner.start();
  const asked = () => runner.peer.request("ipc.invoke", { channel: "asked" });
  await until("the host's answer came", async () => (await asked()).length > 0);
  assert.deepEqual(await asked(), ["page_size", "max_page_count = 9"]);
});

//! What a plugin's JavaScript cannot do to SQLite, however it is called: functions that SQL calls, and whoever is told of statements, run in
//! the middle of SQLite's work. The addon has to refuse by itself, so it is also called without the layer that checks before it.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ADDON, ENGINES, using } from "./database-engines.mjs";

const require = createRequire(import.meta.url);
const { BetterSqlite3: Database } = require("../dist-runner/sqlite.cjs");

const BUSY = { name: "TypeError", message: "This database connection is busy executing a query" };
const DEFERRED_KEY = "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p REFERENCES p DEFERRABLE INITIALLY DEFERRED)";

function each(name, act) {
  for (const engine of ENGINES) {
    test(`${name} (${engine})`, async (t) => {
      using(t, engine);
      const db = new Database(":memory:");
      db.exec("CREATE TABLE t (a); INSERT INTO t VALUES ('one'), ('two'), ('three')");
      await act(db, t);
    });
  }
}

each("a function that SQL calls cannot use the database or the iterator that calls it", (db) => {
  let iterator;
  const select = db.prepare("SELECT 1");
  const uses = [
    () => iterator.next(), () => iterator.return(), () => select.get(), () => select.all(), () => select.iterate(), () => select.columns(),
    () => db.prepare("SELECT 1"), () => db.exec("SELECT 1"), () => db.pragma("user_version"), () => db.close(), () => db.serialize(),
    () => db.function("g", () => 1), () => db.unsafeMode(), () => db.transaction(() => {})(),
  ];
  const refused = [];
  const use = (value) => {
    for (const act of uses) {
      try {
        act();
      } catch (error) {
        refused.push([error.name, error.message]);
      }
    }
    return value;
  };
  const all = uses.map(() => Object.values(BUSY));
  db.function("f", use);
  for (const sql of ["SELECT f(a || 'x') FROM t ORDER BY f(a || 'y')", "SELECT f(a) FROM t"]) {
    iterator = db.prepare(sql).pluck().iterate();
    refused.length = 0;
    assert.match(iterator.next().value, /^(one|two|three)/);
    assert.deepEqual(refused.slice(0, all.length), all, sql);
    iterator.return();
    assert.deepEqual(iterator.next(), { value: undefined, done: true });
  }
  db.aggregate("g", { start: 0, step: (total, a) => use(total + 1), result: use });
  iterator = db.prepare("SELECT g(a) FROM t GROUP BY a").pluck().iterate();
  refused.length = 0;
  assert.deepEqual([...iterator], [1, 1, 1]);
  assert.deepEqual(refused.slice(0, all.length), all);
  // And nothing of it is left: the database works, and closes.
  assert.equal(db.prepare("SELECT count(*) FROM t").pluck().get(), 3);
  assert.equal(db.close().open, false);
});

each("a getter of what is bound cannot take a statement's rows away, or its database", (db) => {
  const select = db.prepare("SELECT a FROM t WHERE a > @least").pluck();
  let iterator;
  const given = { get least() { iterator = select.iterate({ least: "one" }); return "a"; } };
  for (const act of [() => select.get(given), () => select.all(given), () => select.iterate(given)]) {
    assert.throws(act, { name: "TypeError", message: "This statement is busy executing a query" });
    assert.deepEqual([...iterator], ["two", "three"]);
  }
  assert.throws(() => select.get({ get least() { db.close(); return "a"; } }), /not open/);
});

test("whoever is told of a statement cannot use the database, and a statement does not run where they throw", () => {
  const refused = [];
  let iterator;
  let mine;
  const db = new Database(":memory:", {
    verbose(sql) {
      if (mine) throw mine;
      if (!iterator) return;
      for (const act of [() => iterator.return(), () => db.close(), () => db.exec(sql)]) assert.throws(act, BUSY);
      refused.push(sql);
    },
  });
  db.exec("CREATE TABLE t (a); INSERT INTO t VALUES (1)");
  iterator = db.prepare("-- all\nSELECT a FROM t WHERE a > ?").pluck().iterate(0);
  assert.deepEqual([...iterator], [1]);
  assert.deepEqual(refused, ["-- all\nSELECT a FROM t WHERE a > 0.0"]);
  mine = new Error("mine");
  const insert = db.prepare("INSERT INTO t VALUES (2)");
  for (const act of [() => insert.run(), () => db.exec("INSERT INTO t VALUES (3)"), () => db.prepare("INSERT INTO t VALUES (4) RETURNING a").get()]) {
    assert.throws(act, (error) => error === mine);
  }
  mine = undefined;
  assert.equal(db.prepare("SELECT count(*) FROM t").pluck().get(), 1);
});

test("the addon itself refuses to work in the middle of its work", () => {
  const module = { exports: {} };
  process.dlopen(module, ADDON);
  const addon = module.exports;
  const connection = addon.open(":memory:", false, true, 0, new Float64Array(1));
  addon.exec(connection, "CREATE TABLE t (a); INSERT INTO t VALUES ('a'), ('b')");
  const make = (a) => a;
  const reading = [false, make, () => make];
  const plain = addon.prepare(connection, "SELECT a FROM t");
  const copy = addon.backup(connection, "main", join(tmpdir(), `outboard-none-${process.pid}.db`));
  let within;
  const uses = {
    run: () => addon.run(within, false), get: () => addon.get(within, ...reading), all: () => addon.all(plain, ...reading), begin: () => addon.begin(within),
    step: () => addon.step(within, ...reading), leave: () => addon.leave(within), exec: () => addon.exec(connection, "DROP TABLE t"),
    prepare: () => addon.prepare(connection, "SELECT 1"), close: () => addon.close(connection), serialize: () => addon.serialize(connection, "main"),
    deserialize: () => addon.deserialize(connection, new Uint8Array(0), false), defend: () => addon.defend(connection, false),
    trace: () => addon.trace(connection, () => {}), define: () => addon.define(connection, "f", 1, 0, false, () => 1),
    backup: () => addon.backup(connection, "main", "/nonexistent/x.db"), copy: () => addon.copy(copy, 1), finish: () => addon.finish(copy),
  };
  const refused = new Set();
  addon.define(connection, "f", 1, 0, false, (value) => {
    for (const [name, act] of Object.entries(uses)) {
      assert.throws(act, BUSY, name);
      refused.add(name);
    }
    // A look does no harm: rows are made from what it tells.
    assert.deepEqual([addon.inTransaction(connection), addon.reader(within), addon.readonly(within), addon.parameters(within), addon.columns(within).length], [false, true, true, [], 1]);
    return value;
  });
  const looks = ["build", "open", "inTransaction", "reader", "readonly", "parameters", "columns"];
  within = addon.prepare(connection, "SELECT f(a) FROM t");
  addon.begin(within);
  for (const act of [() => addon.begin(within), () => addon.run(within, false), () => addon.get(within, ...reading), () => addon.all(within, ...reading)]) {
    assert.throws(act, /This statement is busy executing a query/);
  }
  assert.deepEqual([addon.step(within, ...reading), addon.step(within, ...reading), addon.step(within, ...reading)], ["a", "b", undefined]);
  assert.deepEqual([...refused, ...looks].sort(), Object.keys(addon).sort(), "each function of the addon was asked");
  addon.leave(within);
  addon.finish(copy);
  addon.close(connection);
});

test("an exception reaches the caller also where the end of the statement runs an aggregate's function", () => {
  const db = new Database(":memory:");
  db.aggregate("w", { start: 0, step: (total, a) => total + a, inverse: (total, a) => total - a });
  // A text of more than what JavaScript has room for, in the second row.
  const large = "CASE a WHEN 1 THEN 'x' ELSE CAST(zeroblob(600000000) AS TEXT) END";
  const select = db.prepare(`WITH x (a) AS (VALUES (1), (2), (3)) SELECT w(a) OVER (ORDER BY a ROWS 1 PRECEDING), ${large} FROM x`);
  assert.throws(() => select.all(), /too large for JavaScript/);
  assert.throws(() => [...select.iterate()], /too large for JavaScript/);
  assert.equal(db.prepare("SELECT w(1)").pluck().get(), 1);
});

each("a row that was given was stored, and what a commit refuses is thrown", (db) => {
  db.exec(DEFERRED_KEY);
  const returning = db.prepare("INSERT INTO c VALUES (9) RETURNING p");
  assert.throws(() => returning.get(), { code: "SQLITE_CONSTRAINT_FOREIGNKEY" });
  assert.throws(() => returning.all(), { code: "SQLITE_CONSTRAINT_FOREIGNKEY" });
  assert.equal(db.prepare("SELECT count(*) FROM c").pluck().get(), 0);
});

each("statements that are kept do not keep what was bound", (db) => {
  const bytes = Buffer.alloc(4_000_000, 1);
  const before = process.memoryUsage().rss;
  const kept = Array.from({ length: 50 }, (_, i) => {
    const statement = db.prepare(`SELECT length(?) AS bytes /* ${i} */`);
    assert.deepEqual(statement.get(bytes), { bytes: bytes.length });
    return statement;
  });
  const more = process.memoryUsage().rss - before;
  assert.ok(more < 100e6, `${kept.length} statements keep ${more} bytes`);
});

each("bytes that are opened for reading are not written to", (db) => {
  const copy = new Database(db.serialize(), { readonly: true });
  assert.throws(() => copy.exec("INSERT INTO t VALUES (1)"), { code: "SQLITE_READONLY" });
  assert.deepEqual([copy.readonly, copy.prepare("SELECT count(*) FROM t").pluck().get()], [true, 3]);
});

test("an OUTBOARD_SQLITE that nobody knows is named, and so is what it takes", (t) => {
  using(t, "sqlite");
  assert.throws(() => new Database(":memory:"), { name: "NoSqliteError", message: /OUTBOARD_SQLITE is "sqlite".*`addon` or `node`/ });
});

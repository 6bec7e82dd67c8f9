//! Which SQLite `ctx.database` and `import "better-sqlite3"` give a plugin: its own better-sqlite3, the addon, or Node's. What each of
//! them does is looked for in database.test.mjs.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ENGINES } from "./database-engines.mjs";
import { RunnerProcess, pluginsFolder, until } from "./scripted-host.mjs";

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

const IMPORTS = {
  "an ES module": ["index.mjs", 'import Database, { SqliteError } from "better-sqlite3";'],
  "a CommonJS module": ["index.cjs", 'const Database = require("better-sqlite3"); const { SqliteError } = Database;'],
};
for (const [what, [name, line]] of Object.entries(IMPORTS)) {
  for (const generated of [true, false]) {
    const place = generated ? "below the plugins folder" : "elsewhere";
    test(`better-sqlite3 that a bundle left outside is the runner's own (${what} ${place})`, async (t) => {
      const folder = pluginsFolder(t, { generated });
      const body = `{ onStart(ctx) {
        const file = ctx.database.open("x.db");
        const mine = Database(file.name, { timeout: 100, verbose: (sql) => ctx.logger.info("sql", sql) });
        mine.exec("CREATE TABLE t (a)");
        let code; try { file.exec("CREATE TABLE t (a)"); } catch (error) { code = error instanceof SqliteError && error.code; }
        ctx.logger.info("db", [mine instanceof Database, file instanceof Database, Database.name, SqliteError.name, new Database(":memory:").memory, code].join(" "));
      }, onStop() {} }`;
      const entry = folder.write("my-plugin", { [`background/${name}`]: `${line} ${name.endsWith("mjs") ? "export default" : "module.exports ="} ${body};` }, `background/${name}`);
      const runner = await RunnerProcess.spawn(t, folder, entry);
      await runner.start();
      await runner.stop();
      assert.deepEqual(runner.logs.map(({ message }) => message), ["CREATE TABLE t (a)", "true true Database SqliteError true SQLITE_ERROR"]);
    });
  }
}

const NOT_AN_ADDON = "neither ELF nor anything else";
for (const [what, file, why] of [
  ["is not there", () => "/nonexistent/addon.so", /addon is not at \/nonexistent\/addon\.so/],
  ["does not load", (folder) => folder.write("broken", { "addon.so": NOT_AN_ADDON }, "addon.so"), /addon at .*addon\.so does not load: /],
]) {
  test(`where the addon ${what}, Node's own SQLite takes its place, or the error says what to install`, async (t) => {
    const folder = pluginsFolder(t);
    const source = `export default { onStart(ctx) {
      ctx.ipc.handle("open", () => { try { return ctx.database.open("x.db").prepare("SELECT 42").pluck().get(); } catch (error) { return [error.name, error.code, error.message]; } });
    }, onStop() {} };`;
    const entry = folder.write("my-plugin", { "background/index.js": source });
    const runner = await RunnerProcess.spawn(t, folder, entry, { env: { OUTBOARD_SQLITE_ADDON: file(folder) } });
    await runner.start();
    const answer = await runner.peer.request("ipc.invoke", { channel: "open" });
    if (ENGINES.includes("node")) return assert.equal(answer, 42);
    const [name, code, message] = answer;
    assert.deepEqual([name, code], ["NoSqliteError", "ERR_NO_SQLITE"]);
    assert.match(message, why);
    assert.match(message, /Node [\d.]+('s own SQLite is too old| has no SQLite of its own).*install Node 24 or newer, or better-sqlite3 in the plugin's folder \(`npm install better-sqlite3`\)/);
  });
}

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

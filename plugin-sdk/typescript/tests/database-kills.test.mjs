//! Databases of plugins that are killed while somebody else has the same file open with the ordinary `sqlite3`, looking and
//! writing: every row that was acknowledged to anybody is there, and the file is sound. `OUTBOARD_TRIALS=1` runs 30 rounds.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { ENGINES } from "./database-engines.mjs";
import { RunnerProcess, pluginsFolder } from "./scripted-host.mjs";

const run = promisify(execFile);

const ROUNDS = process.env.OUTBOARD_TRIALS ? 30 : 3;

/** How often the outsider opens the file in a round, and how long it waits for the plugin's lock, in milliseconds. */
const VISITS = 6;
const OUTSIDER_WAITS = 20_000;

const PLUGIN = `export default { onStart(ctx) {
  const db = ctx.database.open("log.db");
  db.pragma("journal_mode = " + process.env.JOURNAL);
  db.exec("CREATE TABLE IF NOT EXISTS log (n INTEGER PRIMARY KEY, text TEXT)");
  const insert = db.prepare("INSERT INTO log VALUES (?, ?)");
  ctx.ipc.handle("begin", async (from) => {
    for (let n = from; ; n++) {
      insert.run(n, "row \\u0000 " + n);
      console.log(n);
      // Others get their turn: with a rollback journal a writer that never rests keeps everybody else away.
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  });
}, onStop() {} };`;

for (const engine of ENGINES) {
  for (const journal of ["delete", "wal"]) {
    test(`every acknowledged row is there after kills, while others look and write (${engine}, ${journal})`, async (t) => {
      const folder = pluginsFolder(t);
      const entry = folder.write("my-plugin", { "background/index.js": PLUGIN });
      const env = { OUTBOARD_SQLITE: engine, JOURNAL: journal };
      const file = join(folder.root, "data", "my-plugin", "log.db");
      const sql = async (...statements) => (await run("sqlite3", ["-cmd", `.timeout ${OUTSIDER_WAITS}`, file, ...statements])).stdout.trim();
      let last = 0;
      let written = 0;
      for (let round = 0; round < ROUNDS; round++) {
        const runner = await RunnerProcess.spawn(t, folder, entry, { env });
        await runner.start();
        runner.peer.request("ipc.invoke", { channel: "begin", args: [last + 1] }).catch(() => {});
        if (round === 0) await sql("CREATE TABLE outsider (n INTEGER)");
        for (let visit = 0; visit < VISITS; visit++) {
          await sql(`SELECT count(*) FROM log; INSERT INTO outsider VALUES (${written + 1})`);
          written++;
        }
        const before = acknowledged(runner);
        while (acknowledged(runner) < before + 5) await once(runner.child.stdout, "data");
        runner.child.kill("SIGKILL");
        await runner.exited;
        last = acknowledged(runner);
        assert.equal(await sql("PRAGMA integrity_check"), "ok");
        // One more may be there: it was written, and its acknowledgement was not.
        const [rows, whole, outside] = (await sql(`SELECT max(n), count(*), (SELECT count(*) FROM outsider) FROM log WHERE text = 'row ' || char(0) || ' ' || n`)).split("|").map(Number);
        assert.ok(rows === whole && rows >= last && rows <= last + 1, `round ${round}: ${last} were acknowledged; ${whole} rows up to ${rows} are there`);
        assert.equal(outside, written, `round ${round}: rows of the outsider`);
        last = rows;
      }
    });
  }
}

/** The last row that the plugin said it had written. */
function acknowledged(runner) {
  const lines = runner.stdout.split("\n");
  return Number(lines.at(-2) ?? 0);
}

test("a lock that is held is waited for, and then told by name", async (t) => {
  const folder = pluginsFolder(t);
  const source = `import Database from "better-sqlite3";
  export default { onStart(ctx) {
    const db = ctx.database.open("x.db");
    db.exec("CREATE TABLE IF NOT EXISTS t (a)");
    ctx.ipc.handle("take", () => void db.exec("BEGIN IMMEDIATE"));
    ctx.ipc.handle("try", () => { try { return new Database(db.name, { timeout: 50 }).prepare("INSERT INTO t VALUES (1)").run().changes; } catch (error) { return error.code; } });
  }, onStop() {} };`;
  const entry = folder.write("my-plugin", { "background/index.js": source });
  const [holder, other] = [await RunnerProcess.spawn(t, folder, entry), await RunnerProcess.spawn(t, folder, entry)];
  await holder.start();
  await other.start();
  const call = (runner, channel) => runner.peer.request("ipc.invoke", { channel });
  assert.equal(await call(other, "try"), 1);
  await call(holder, "take");
  assert.equal(await call(other, "try"), "SQLITE_BUSY");
  holder.child.kill("SIGKILL");
  await holder.exited;
  assert.equal(await call(other, "try"), 1);
});

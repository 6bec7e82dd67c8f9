//! docs/MOVING-FROM-IN-PROCESS.md as it stands: an old application's databases and settings, moved by its command, are what the plugin finds.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { startOutboard } from "../dist/index.js";
import { BINARY, documentBlocks, folders, plugin } from "./embedded.mjs";

const LOGBOOK = `
export async function onStart(ctx) {
  ctx.ipc.handle("found", async () => {
    const database = ctx.database.open("reports.db");
    const { rows } = database.prepare("SELECT count(*) AS rows FROM reports").get();
    database.close();
    return { rows, ...(await ctx.config.getAll()) };
  });
}
export async function onStop() {}
`;

test("databases and settings of an old application are there after the documented command, which overwrites nothing", async (t) => {
  const { root, plugins, options } = folders(t);
  plugin(plugins, "logbook", { "background/index.js": LOGBOOK });
  const old = join(root, "old", "plugins-data", "logbook");
  mkdirSync(old, { recursive: true });
  const make = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.execute('CREATE TABLE reports (rate REAL)'); db.execute('INSERT INTO reports VALUES (-180.5), (-90)'); db.commit()";
  execFileSync("python3", ["-c", make, join(old, "reports.db")]);
  const outboard = await startOutboard(options);
  t.after(() => outboard.stop());
  const blocks = documentBlocks("MOVING-FROM-IN-PROCESS.md");
  for (const { file, content } of blocks.filter(({ file }) => file)) writeFileSync(join(root, "old", file), content);
  mkdirSync(join(root, "old", "plugins-data", "stranger"));
  const [{ content: commands }] = blocks.filter(({ language }) => language === "sh");
  const env = { ...process.env, PATH: `${dirname(BINARY)}:${process.env.PATH}`, USER_DATA: join(root, "old"), OUTBOARD_RUNTIME_DIR: options.runtimeDir };
  const moved = () => execFileSync("sh", ["-eu", "-c", commands], { cwd: root, env, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  assert.equal(moved(), "logbook: reports.db and 2 keys were taken over\nstranger: left out, since no plugin of this id is installed; install it and do this again\n");
  assert.deepEqual(await outboard.call("ipc.invoke", { id: "logbook", channel: "found" }), { rows: 2, units: "imperial", refresh_interval: 30 });
  assert.match(moved(), /^logbook: no database and 2 keys were taken over\nlogbook: reports.db was there already and stays as it is\n/);
});

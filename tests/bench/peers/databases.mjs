//! Times the SQLite of JavaScript plugins: `node databases.mjs FOLDER ENGINE`, where ENGINE is `addon`, `node` or the folder of a
//! better-sqlite3. Prints how often each thing was done in a second of processor time. The settings are the same for all.

import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const [, , folder, engine] = process.argv;
const require = createRequire(import.meta.url);

function constructor() {
  if (engine !== "addon" && engine !== "node") return require(engine);
  process.env.OUTBOARD_SQLITE = engine;
  return require(fileURLToPath(new URL("../../../plugin-sdk/typescript/dist-runner/sqlite.cjs", import.meta.url))).BetterSqlite3;
}

/** How often `act` does its `count` things in a second of processor time. */
function rate(count, act) {
  const before = process.cpuUsage();
  act();
  const { user, system } = process.cpuUsage(before);
  return (count / (user + system)) * 1e6;
}

const ROWS = 100_000;
const SINGLE = 5_000;
const POINTS = 100_000;
const SCANS = 20;
const SCANNED = 10_000;

const place = mkdtempSync(join(folder, "databases-"));
const db = new (constructor())(join(place, "bench.db"));
db.pragma("journal_mode = WAL");
db.pragma("synchronous = NORMAL");
db.pragma("cache_size = -16000");
db.exec("CREATE TABLE flights (id INTEGER PRIMARY KEY, name TEXT, n INTEGER, rate REAL)");
const insert = db.prepare("INSERT INTO flights (name, n, rate) VALUES (?, ?, ?)");
const point = db.prepare("SELECT * FROM flights WHERE id = ?");
const scan = db.prepare(`SELECT * FROM flights LIMIT ${SCANNED}`);

const insertAll = db.transaction((count) => {
  for (let n = 0; n < count; n++) insert.run(`flight ${n}`, n, n / 3);
});
insertAll(1000); // so that everything is compiled and warm
for (let n = 1; n <= 1000; n++) point.get(n);
scan.all();

const transaction = rate(ROWS, () => insertAll(ROWS));
const single = rate(SINGLE, () => {
  for (let n = 0; n < SINGLE; n++) insert.run(`flight ${n}`, n, n / 3);
});
const points = rate(POINTS, () => {
  for (let n = 1; n <= POINTS; n++) point.get(n);
});
const scans = rate(SCANS, () => {
  for (let n = 0; n < SCANS; n++) scan.all();
});
db.close();
rmSync(place, { recursive: true });
console.log(JSON.stringify({ transaction, single, points, scans }));

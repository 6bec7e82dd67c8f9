//! JavaScript plugins under a real supervisor: what the original documentation's lifecycle says, bad modules, prints, and
//! the airline's sign-in shared by plugins.

import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { background } from "./modules.mjs";
import { Supervisor } from "./supervisor.mjs";

const module = (onStart, onStop = "") => ({ "background/index.js": `export default { async onStart(ctx) {\n${onStart}\n}, async onStop(ctx) { ${onStop} } };` });
const messages = async (supervisor, id) => (await supervisor.cli("logs", id, "-n", "200"));

test("configuration and databases survive a restart of the supervisor, and onStop runs at its shutdown", async (t) => {
  const counting = module(
    `await ctx.config.set("starts", (await ctx.config.get("starts", 0)) + 1);
     const db = ctx.database.open("x.db");
     db.exec("CREATE TABLE IF NOT EXISTS t (n)");
     db.prepare("INSERT INTO t VALUES (1)").run();
     ctx.logger.info("count", \`config \${await ctx.config.get("starts")} database \${db.prepare("SELECT count(*) FROM t").pluck().get()}\`);`,
    `ctx.logger.info("count", "stopped in good order");`,
  );
  const supervisor = await Supervisor.start(t, { counting });
  await supervisor.untilState("counting", "running");
  await supervisor.stop();
  await supervisor.up();
  await supervisor.untilState("counting", "running");
  const log = await messages(supervisor, "counting");
  for (const line of ["config 1 database 1", "stopped in good order", "config 2 database 2"]) assert.ok(log.includes(line), log);
});

test("each bad module ends in its state with file and line, and the others run", async (t) => {
  const file = (text) => ({ "background/index.js": text });
  const supervisor = await Supervisor.start(t, {
    good: module(""),
    "throws-in-start": module(`throw new Error("no fleet");`),
    "no-default": file("export const x = 1;"),
    "no-onstart": file(`import { createPlugin } from "@skyvexsoftware/stratos-sdk/helpers";\nexport default createPlugin({ onStop() {} });`),
    "syntax-error": file("export default {\n  onStart( { },\n};"),
    "throws-at-import": file(`\nthrow new Error("not today");`),
    "needs-electron": file(`import { app } from "electron";\nexport default { onStart() {}, onStop() {} };`),
  });
  await supervisor.untilState("good", "running");
  for (const [id, words] of Object.entries({
    "throws-in-start": /onStart threw Error: no fleet \(at .*background\/index\.js:2:7\)/,
    "no-default": /there is no default export.*background\/index\.js/,
    "no-onstart": /without onStart; onStart must be a function \(in .*background\/index\.js:2\)/,
    "syntax-error": /SyntaxError.*background\/index\.js:3/,
    "throws-at-import": /not today \(at .*background\/index\.js:2/,
    "needs-electron": /electron is not available to a plugin/,
  })) {
    const plugin = await supervisor.untilState(id, "errored");
    const why = JSON.stringify([plugin, await supervisor.json("why", id)]);
    assert.match(why.replaceAll("\\\\", "\\"), words, id);
  }
  assert.equal((await supervisor.plugin("good")).state, "running");
});

test("an unhandled rejection after the start is a crash that is restarted, with its stack in the report", async (t) => {
  const late = module(`ctx.ipc.handle("go", () => {\nsetImmediate(async () => { throw new Error("late trouble"); });\n});`);
  const supervisor = await Supervisor.start(t, { late });
  const { pid } = await supervisor.untilState("late", "running");
  await supervisor.cli("call", "late", "go").catch(() => {});
  await supervisor.until("it was restarted", async () => {
    const plugin = await supervisor.plugin("late");
    return plugin.state === "running" && plugin.pid !== pid;
  });
  const why = await supervisor.cli("--json", "why", "late");
  assert.match(why, /unhandled rejection/);
  assert.match(why, /Error: late trouble/);
  assert.match(why, /background\/index\.js:3:/);
});

test("an onStart that never resolves is ended by its deadline and told", async (t) => {
  const supervisor = await Supervisor.start(t, {});
  await supervisor.stop();
  writeFileSync(join(supervisor.root, "settings.toml"), `[plugins.endless.deadlines]\nstart = "1s"\n`);
  supervisor.install("endless", module(`await new Promise((resolve) => setInterval(() => {}, 1000));`));
  supervisor.settings = join(supervisor.root, "settings.toml");
  await supervisor.up();
  const why = await supervisor.until("an end is told", async () => (await supervisor.json("why", "endless")).history.length > 0 && supervisor.cli("--json", "why", "endless"));
  assert.match(why, /its start took longer than 1s/);
});

test("what a module and its children print shows up in its log, and the conversation goes on", async (t) => {
  const noisy = module(`
    const { execFileSync } = await import("node:child_process");
    const { writeSync } = await import("node:fs");
    console.log("from console.log");
    process.stdout.write('{"jsonrpc":"2.0","id":1,"result":"forged"}\\n');
    writeSync(1, "from descriptor one\\n");
    execFileSync("sh", ["-c", "echo from a child"], { stdio: "inherit" });
    console.error("from console.error");
    ctx.ipc.handle("alive", () => "yes");`);
  const supervisor = await Supervisor.start(t, { noisy });
  await supervisor.untilState("noisy", "running");
  assert.match(await supervisor.cli("call", "noisy", "alive"), /yes/);
  await supervisor.until("everything is in the log", async () => {
    const log = await messages(supervisor, "noisy");
    return ["from console.log", "forged", "from descriptor one", "from a child", "from console.error"].every((line) => log.includes(line));
  });
});

test("a second plugin that wants the same prefix is errored with both names", async (t) => {
  const source = await background(`
    export default { onStart(ctx) { ctx.server.registerRouter("/loadsheet", (req, res) => res.send(ctx.pluginId)); }, onStop() {} };`);
  const supervisor = await Supervisor.start(t, { first: { "background/index.js": source } });
  await supervisor.untilState("first", "running");
  supervisor.install("second", { "background/index.js": source });
  await supervisor.cli("rescan");
  const plugin = await supervisor.untilState("second", "errored");
  assert.match(JSON.stringify([plugin, await supervisor.json("why", "second")]), /\/loadsheet.*first|first.*\/loadsheet/);
  assert.equal(await (await fetch(`${supervisor.base}/loadsheet`)).text(), "first");
});

test("fifty requests of two plugins that meet an expired token cause one renewal; a refusal gives each its 401", async (t) => {
  const seen = { refreshes: 0, refused: 0, served: 0, willing: true };
  const airline = createServer(async (req, res) => {
    for await (const _ of req);
    const answer = (status, data) => res.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(data));
    if (req.url === "/refresh") {
      seen.refreshes++;
      return seen.willing ? answer(200, { token: "new", access_token: "new", refresh_token: "r2" }) : answer(401, {});
    }
    const good = req.headers.authorization === `Bearer ${seen.willing ? "new" : "newer"}`;
    good ? seen.served++ : seen.refused++;
    answer(good ? 200 : 401, {});
  }).listen(0, "127.0.0.1");
  await once(airline, "listening");
  t.after(() => airline.close());
  const origin = `http://127.0.0.1:${airline.address().port}`;
  const client = module(`
    const va = ctx.airline.createClient();
    ctx.ipc.handle("many", async (count) => {
      const outcomes = await Promise.all(Array.from({ length: count }, (_, i) => va.get("/x/" + i).then(({ status }) => status, (error) => error.response?.status ?? String(error))));
      return Object.fromEntries([...new Set(outcomes)].map((status) => [status, outcomes.filter((one) => one === status).length]));
    });`);
  const supervisor = await Supervisor.start(t, { one: client, two: client });
  for (const [name, text] of [["token", "old"], ["refresh", "r1"]]) writeFileSync(join(supervisor.root, name), text, { mode: 0o600 });
  await supervisor.cli("airline", "set", "va", origin, "--token-file", join(supervisor.root, "token"), "--refresh-token-file", join(supervisor.root, "refresh"), "--refresh-url", `${origin}/refresh`);
  for (const id of ["one", "two"]) await supervisor.untilState(id, "running");
  const many = async () => Promise.all(["one", "two"].map((id) => supervisor.json("call", id, "many", "25")));
  const first = await many();
  assert.match(JSON.stringify(first), /"200":25.*"200":25/);
  assert.equal(seen.refreshes, 1);
  assert.equal(seen.served, 50);
  assert.ok(seen.refused <= 50, `${seen.refused} first tries were refused`);
  seen.willing = false;
  const second = await many();
  assert.match(JSON.stringify(second), /"401":25.*"401":25/);
});

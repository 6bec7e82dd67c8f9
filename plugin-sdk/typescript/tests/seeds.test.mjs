//! The code blocks of the original shell's documentation for background modules, as they stand there, in a plugin folder and
//! run by the runner. Only the import of the original package is there; Express and the rest are the plugin's own, bundled
//! as its build does it.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import { test } from "node:test";
import { build } from "esbuild";
import { RunnerProcess, pluginsFolder, until } from "./scripted-host.mjs";

const BANNER = 'import { createRequire as __cr } from "node:module"; const require = __cr(import.meta.url);';

async function seed(t, source, options) {
  const built = await build({
    stdin: { contents: source, resolveDir: import.meta.dirname ?? "tests", loader: "ts" },
    bundle: true,
    write: false,
    platform: "node",
    format: "esm",
    external: ["@skyvexsoftware/*"],
    banner: { js: BANNER },
    logLevel: "error",
  });
  const folder = pluginsFolder(t);
  return RunnerProcess.spawn(t, folder, folder.write("my-plugin", { "background/index.js": built.outputFiles[0].text }), options);
}

/** A block that is the inside of onStart. */
const inOnStart = (block) => `
import { createPlugin } from "@skyvexsoftware/stratos-sdk/helpers";
export default createPlugin({
  async onStart(ctx) {
    ${block}
  },
  async onStop(ctx) {},
});`;

const messages = (runner) => runner.logs.map(({ level, tag, message }) => `${level} ${tag}: ${message}`);

test("the first module starts up and shuts down", async (t) => {
  const runner = await seed(t, `
import { createPlugin } from "@skyvexsoftware/stratos-sdk/helpers";

export default createPlugin({
  async onStart(ctx) {
    ctx.logger.info("MyPlugin", "Starting up...");
    // register routes, set up IPC handlers, initialise services
  },

  async onStop(ctx) {
    ctx.logger.info("MyPlugin", "Shutting down...");
    // clean up: close connections, cancel timers, flush data
  },

});`);
  await runner.start();
  await runner.stop();
  assert.deepEqual(messages(runner), ["info MyPlugin: Starting up...", "info MyPlugin: Shutting down..."]);
});

test("the logger's calls become records, errors with their stack", async (t) => {
  const runner = await seed(t, inOnStart(`
const error = new TypeError("offline"); const interval = 30;
ctx.logger.info("MyPlugin", "Server ready");
ctx.logger.warn("MyPlugin", "Retrying connection...");
ctx.logger.error("MyPlugin", "Failed to fetch fleet data", error);
ctx.logger.debug("MyPlugin", "Polling interval set", { interval });
const circle = { big: 10n }; circle.self = circle;
ctx.logger.info("MyPlugin", "strange things", circle);`));
  await runner.start();
  assert.deepEqual(messages(runner).slice(0, 4), [
    "info MyPlugin: Server ready",
    "warn MyPlugin: Retrying connection...",
    "error MyPlugin: Failed to fetch fleet data",
    "debug MyPlugin: Polling interval set",
  ]);
  const { extra } = runner.logs[2];
  assert.deepEqual([extra.name, extra.message], ["TypeError", "offline"]);
  assert.match(extra.stack, /index\.js/);
  assert.deepEqual(runner.logs[3].extra, { interval: 30 });
  assert.deepEqual(runner.logs[4].extra, { big: "10n", self: "[circular]" });
});

test("configuration is read with defaults, set, deleted and listed", async (t) => {
  const runner = await seed(t, inOnStart(`
const interval = await ctx.config.get<number>("refresh_interval", 30);
const links = await ctx.config.get<object[]>("quick_links", []);

await ctx.config.set("last_sync", Date.now());
await ctx.config.delete("stale_key");

const all = await ctx.config.getAll();
ctx.logger.info("t", "seen", { interval, links, all, declared: await ctx.config.get("declared", "caller's") });`), {
    state: { config: new Map([["stale_key", 1]]), defaults: new Map([["declared", "manifest's"]]) },
  });
  await runner.start();
  const { interval, links, all, declared } = runner.logs[0].extra;
  assert.deepEqual({ interval, links, declared }, { interval: 30, links: [], declared: "manifest's" });
  assert.deepEqual(Object.keys(all).sort(), ["declared", "last_sync"]);
  assert.equal(typeof all.last_sync, "number");
});

test("a change of configuration is told to who listens", async (t) => {
  const runner = await seed(t, inOnStart(`ctx.config.onChange((key, value) => ctx.logger.info("changed", key, value ?? null));`));
  await runner.start();
  runner.host.setConfig("k", { deep: [1] });
  await until("the plugin was told", () => runner.logs.length === 1);
  assert.deepEqual([runner.logs[0].message, runner.logs[0].extra], ["k", { deep: [1] }]);
});

test("IPC calls are answered and events are sent under their leaf names", async (t) => {
  const runner = await seed(t, inOnStart(`
// Handle requests from the renderer
ctx.ipc.handle("get-status", async () => {
  return { online: true, pilots: 42 };
});

// Push data to the renderer unprompted
ctx.ipc.send("new-flight-available", { flightId: "VA123" });
ctx.ipc.handle("rich", (a, b) => new Map([[a, b]]));
ctx.ipc.handle("bad", () => ({ deep: [{ fn() {} }] }));
ctx.ipc.handle("throws", () => { throw new RangeError("too far"); });`));
  await runner.start();
  assert.deepEqual([...runner.state.channels].slice(0, 1), ["get-status"]);
  assert.deepEqual(await runner.peer.request("ipc.invoke", { channel: "get-status", args: [] }), { online: true, pilots: 42 });
  assert.deepEqual(runner.events, [{ channel: "new-flight-available", payload: { flightId: "VA123" } }]);
  const date = { $outboard: "date", value: "2024-01-02T03:04:05.000Z" };
  assert.deepEqual(await runner.peer.request("ipc.invoke", { channel: "rich", args: ["k", date] }), { $outboard: "map", value: [["k", date]] });
  await assert.rejects(runner.peer.request("ipc.invoke", { channel: "bad" }), /result\.deep\[0\]\.fn is a function, which cannot be sent/);
  await assert.rejects(runner.peer.request("ipc.invoke", { channel: "throws" }), (error) => error.message === "too far" && error.data.name === "RangeError");
  await assert.rejects(runner.peer.request("ipc.invoke", { channel: "absent" }), { reason: "not_found" });
});

test("a full channel name is refused with a hint", async (t) => {
  const runner = await seed(t, inOnStart(`ctx.ipc.send("plugin:my-plugin:status-update", {});`));
  await runner.initialize();
  await assert.rejects(runner.peer.request("start"), /give the leaf name alone \("status-update"\)/);
});

test("the sign-in can be read", async (t) => {
  const runner = await seed(t, inOnStart(`
const isAuth = await ctx.auth.isAuthenticated();
const token = await ctx.auth.getToken(); // string | null
ctx.logger.info("t", "auth", [isAuth, token?.length ?? null]);`), { state: { token: "secret" } });
  await runner.start();
  assert.deepEqual(runner.logs[0].extra, [true, 6]);
});

test("the airline's snapshot and client work as described", async (t) => {
  const seen = [];
  const server = createServer((req, res) => {
    seen.push(`${req.method} ${req.url} ${req.headers.authorization}`);
    res.setHeader("content-type", "application/json").end(JSON.stringify({ pilotID: "P42" }));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const baseUrl = `http://127.0.0.1:${server.address().port}`;
  const runner = await seed(t, `
import { createPlugin } from "@skyvexsoftware/stratos-sdk/helpers";

export default createPlugin({
  async onStart(ctx) {
    const airline = await ctx.airline.getCurrent();
    ctx.logger.info("MyPlugin", \`Bound to \${airline.id} at \${airline.baseUrl}\`);
    const va = ctx.airline.createClient();

    // Same axios API plugins use in the renderer via useVaApi():
    const { data } = await va.get<{ pilotID: string }>("/pilot/verify");
    ctx.logger.info("MyPlugin", \`Verified \${data.pilotID}\`);

    await va.post("/pireps", {
      flight_number: "QFA1",
      arrival: "EGLL",
    });
  },

  async onStop() {
    // axios instances don't need explicit teardown
  },
});`, { state: { airline: { id: "va", baseUrl, token: "bearer-1" } } });
  await runner.start();
  assert.deepEqual(messages(runner), [`info MyPlugin: Bound to va at ${baseUrl}`, "info MyPlugin: Verified P42"]);
  assert.deepEqual(seen, ["GET /pilot/verify Bearer bearer-1", "POST /pireps Bearer bearer-1"]);
});

test("the landing reports go into a database with nothing installed", async (t) => {
  const runner = await seed(t, inOnStart(`
const db = ctx.database.open("landing-reports.db");

db.exec(\`
  CREATE TABLE IF NOT EXISTS reports (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    flight_id TEXT NOT NULL,
    landing_rate REAL,
    created_at TEXT DEFAULT (datetime('now'))
  )
\`);

const insert = db.prepare(
  "INSERT INTO reports (flight_id, landing_rate) VALUES (?, ?)"
);
insert.run("VA123", -180.5);

const rows = db.prepare("SELECT * FROM reports").all();
ctx.logger.info("DB", \`Found \${rows.length} landing reports\`);`));
  await runner.start();
  assert.deepEqual(messages(runner), ["info DB: Found 1 landing reports"]);
});

test("an older module registers a router outside createPlugin", async (t) => {
  const runner = await seed(t, `
import { Router } from "express";

const router = Router();

router.get("/status", (req, res) => {
  res.json({ ok: true });
});

export async function onStart(ctx) {
  ctx.server.registerRouter("/api/my-plugin", router);
}`);
  await runner.start();
  assert.deepEqual((await runner.http("/api/my-plugin/status")).json(), { ok: true });
});

test("the fleet is fetched from outside and offered locally, its failure too", async (t) => {
  const source = `
import { createPlugin } from "@skyvexsoftware/stratos-sdk/helpers";
import { Router } from "express";

const router = Router();

router.get("/fleet", async (req, res) => {
  try {
    const response = await fetch("https://api.my-va.com/fleet");
    const data = await response.json();
    res.json({ success: true, data });
  } catch (err) {
    res.status(500).json({ success: false, error: "Failed to fetch fleet" });
  }
});

export default createPlugin({
  async onStart(ctx) {
    ctx.server.registerRouter("/api/my-plugin", router);
    ctx.logger.info("MyPlugin", "Routes registered");
  },

  async onStop(ctx) {
    ctx.logger.info("MyPlugin", "Stopping...");
  },
});`;
  // The block's address is a real name; the test answers for it inside the process, so that nothing leaves the machine.
  const stub = (answer) => `globalThis.fetch = async (url) => { if (url !== "https://api.my-va.com/fleet") throw new Error(url); ${answer} };\n`;
  const online = await seed(t, stub(`return new Response('[{"id":"1","name":"A320"}]');`) + source);
  await online.start();
  const answer = await online.http("/api/my-plugin/fleet");
  assert.deepEqual([answer.status, answer.json()], [200, { success: true, data: [{ id: "1", name: "A320" }] }]);
  await online.stop();
  assert.deepEqual(messages(online), ["info MyPlugin: Routes registered", "info MyPlugin: Stopping..."]);

  const offline = await seed(t, stub(`throw new Error("offline");`) + source);
  await offline.start();
  assert.deepEqual((await offline.http("/api/my-plugin/fleet")).json(), { success: false, error: "Failed to fetch fleet" });
});

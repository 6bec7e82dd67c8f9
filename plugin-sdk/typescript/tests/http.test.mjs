//! Routers in the runner: Express 4 and 5, foreign copies, query, errors, async handlers, streams.

import assert from "node:assert/strict";
import { test } from "node:test";
import { build } from "esbuild";
import { RunnerProcess, pluginsFolder, until } from "./scripted-host.mjs";

/** A plugin bundled with its own Express, as Vite does it for plugins of this ecosystem. */
async function bundled(express, body) {
  const contents = `import express, { Router } from ${JSON.stringify(express)};\nimport { createPlugin } from "@skyvexsoftware/stratos-sdk/helpers";\n${body}`;
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: import.meta.dirname ?? "." },
    bundle: true,
    write: false,
    platform: "node",
    format: "esm",
    minifySyntax: true,
    external: ["@skyvexsoftware/*"],
    banner: { js: 'import { createRequire as __cr } from "node:module"; const require = __cr(import.meta.url);' },
    logLevel: "error",
  });
  return outputFiles[0].text;
}

const ROUTES = `
const router = Router();
router.use(express.json({ limit: "16kb" }));
router.get("/query", (req, res) => { res.json({ query: req.query, base: req.baseUrl, url: req.originalUrl, ip: typeof req.ip }); });
router.post("/echo", (req, res) => { res.status(201).json(req.body); });
router.get("/params/:id", (req, res) => { res.set("Cache-Control", "no-store").send(req.params.id); });
router.get("/throws", () => { throw new Error("thrown in a handler"); });
router.get("/rejects", async () => { throw new Error("rejected in a handler"); });
router.get("/nested", async (req, res, next) => { await null; next(); }, async () => { throw new Error("rejected behind another"); });
router.get("/stream", (req, res) => { res.write("one"); setImmediate(() => { res.write("two"); res.end("three"); }); });
router.get("/redirect", (req, res) => { res.redirect("elsewhere"); });
const plugin = createPlugin({ onStart(ctx) { ctx.server.registerRouter("/api/my-plugin", router); }, onStop() {} });
export default plugin;
`;

for (const [name, express] of [["Express 4", "express4"], ["Express 5", "express"]]) {
  test(`a router of a bundled ${name} answers as it would in its own application`, async (t) => {
    const folder = pluginsFolder(t);
    const entry = folder.write("my-plugin", { "background/index.js": await bundled(express, ROUTES) });
    const runner = await RunnerProcess.spawn(t, folder, entry);
    await runner.start();
    assert.deepEqual([...runner.state.prefixes], ["/api/my-plugin"]);

    const query = await runner.http("/api/my-plugin/query?a=1&b[c]=2&b[d]=3");
    assert.deepEqual(query.json(), { query: { a: "1", b: { c: "2", d: "3" } }, base: "/api/my-plugin", url: "/api/my-plugin/query?a=1&b[c]=2&b[d]=3", ip: query.json().ip });
    const echo = await runner.http("/api/my-plugin/echo", { method: "POST", headers: { "content-type": "application/json" }, body: '{"x":[1,2]}' });
    assert.deepEqual([echo.status, echo.json()], [201, { x: [1, 2] }]);
    const params = await runner.http("/api/my-plugin/params/a%20b");
    assert.deepEqual([params.text, params.headers["cache-control"]], ["a b", "no-store"]);
    assert.equal((await runner.http("/api/my-plugin/stream")).text, "onetwothree");
    assert.equal((await runner.http("/api/my-plugin/redirect")).headers.location, "elsewhere");
    assert.equal((await runner.http("/api/my-plugin/absent")).status, 404);

    for (const path of ["throws", "rejects", "nested"]) {
      const failed = await runner.http(`/api/my-plugin/${path}`);
      assert.deepEqual([failed.status, failed.json()], [500, { error: "Internal Server Error" }], path);
    }
    await until("the failures were logged", () => runner.logs.filter(({ tag }) => tag === "http").length === 3);
    assert.match(runner.logs[1].message, /GET \/api\/my-plugin\/rejects: rejected in a handler/);
    assert.match(runner.logs[1].extra.stack, /background\/index\.js/);
    const tooLarge = await runner.http("/api/my-plugin/echo", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify("x".repeat(20_000)) });
    assert.equal(tooLarge.status, 413);
    assert.equal(runner.child.exitCode, null);
    assert.deepEqual(await runner.stop(), { code: 0, signal: null });
  });
}

async function plugin(t, source, options) {
  const folder = pluginsFolder(t);
  const runner = await RunnerProcess.spawn(t, folder, folder.write("my-plugin", { "background/index.js": source }), options);
  return runner;
}

test("a plain function and another prefix can be registered, a trailing slash is forgiven", async (t) => {
  const runner = await plugin(t, `export default { onStart(ctx) { ctx.server.registerRouter("/loadsheet/", (req, res) => res.json({ path: req.path })); }, onStop() {} };`);
  await runner.start();
  assert.deepEqual([...runner.state.prefixes], ["/loadsheet"]);
  assert.deepEqual((await runner.http("/loadsheet/x/y")).json(), { path: "/x/y" });
});

test("a router that is registered after the start answers too", async (t) => {
  const runner = await plugin(t, `export default { onStart(ctx) { ctx.ipc.handle("go", () => { ctx.server.registerRouter("/api/my-plugin", (req, res) => res.send("late")); }); }, onStop() {} };`);
  await runner.start();
  await runner.peer.request("ipc.invoke", { channel: "go" });
  assert.equal((await runner.http("/api/my-plugin")).text, "late");
});

test("a prefix that another plugin owns refuses the start, with the host's words", async (t) => {
  const runner = await plugin(t, `export default { onStart(ctx) { ctx.server.registerRouter("/loadsheet", (req, res) => res.end()); }, onStop() {} };`);
  runner.answer = (method) => {
    if (method === "server.register") throw Object.assign(new Error('"/loadsheet" belongs to plugin "other"'), {});
  };
  await runner.initialize();
  await assert.rejects(runner.peer.request("start"), /server\.registerRouter\("\/loadsheet"\): "\/loadsheet" belongs to plugin "other"/);
});

test("a prefix that is not a path and a router that is none are refused where they are registered", async (t) => {
  for (const [call, message] of [
    [`registerRouter("api/x", () => {})`, /route prefix "api\/x": begin with '\/'/],
    [`registerRouter("/api/my-plugin", { get: 1 })`, /must be an Express router or a request handler/],
  ]) {
    const runner = await plugin(t, `export default { onStart(ctx) {\n  ctx.server.${call};\n}, onStop() {} };`);
    await runner.initialize();
    await assert.rejects(runner.peer.request("start"), (error) => message.test(error.message) && /index\.js:2:14/.test(error.message));
  }
});

test("requests in flight when the plugin stops are answered", async (t) => {
  const runner = await plugin(t, `let go; export default { onStart(ctx) {
    ctx.server.registerRouter("/api/my-plugin", (req, res) => { ctx.ipc.send("here"); go = () => res.end("done"); });
  }, async onStop() { go(); } };`);
  await runner.start();
  const answer = runner.http("/api/my-plugin");
  await until("the request arrived", () => runner.events.length === 1);
  await runner.peer.request("stop", { reason: "restart" });
  assert.equal((await answer).text, "done");
});

//! The runner as a process: how it loads modules, what reaches the wire, how it ends.

import assert from "node:assert/strict";
import { test } from "node:test";
import { RunnerProcess, pluginsFolder, until } from "./scripted-host.mjs";

const SDK = "@skyvexsoftware/stratos-sdk";
const HELPERS = `import { createPlugin } from "${SDK}/helpers";\n`;

async function run(t, source, { id, files = {}, entry, generated, ...options } = {}) {
  const folder = pluginsFolder(t, { generated });
  const path = folder.write(id ?? "my-plugin", { [entry ?? "background/index.js"]: source, ...files }, entry);
  return RunnerProcess.spawn(t, folder, path, { id, ...options });
}

test("a module with a default export starts, answers pings and stops", async (t) => {
  const runner = await run(t, `${HELPERS}export default createPlugin({ async onStart(ctx) { ctx.logger.info("Main", "up"); }, async onStop(ctx) { ctx.logger.info("Main", "down"); } });`);
  assert.deepEqual((await runner.initialize()).hooks, ["onStart", "onStop"]);
  await runner.peer.request("start");
  assert.deepEqual(await runner.peer.request("ping"), {});
  assert.deepEqual(await runner.stop(), { code: 0, signal: null });
  assert.deepEqual(runner.logs.map(({ tag, message }) => [tag, message]), [["Main", "up"], ["Main", "down"]]);
  assert.equal(runner.stderr, "");
});

test("a second handshake and a second start are refused, and the first ones hold", async (t) => {
  const runner = await run(t, `export default { onStart(ctx) { ctx.logger.info("Main", "up"); }, onStop() {} };`);
  await runner.start();
  await assert.rejects(runner.initialize(), { reason: "conflict" });
  await assert.rejects(runner.peer.request("start"), { reason: "conflict" });
  assert.deepEqual(await runner.stop(), { code: 0, signal: null });
  assert.equal(runner.logs.length, 1);
});

test("a host that speaks no version of this SDK's is told which ones it speaks", async (t) => {
  const runner = await run(t, `export default { onStart() {}, onStop() {} };`);
  await assert.rejects(runner.peer.request("initialize", { protocolVersions: [2, 3] }), (error) => {
    assert.deepEqual([error.code, error.data.protocolVersions], [-32009, [1]]);
    return true;
  });
});

test("a module may use require and module.exports", async (t) => {
  const runner = await run(t, `const { createPlugin } = require("${SDK}/helpers");\nmodule.exports = createPlugin({ onStart(ctx) { ctx.logger.info("cjs", __filename); }, onStop() {} });`);
  await runner.start();
  await until("the record came", () => runner.logs.length === 1);
  assert.match(runner.logs[0].message, /background\/index\.js$/);
});

test("a module may be what a bundler makes of a default export in CommonJS", async (t) => {
  const runner = await run(t, `Object.defineProperty(exports, "__esModule", { value: true });\nexports.default = { onStart(ctx) { ctx.logger.info("t", "transpiled"); }, onStop() {} };`);
  await runner.start();
  await until("the record came", () => runner.logs.some(({ message }) => message === "transpiled"));
});

test("the older named exports work, with one hint", async (t) => {
  const runner = await run(t, `export async function onStart(ctx) { ctx.logger.info("n", "named"); }\nexport async function onStop() {}`);
  await runner.start();
  await until("both records came", () => runner.logs.length === 2);
  assert.deepEqual(runner.logs.map(({ level }) => level), ["warn", "info"]);
  assert.match(runner.logs[0].message, /named exports .* older form/);
});

test("the bare package, the types entry and socket.io-client resolve from both kinds of module", async (t) => {
  const runner = await run(t, `
    import { createPlugin, STRATOS_APP_BASE } from "${SDK}";
    import "${SDK}/types";
    import { io } from "socket.io-client";
    import { createRequire } from "node:module";
    const require = createRequire(import.meta.url);
    export default createPlugin({ onStart(ctx) {
      ctx.logger.info("r", [STRATOS_APP_BASE, typeof io, typeof require("socket.io-client").io, typeof require("${SDK}").createPlugin].join(" "));
    }, onStop() {} });`);
  await runner.start();
  await until("the record came", () => runner.logs.length === 1);
  assert.equal(runner.logs[0].message, "http://127.0.0.1:2066 function function function");
});

for (const kind of ["import", "require"]) {
  test(`the package resolves by ${kind} where no generated folder stands above the plugin`, async (t) => {
    const get = kind === "import" ? HELPERS : `const { createPlugin } = require("${SDK}/helpers");\n`;
    const put = kind === "import" ? "export default" : "module.exports =";
    const runner = await run(t, `${get}${put} createPlugin({ onStart(ctx) { ctx.logger.info("h", "hooked"); }, onStop() {} });`, { generated: false });
    await runner.start();
    await until("the record came", () => runner.logs.some(({ message }) => message === "hooked"));
  });
}

test("a TypeScript entry runs, with imports as bundlers resolve them", async (t) => {
  const runner = await run(
    t,
    `import { createPlugin, type PluginContext } from "${SDK}/helpers";
     import { greet } from "./greet";
     import { Level } from "./level.js";
     export default createPlugin({ async onStart(ctx: PluginContext): Promise<void> { ctx.logger.info("ts", greet<string>("x", Level.High)); }, async onStop() {} });`,
    {
      entry: "background/index.ts",
      files: {
        "background/greet.ts": `export function greet<T>(who: T, level: number): string { return \`hello \${who as unknown as string} \${level}\`; }`,
        "background/level.ts": `export const Level = { High: 3 } as const;\nexport interface Unused { a: number }`,
      },
    },
  );
  await runner.start();
  await until("the record came", () => runner.logs.length === 1);
  assert.equal(runner.logs[0].message, "hello x 3");
});

test("what a plugin and its children print never reaches the wire", async (t) => {
  const runner = await run(t, `
    import { writeSync } from "node:fs";
    import { execFileSync } from "node:child_process";
    export default { async onStart(ctx) {
      console.log("from console");
      process.stdout.write('{"jsonrpc":"2.0","id":1,"result":{}}\\n');
      writeSync(1, "from writeSync\\n");
      execFileSync("sh", ["-c", "echo from a child; echo to its stderr >&2"], { stdio: "inherit" });
      console.error("from console.error");
    }, onStop() {} };`);
  await runner.start();
  await until("everything was printed", () => runner.stdout.includes("from a child") && runner.stderr.includes("from console.error"));
  assert.deepEqual(runner.noise, []);
  assert.match(runner.stdout, /from console\n\{"jsonrpc".*\nfrom writeSync\nfrom a child\n/);
  assert.match(runner.stderr, /to its stderr/);
});

test("onResume runs in place of onStart after an update", async (t) => {
  const runner = await run(t, `export default { onStart() { throw new Error("not this one"); }, onStop() {}, onResume(ctx, { fromVersion }) { ctx.logger.info("r", fromVersion); } };`);
  assert.deepEqual((await runner.initialize()).hooks, ["onStart", "onStop", "onResume"]);
  await runner.peer.request("resume", { fromVersion: "0.9.0" });
  await until("the record came", () => runner.logs.length === 1);
  assert.equal(runner.logs[0].message, "0.9.0");
});

const REFUSALS = [
  ["there is no default export", `export const nothing = 1;`, /^plugin "my-plugin": there is no default export; .*\(in .*background\/index\.js\)$/],
  ["nothing is exported", `console.log(1);`, /no default export/],
  ["onStart is missing", `${HELPERS}\nexport default createPlugin({ onStop() {} });`, /plugin "my-plugin": createPlugin was given an object without onStart; onStart must be a function \(in .*background\/index\.js:3\)/],
  ["onStop is not a function", `${HELPERS}export default createPlugin({ onStart() {}, onStop: "later" });`, /onStop is a string; onStop must be a function \(in .*index\.js:2\)/],
  ["the default export is a function", `export default () => {};`, /the default export is a function, and must be an object/],
  ["there is a syntax error", `export default {\n  onStart() { let = = 2; },\n};`, /index\.js cannot be loaded: SyntaxError: Unexpected strict mode reserved word.*background\/index\.js:2\)/],
  ["it throws at import", `const a = 1;\nthrow new Error("no luck");\nexport default {};`, /cannot be loaded: Error: no luck \(at .*background\/index\.js:2:7\)/],
  ["it imports what is not there", `import "left-pad";\nexport default {};`, /Cannot find package 'left-pad' imported from .*background\/index\.js/],
  ["onStart throws", `export default {\n  async onStart() {\n    throw new TypeError("fleet is empty");\n  },\n  onStop() {} };`, /^onStart threw TypeError: fleet is empty \(at .*background\/index\.js:3:11\)$/],
  ["it imports electron", `import { app, BrowserWindow } from "electron";\nexport default { onStart() { app.quit(); }, onStop() {} };`, /electron is not available to a plugin/],
  ["it requires electron", `const { ipcMain } = require("electron");\nmodule.exports = { onStart() {}, onStop() {} };`, /electron is not available to a plugin/],
];

REFUSALS.push(
  ["onStart counts on a part of ctx that this host lacks", `export default {\n  onStart(ctx) {\n    ctx.teleport.onUpdate(() => {});\n  },\n  onStop() {} };`, /^this host has no ctx\.teleport; onStart threw TypeError: Cannot read properties of undefined \(reading 'onUpdate'\) \(at .*background\/index\.js:3:18\)$/],
  ["what onStart throws has such an error behind it", `export default { onStart({ teleport }) { try { teleport.go(); } catch (error) { throw new Error("no luck", { cause: error }); } }, onStop() {} };`, /^this host has no ctx\.teleport; onStart threw Error: no luck/],
  ["one of two that are absent is called", `export default { onStart(ctx) { ctx.gate?.open(); ctx.teleport(); }, onStop() {} };`, /^this host has no ctx\.teleport; onStart threw TypeError: ctx\.teleport is not a function/],
  ["two are absent and nothing says which it was", `export default { onStart({ gate, teleport }) { gate.open(); }, onStop() {} };`, /^this host has no ctx\.gate and no ctx\.teleport; onStart threw TypeError/],
  ["what is absent was only asked for", `export default { onStart(ctx) { ctx.teleport?.go(); throw new Error("fleet is empty"); }, onStop() {} };`, /^onStart threw Error: fleet is empty/],
  ["it imports of the SDK what this host's has not", `import { useTeleport } from "${SDK}/helpers";\nexport default { onStart() { useTeleport(); }, onStop() {} };`, /^this host's @skyvexsoftware\/stratos-sdk\/helpers has no useTeleport; .*index\.js cannot be loaded: SyntaxError/],
);

/** What Node says of an addon that was built for another one. */
const OTHER_NODE = "The module '/x/y.node'\\nwas compiled against a different Node.js version using\\nNODE_MODULE_VERSION 9. This version of Node.js requires\\nNODE_MODULE_VERSION 115. Please try re-compiling or re-installing\\nthe module.";
const REBUILD = /^a native addon was built for another Node \(interface 9\) than the one that runs plugins \(Node v[\d.]+, interface 115\): run `npm rebuild` in the plugin's folder, or name the Node that it was built for in the setting javascript\.node; /;
REFUSALS.push(
  ["an addon that it imports was built for another Node", `throw new Error("${OTHER_NODE}");`, REBUILD],
  ["an addon that onStart loads was built for another Node", `export default { onStart() { throw new Error("no database", { cause: new Error("${OTHER_NODE}") }); }, onStop() {} };`, REBUILD],
);

for (const [what, source, message] of REFUSALS) {
  test(`start is refused with file and reason where ${what}`, async (t) => {
    const runner = await run(t, source);
    await runner.initialize();
    await assert.rejects(runner.peer.request("start"), (error) => {
      assert.match(error.message, message);
      assert.equal(error.reason, "internal_error");
      return true;
    });
    assert.equal(runner.child.exitCode, null, "a refusal is an answer, not a crash");
  });
}

for (const [what, code, line] of [
  ["an unhandled rejection", `setImmediate(async () => { throw new Error("late trouble"); });`, "unhandled rejection"],
  ["an uncaught exception", `setImmediate(() => { throw new Error("late trouble"); });`, "uncaught exception"],
]) {
  test(`${what} after the start is a crash whose report has the stack`, async (t) => {
    const runner = await run(t, `export default { onStart(ctx) {\n  ctx.ipc.handle("go", () => {\n    ${code}\n  });\n}, onStop() {} };`);
    await runner.start();
    await runner.peer.request("ipc.invoke", { channel: "go", args: [] }).catch(() => {});
    assert.deepEqual(await runner.exited, { code: 1, signal: null });
    assert.match(runner.stderr, new RegExp(`plugin "my-plugin" crashed: ${line}\\nError: late trouble\\n.*background/index\\.js:3:`));
  });
}

test("a part of ctx that this host lacks is undefined, and its first reading is logged once", async (t) => {
  const runner = await run(t, `export default { async onStart(ctx) {
    const found = [ctx.teleport?.go(), ctx.teleport, "teleport" in ctx, ctx.loger, await ctx, JSON.stringify(ctx).length > 2, String(ctx[Symbol.iterator]), ctx.toString()];
    ctx.mine = 1;
    ctx.logger.info("found", JSON.stringify([found[0] ?? null, found[1] ?? null, found[2], ctx.mine]));
  }, onStop() {} };`);
  await runner.start();
  await until("the records came", () => runner.logs.some(({ tag }) => tag === "found"));
  const told = runner.logs.filter(({ tag }) => tag === "outboard").map(({ message }) => message);
  assert.equal(told.length, 2, told.join("\n"));
  assert.match(told[0], /^this host has no ctx\.teleport: reading it gives undefined, and ctx\.teleport\?\.… does without it; ctx has pluginId, logger, /);
  assert.match(told[1], /^this host has no ctx\.loger: .*; did you mean ctx\.logger\?$/);
  assert.equal(runner.logs.find(({ tag }) => tag === "found").message, "[null,null,false,1]");
});

test("a crash because of a part of ctx that this host lacks says so before anything else", async (t) => {
  const runner = await run(t, `export default { onStart(ctx) { setImmediate(() => ctx.teleport.go()); }, onStop() {} };`);
  await runner.start();
  assert.equal((await runner.exited).code, 1);
  assert.match(runner.stderr, /^plugin "my-plugin" crashed: this host has no ctx\.teleport; uncaught exception\nTypeError: Cannot read properties of undefined \(reading 'go'\)/);
  assert.ok(runner.logs.some(({ tag, message }) => tag === "crash" && message.startsWith("this host has no ctx.teleport; uncaught exception: ")));
});

test("a crash's stack is mapped to the sources", async (t) => {
  const { build } = await import("esbuild");
  const source = `interface A { a: number }\nconst fail = (): never => {\n  throw new Error("mapped");\n};\nexport default { onStart() { setImmediate(fail); }, onStop() {} };\n`;
  const { outputFiles } = await build({ stdin: { contents: source, sourcefile: "src/background/index.ts", loader: "ts" }, sourcemap: "inline", minify: true, format: "esm", write: false });
  const runner = await run(t, outputFiles[0].text);
  await runner.start();
  assert.equal((await runner.exited).code, 1);
  assert.match(runner.stderr, /src\/background\/index\.ts:3:9/);
});

test("the end of the wire ends the process, onStop included", async (t) => {
  const runner = await run(t, `import { writeSync } from "node:fs";\nexport default { onStart() { setInterval(() => {}, 1000); }, onStop() { writeSync(1, "cleaned up"); } };`);
  await runner.start();
  runner.child.stdio[4].destroy();
  assert.deepEqual(await runner.exited, { code: 0, signal: null });
  assert.equal(runner.stdout, "cleaned up");
});

test("timers and sockets that a plugin leaves behind do not keep it alive after stop", async (t) => {
  const runner = await run(t, `import { createServer } from "node:net";\nexport default { onStart() { setInterval(() => {}, 1000); createServer().listen(0); }, onStop() {} };`);
  await runner.start();
  assert.deepEqual(await runner.stop(), { code: 0, signal: null });
});

test("onStop that throws is an error answer, and the process ends nevertheless", async (t) => {
  const runner = await run(t, `export default { onStart() {}, onStop() { throw new Error("cannot let go"); } };`);
  await runner.start();
  await assert.rejects(runner.peer.request("stop", { reason: "shutdown" }), /onStop threw Error: cannot let go/);
  assert.deepEqual(await runner.exited, { code: 0, signal: null });
});

test("started by hand it says what it is", async (t) => {
  const runner = await run(t, `export default {};`, { env: { OUTBOARD_RPC_FDS: "" } });
  assert.equal((await runner.exited).code, 0);
  assert.match(runner.stdout, /^This is Outboard's JavaScript runner; `outboard run` starts it\./);
});

test("bytes that are not messages are told and change nothing", async (t) => {
  const runner = await run(t, `export default { onStart() {}, onStop() {} };`);
  await runner.start();
  runner.child.stdio[4].write(`not json\n[1,2]\n\r\n{"jsonrpc":"2.0","id":99,"result":1}\n{"jsonrpc":"2.0","id":7,"method":"no.such"}\n`);
  assert.deepEqual(await runner.peer.request("ping"), {});
  await until("the host was told", () => runner.stderr.includes("a line of 8 characters that is not a message"));
  assert.ok(!runner.stderr.includes("not json"), "what a host sends may hold a secret");
});

test("a handler sees through its signal that its call was withdrawn, and is answered for at once", async (t) => {
  const runner = await run(t, `
    import { setTimeout as sleep } from "node:timers/promises";
    export default { onStart(ctx) {
      ctx.ipc.handle("seen", async (...args) => {
        await null; // the signal is still that of this call, and the arguments are those of the caller alone
        ctx.logger.info("seen", "begun " + args.length);
        try {
          await sleep(600_000, undefined, { signal: ctx.ipc.signal });
        } catch (error) {
          ctx.logger.info("seen", error.name + ", since " + ctx.ipc.signal.reason.message);
          throw error;
        }
      });
      ctx.ipc.handle("unseen", async () => { ctx.logger.info("unseen", "begun"); await sleep(600_000); });
      ctx.ipc.handle("other", () => ctx.ipc.signal.aborted);
      ctx.logger.info("outside", String(ctx.ipc.signal.aborted));
    }, onStop() {} };`);
  await runner.start();
  const input = runner.child.stdio[4];
  const said = (tag) => runner.logs.filter((log) => log.tag === tag).map(({ message }) => message);
  for (const channel of ["seen", "unseen"]) {
    const call = assert.rejects(runner.peer.request("ipc.invoke", { channel, args: [1, 2] }), { code: -32800, reason: "cancelled" });
    await until("the handler has begun", () => said(channel).length > 0);
    const id = runner.lastId();
    input.write(`${JSON.stringify({ jsonrpc: "2.0", method: "$/cancelRequest", params: { id } })}\n`);
    await call;
  }
  await until("the handler has ended", () => said("seen").length === 2);
  assert.deepEqual(said("seen"), ["begun 2", "AbortError, since the caller withdrew the call"]);
  assert.equal(await runner.peer.request("ipc.invoke", { channel: "other" }), false);
  assert.deepEqual(said("outside"), ["false"]);
  assert.deepEqual(await runner.stop(), { code: 0, signal: null });
  assert.equal(runner.stderr, "", "what the handler threw afterwards is nobody's");
});

test("a frame over the limit is refused at the call that made it", async (t) => {
  const runner = await run(t, `export default { onStart(ctx) { ctx.ipc.handle("big", async () => {
    const outcome = await ctx.config.set("k", "x".repeat(9 * 1024 * 1024)).catch((error) => error.reason);
    return [outcome, await ctx.config.get("k", "none")];
  }); }, onStop() {} };`);
  await runner.start();
  assert.deepEqual(await runner.peer.request("ipc.invoke", { channel: "big" }), ["limit_exceeded", "none"]);
});

test("a host that writes before it reads is read and gets one answer to each call", async (t) => {
  const runner = await run(t, `export default { onStart(ctx) { ctx.ipc.handle("echo", (text) => text); }, onStop() {} };`);
  await runner.start();
  const [, , , , down, up] = runner.child.stdio;
  up.pause();
  const large = "x".repeat(1024 * 1024);
  const answers = Promise.allSettled(Array.from({ length: 40 }, () => runner.peer.request("ipc.invoke", { channel: "echo", args: [large] })));
  await until("all of them were read", () => down.writableLength === 0);
  up.resume();
  const refused = (await answers).filter(({ value }) => value !== large).map(({ reason }) => reason.reason);
  assert.deepEqual(new Set(refused), new Set(["limit_exceeded"]), "what it cannot queue, it refuses");
});

test("log records are dropped with a count when the host does not read, and calls are not", async (t) => {
  const runner = await run(t, `export default { onStart(ctx) { ctx.ipc.handle("flood", async () => {
    for (let i = 0; i < 3000; i++) ctx.logger.info("flood", "x".repeat(10_000));
    return ctx.config.get("k", "answered");
  }); }, onStop() {} };`);
  await runner.start();
  runner.child.stdio[5].pause();
  const answer = runner.peer.request("ipc.invoke", { channel: "flood" });
  setImmediate(() => runner.child.stdio[5].resume());
  assert.equal(await answer, "answered");
  const told = await until("the count came", () => runner.logs.find(({ message }) => /were dropped/.test(message)));
  const dropped = Number(told.message.match(/^\d+/)[0]);
  assert.equal(runner.logs.filter(({ tag }) => tag === "flood").length + dropped, 3000);
});

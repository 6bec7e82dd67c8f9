//! The kit against the real supervisor: started, asked, followed, killed, and stopped.

import assert from "node:assert/strict";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { startOutboard } from "../dist/index.js";
import { application, BINARY, folders, KIT, lives, plugin, statusOf, until } from "./embedded.mjs";

test("an application starts Outboard, asks it, follows it and stops it, and nothing is left", async (t) => {
  const { options } = folders(t);
  const outboard = await startOutboard({ ...options, settings: { log_level: "warn", plugins: { echo: { limits: { processes: 64 } } } } });
  t.after(() => outboard.stop());
  assert.deepEqual(outboard.ready.plugins, [{ id: "echo", state: "running", cause: null }]);
  assert.equal(await outboard.call("ipc.invoke", { id: "echo", channel: "echo", args: ["hello"] }), "hello");
  const items = [];
  const following = await outboard.subscribe("events.subscribe", { id: "echo" }, (item) => items.push(item));
  await outboard.call("ipc.invoke", { id: "echo", channel: "push", args: [{ n: 1 }] });
  await until(() => items.length > 0);
  assert.deepEqual(items, [{ plugin: "echo", channel: "pushed", payload: { n: 1 } }]);
  following.end();
  await outboard.signIn("the-token");
  assert.equal(await outboard.call("ipc.invoke", { id: "echo", channel: "token" }), "the-token");
  const url = await outboard.uiUrl("echo");
  const port = outboard.ready.listen.split(":")[1];
  assert.equal(url, `http://echo.localhost:${port}/_outboard/shell/echo`);
  assert.equal(await statusOf(url), 200);
  await assert.rejects(outboard.call("status", { id: "nobody" }), { name: "ControlError", reason: "not_found" });
  const { pid, keeperPid } = outboard.ready;
  await outboard.stop();
  await until(() => !lives(pid) && !lives(keeperPid));
  assert.ok(!existsSync(join(options.runtimeDir, "control.sock")));
  await assert.rejects(outboard.call("status"), { code: "stopped", message: /`status` was not asked: Outboard was stopped/ });
});

test("a supervisor that was killed is started again at the same address, and what was subscribed goes on", async (t) => {
  const { options } = folders(t);
  const outboard = await startOutboard({ ...options, restart: { firstPause: 10 } });
  t.after(() => outboard.stop());
  const items = [];
  await outboard.subscribe("events.subscribe", { id: "echo" }, (item) => items.push(item.payload));
  for (const round of [1, 2]) {
    const { pid, listen } = outboard.ready;
    const died = once(outboard, "died");
    const restored = once(outboard, "restored");
    process.kill(round === 1 ? pid : outboard.ready.keeperPid, "SIGKILL");
    assert.match((await died)[0].how, /SIGKILL|exited with/);
    // Asked while nothing runs: it waits for the next one.
    assert.equal(await outboard.call("ipc.invoke", { id: "echo", channel: "echo", args: [round] }), round);
    await restored;
    assert.equal(outboard.ready.listen, listen);
    assert.notEqual(outboard.ready.pid, pid);
    await outboard.call("ipc.invoke", { id: "echo", channel: "push", args: [round] });
    await until(() => items.includes(round));
  }
  assert.deepEqual(items, [1, 2]);
});

test("a supervisor that dies again and again is given up, and every call says so", async (t) => {
  const { options } = folders(t);
  const outboard = await startOutboard({ ...options, restart: { firstPause: 1, deaths: 1 } });
  t.after(() => outboard.stop());
  const failed = once(outboard, "failed");
  const restored = once(outboard, "restored");
  process.kill(outboard.ready.keeperPid, "SIGKILL");
  await restored;
  process.kill(outboard.ready.keeperPid, "SIGKILL");
  assert.match((await failed)[0].message, /not started again after 2 deaths within 60 s/);
  await assert.rejects(outboard.call("status"), { code: "gave-up" });
});

test("the supervisor stops with its application, however that ends", async (t) => {
  for (const end of ["SIGKILL", "exit"]) {
    const { options } = folders(t);
    const source = `
      import { startOutboard } from ${JSON.stringify(KIT)};
      const outboard = await startOutboard(${JSON.stringify(options)});
      console.log(JSON.stringify({ ...outboard.ready, plugin: (await outboard.call("status", { id: "echo" })).plugins[0].pid }));
      ${end === "exit" ? "process.exit(3);" : ""}
    `;
    const { child, said } = await application(t, source);
    if (end === "SIGKILL") child.kill("SIGKILL");
    await until(() => ![said.pid, said.keeperPid, said.plugin].some(lives));
  }
});

test("a connection that is lost is made again while the supervisor lives, with its subscriptions", async (t) => {
  const { options } = folders(t);
  const outboard = await startOutboard(options);
  t.after(() => outboard.stop());
  const items = [];
  await outboard.subscribe("events.subscribe", { id: "echo" }, (item) => items.push(item.payload));
  const { pid } = outboard.ready;
  outboard.reconnect();
  assert.equal(await outboard.call("ipc.invoke", { id: "echo", channel: "echo", args: [1] }), 1);
  assert.equal(outboard.ready.pid, pid);
  await outboard.call("ipc.invoke", { id: "echo", channel: "push", args: ["again"] });
  await until(() => items.includes("again"));
});

test("what cannot be started is said in a sentence that names what to do", async (t) => {
  const { root, options, plugins } = folders(t);
  const says = (changed, code, message) => assert.rejects(startOutboard({ ...options, ...changed }), { code, message });
  await says({ binary: join(root, "nowhere") }, "no-binary", /`binary` names .*nowhere, which does not exist/);
  writeFileSync(join(root, "text"), "not a program");
  await says({ binary: join(root, "text") }, "no-binary", /which may not be run by this user/);
  chmodSync(join(root, "text"), 0o755);
  await says({ binary: join(root, "text") }, "not-started", /ended before it was ready: it exited with 127; it said last:\n.*not found/);
  await says({ binary: "/x/app.asar/bin/outboard" }, "no-binary", /lies inside an archive of Electron's.*`asarUnpack`/);
  await says({ plugins: "/x/app.asar/plugins" }, "bad-option", /lies inside an archive/);
  await says({ plugins: [] }, "bad-option", /`plugins` names no folder/);
  await says({ data: "" }, "bad-option", /`data` names no folder/);
  await says({ plugins: join(root, "none") }, "not-started", /the supervisor ended before it was ready: it exited with 2.*\n.*the folder .*none does not exist/);
  await says({ settings: { limits: { no_such: 1 } } }, "not-started", /application.toml.*no_such/s);
  plugin(plugins, "slow", { "background/index.js": "export const onStart = () => new Promise(() => {}); export const onStop = () => {};" });
  await says({ limits: { ready: 1500 } }, "not-started", /was not ready within 1.5 s \(`limits.ready`\)/);
});

test("nothing is sent to a runtime folder that is open to others", async (t) => {
  const { options } = folders(t);
  const outboard = await startOutboard({ ...options, restart: false });
  t.after(() => outboard.stop());
  chmodSync(options.runtimeDir, 0o755);
  outboard.reconnect();
  await assert.rejects(outboard.call("status", {}, { timeoutMs: 700 }), { code: "no-answer" });
});

test("the binary is found in the variable and on the PATH, and a sentence says where it was looked for", async (t) => {
  const { root, options } = folders(t);
  const { binary: _, ...unnamed } = options;
  const before = { PATH: process.env.PATH, OUTBOARD: process.env.OUTBOARD };
  t.after(() => Object.entries(before).forEach(([name, value]) => (value === undefined ? delete process.env[name] : (process.env[name] = value))));
  delete process.env.OUTBOARD;
  process.env.PATH = join(root, "empty");
  await assert.rejects(startOutboard(unnamed), { code: "no-binary", message: /no program `outboard` was found: .* the 1 folders of the PATH; name it with `binary` or in the variable OUTBOARD/ });
  process.env.PATH = `${join(BINARY, "..")}:${before.PATH}`;
  await (await startOutboard(unnamed)).stop();
  process.env.PATH = before.PATH;
  process.env.OUTBOARD = BINARY;
  await (await startOutboard(unnamed)).stop();
});

test("the user's own settings and variables decide nothing in an application", async (t) => {
  const { root, options } = folders(t);
  const before = { XDG_CONFIG_HOME: process.env.XDG_CONFIG_HOME, OUTBOARD_HOLD_UNTIL_AUTH: process.env.OUTBOARD_HOLD_UNTIL_AUTH };
  t.after(() => Object.entries(before).forEach(([name, value]) => (value === undefined ? delete process.env[name] : (process.env[name] = value))));
  mkdirSync(join(root, "config", "outboard"), { recursive: true });
  writeFileSync(join(root, "config", "outboard", "outboard.toml"), "hold_until_auth = true\n");
  process.env.XDG_CONFIG_HOME = join(root, "config");
  process.env.OUTBOARD_HOLD_UNTIL_AUTH = "true";
  const outboard = await startOutboard({ ...options, settings: { logs: { lines: 5 } } });
  t.after(() => outboard.stop());
  assert.equal(outboard.ready.waitingForSignIn, false);
  assert.equal(readFileSync(join(options.data, "application.toml"), "utf8"), '"logs" = { "lines" = 5 }\n');
});

//! Services that an application provides to plugins: answered, told of, withdrawn, and there again after every kind of end.

import assert from "node:assert/strict";
import { once } from "node:events";
import { copyFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { connectOutboard, startOutboard } from "../dist/index.js";
import { application, folders, KIT, lives, plugin, until } from "./embedded.mjs";

/** How often the application comes and goes: a few times, and many in trials. */
const ROUNDS = process.env.OUTBOARD_TRIALS ? 20 : 4;

/** Folders with a plugin that calls services, and remembers the events that it hears. */
function withConsumer(t, more = {}) {
  const made = folders(t);
  plugin(made.plugins, "consumer", { "plugin.json": JSON.stringify({ id: "consumer", name: "Consumer", version: "1.0.0", run: { command: ["python3", "consumer.py"] } }) });
  copyFileSync(join(import.meta.dirname, "consumer.py"), join(made.plugins, "consumer", "consumer.py"));
  return { ...made.options, ...more };
}

/** What the plugin gets where it calls: `{result}` or `{error}`. */
function calls(outboard, method, params, more = {}) {
  return outboard.call("ipc.invoke", { id: "consumer", channel: "call", args: [{ service: "acme.billing", method, params, ...more }] });
}

const heard = (outboard) => outboard.call("ipc.invoke", { id: "consumer", channel: "heard" });

test("plain functions answer plugins, which are told who they are and hear events in their order", async (t) => {
  const outboard = await startOutboard(withConsumer(t));
  t.after(() => outboard.stop());
  const before = await calls(outboard, "total", {});
  assert.equal(before.error.code, -32011);
  let tellListening;
  const listened = new Promise((resolve) => (tellListening = resolve));
  const billing = await outboard.provide(
    "acme.billing",
    {
      total: (params, { caller, method, timeoutMs }) => ({ of: params.month, caller, method, timeoutMs }),
      nothing: () => {},
      refuse: () => {
        throw Object.assign(new Error("no money"), { code: 402 });
      },
      broken: () => {
        throw new TypeError("oops");
      },
      odd: () => () => {},
      when: () => new Date(0),
    },
    { onSubscribed: (event, consumers) => tellListening({ event, consumers }) },
  );
  assert.equal(billing.instead, undefined);
  assert.deepEqual(await calls(outboard, "total", { month: 11 }), { result: { of: 11, caller: "consumer", method: "total", timeoutMs: 30_000 } });
  assert.deepEqual(await calls(outboard, "nothing"), { result: null });
  assert.deepEqual(await calls(outboard, "refuse"), { error: { code: 402, message: "no money", data: { reason: "", retryable: false } } });
  assert.deepEqual(await calls(outboard, "broken"), { error: { code: -32603, message: "oops", data: { reason: "internal_error", retryable: false } } });
  assert.match((await calls(outboard, "odd")).error.message, /the answer .*function/);
  assert.deepEqual(await calls(outboard, "when"), { result: { $outboard: "date", value: "1970-01-01T00:00:00.000Z" } });
  assert.match((await calls(outboard, "toString")).error.message, /has no method "toString"; it has total, nothing, refuse, broken, odd, when/);
  assert.deepEqual(await listened, { event: "changed", consumers: ["consumer"] });
  const many = Array.from({ length: 300 }, (_, index) => index);
  for (const index of many) assert.equal(billing.emit("changed", index), true);
  await until(async () => (await heard(outboard)).length === many.length);
  assert.deepEqual(await heard(outboard), many);
  assert.deepEqual(await billing.ask("consumer", "changed", "may I?"), { value: { allow: true } });
  assert.deepEqual((await billing.ask("echo", "changed", "may I?", { default: "no" })).value, "no");
  const [status] = await outboard.call("services");
  assert.deepEqual([status.service, status.state, status.provider], ["acme.billing", "available", "the host application"]);
  billing.end();
  await until(async () => (await calls(outboard, "total", {})).error !== undefined);
});

test("a call that nobody waits for any more aborts its signal", async (t) => {
  const outboard = await startOutboard(withConsumer(t));
  t.after(() => outboard.stop());
  const aborted = [];
  await outboard.provide("acme.billing", {
    slow: (_params, { signal }) => new Promise((resolve) => signal.addEventListener("abort", () => (aborted.push(signal.reason.message), resolve()))),
  });
  const late = await calls(outboard, "slow", {}, { timeoutMs: 50 });
  assert.equal(late.error.data.reason, "timeout");
  await until(() => aborted.length === 1);
  assert.deepEqual(aborted, ["nobody waits for the answer any more"]);
});

test("what is not a method or an option is refused when the service is provided, and not at its first call", async (t) => {
  const outboard = await startOutboard(withConsumer(t));
  t.after(() => outboard.stop());
  await assert.rejects(outboard.provide("acme.billing", { list: 3 }), { code: "bad-option", message: /the method "list" is a number, and not a function/ });
  await assert.rejects(outboard.provide("acme.billing"), { code: "bad-option", message: /an object of functions/ });
  await assert.rejects(outboard.provide("acme.billing", {}, { onSubscribd() {} }), { code: "bad-option", message: /no option "onSubscribd"; there are http, onSubscribed/ });
  assert.deepEqual((await outboard.call("services")).map(({ provider }) => provider), [null]);
});

test("two providers of one name: the first is asked, and the other takes over when it goes", async (t) => {
  const outboard = await startOutboard(withConsumer(t));
  t.after(() => outboard.stop());
  const second = await connectOutboard({ runtimeDir: outboard.ready.runtimeDir });
  t.after(() => second.stop());
  const first = await outboard.provide("acme.billing", { who: () => "first" });
  const held = [];
  const other = await second.provide("acme.billing", { who: () => "second" }, { onHolds: (instead) => held.push(instead) });
  assert.match(other.instead, /host application/);
  assert.deepEqual(await calls(outboard, "who"), { result: "first" });
  first.end();
  await until(() => other.instead === undefined);
  assert.deepEqual(await calls(outboard, "who"), { result: "second" });
});

test("paths of the shell go to the application's own server, from each supervisor that follows", async (t) => {
  const asked = [];
  const server = createServer((request, response) => {
    asked.push([request.url, request.headers.cookie]);
    response.end(JSON.stringify({ data: { weightUnit: "kg" } }));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const outboard = await startOutboard(withConsumer(t, { restart: { firstPause: 1 } }));
  t.after(() => outboard.stop());
  const get = () => fetch(`http://${outboard.ready.listen}/api/config/units`);
  assert.equal((await get()).status, 404);
  const http = { prefixes: ["/api/config"], port: server.address().port };
  await assert.rejects(outboard.provide("acme.billing", {}, { http: { ...http, prefixes: ["/loadsheet"] } }), /"\/loadsheet" is not one of the shell's/);
  await assert.rejects(outboard.provide("acme.billing", {}, { http: { prefixes: ["/api/config"] } }), /one of `port` and `socket`/);
  const billing = await outboard.provide("acme.billing", {}, { http });
  assert.deepEqual(await (await get()).json(), { data: { weightUnit: "kg" } });
  const restored = once(outboard, "restored");
  process.kill(outboard.ready.pid, "SIGKILL");
  await restored;
  assert.deepEqual(await (await get()).json(), { data: { weightUnit: "kg" } });
  assert.deepEqual(asked.map(([url]) => url), ["/api/config/units", "/api/config/units"]);
  server.close();
  server.closeAllConnections();
  const dead = await get();
  assert.equal(dead.status, 502);
  assert.match((await dead.json()).detail, /^The host application took no connection/);
  billing.end();
  await until(async () => (await get()).status === 404);
});

test("whoever kills the supervisor again and again finds the services provided again by themselves", async (t) => {
  const outboard = await startOutboard(withConsumer(t, { restart: { firstPause: 1, deaths: 1000 } }));
  t.after(() => outboard.stop());
  let subscribed = 0;
  const billing = await outboard.provide("acme.billing", { total: (params) => params * 2 }, { onSubscribed: (_event, consumers) => (subscribed += consumers.length) });
  for (let round = 0; round < ROUNDS; round += 1) {
    const restored = once(outboard, "restored");
    process.kill(outboard.ready.pid, "SIGKILL");
    await restored;
    assert.deepEqual(await calls(outboard, "total", round), { result: round * 2 });
    await until(() => subscribed > round);
    assert.equal(billing.emit("changed", round), true);
    await until(async () => (await heard(outboard)).includes(round));
  }
});

test("whoever kills the application again and again: plugins see `unavailable`, then answers, and no call hangs", async (t) => {
  // Without this line nobody would provide it while the application is gone, and that is another error.
  const outboard = await startOutboard(withConsumer(t, { settings: { services: { "acme.billing": "@host" } } }));
  t.after(() => outboard.stop());
  const [id] = outboard.ready.plugins.map(({ id }) => id).filter((id) => id === "consumer");
  const { plugins: [before] } = await outboard.call("status", { id });
  for (let round = 0; round < ROUNDS; round += 1) {
    const source = `
      import { connectOutboard } from ${JSON.stringify(KIT)};
      const outboard = await connectOutboard({ runtimeDir: ${JSON.stringify(outboard.ready.runtimeDir)} });
      await outboard.provide("acme.billing", { total: (params) => params * 2, never: () => new Promise(() => console.log("asked")) });
      console.log(JSON.stringify("ready"));
    `;
    const { child } = await application(t, source);
    assert.deepEqual(await calls(outboard, "total", round), { result: round * 2 });
    const asked = once(child.stdout, "data");
    const open = calls(outboard, "never");
    await asked;
    child.kill("SIGKILL");
    const lost = await open;
    assert.deepEqual([lost.error.code, lost.error.data.reason, lost.error.data.retryable], [-32010, "unavailable", true]);
    assert.equal((await calls(outboard, "total", round)).error.data.reason, "unavailable");
  }
  const { plugins: [after] } = await outboard.call("status", { id });
  assert.deepEqual([after.generation, after.restarts], [before.generation, 0], "no consumer was restarted for it");
});

test("an application that owns its supervisor is killed and started again at once, and everything is there again", async (t) => {
  const options = withConsumer(t);
  const source = `
    import { startOutboard } from ${JSON.stringify(KIT)};
    const outboard = await startOutboard(${JSON.stringify(options)});
    await outboard.provide("acme.billing", { total: (params) => params * 2 });
    const params = { service: "acme.billing", method: "total", params: 21 };
    const outcome = await outboard.call("ipc.invoke", { id: "consumer", channel: "call", args: [params] });
    console.log(JSON.stringify({ outcome, pids: [outboard.ready.pid, outboard.ready.keeperPid] }));
  `;
  let pids;
  for (let round = 0; round < ROUNDS; round += 1) {
    const { child, said } = await application(t, source);
    assert.deepEqual(said.outcome, { result: 42 });
    ({ pids } = said);
    child.kill("SIGKILL");
  }
  await until(() => !pids.some(lives));
});

//! `ctx.service` with a host in memory: calls, events, questions, and the provider's half.

import assert from "node:assert/strict";
import { test } from "node:test";
import { CallError } from "../dist/index.js";
import { Peer, runPlugin } from "../dist/testing/index.js";

/** A plugin that gives its `ctx` away. */
async function started(t, options = {}, onStart = () => {}) {
  let ctx;
  const plugin = await runPlugin({ onStart: (given) => onStart((ctx = given)), onStop() {} }, options);
  t.after(() => plugin.stop().catch(() => {}));
  return { ctx, plugin };
}

/** Lets everything that is ready run. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

test("a call reaches the service's method, and its answer comes back as it was given", async (t) => {
  const when = new Date(5);
  const { ctx } = await started(t, { services: { clock: { add: ({ ms }) => ({ at: new Date(when.getTime() + ms) }), nothing() {} } } });
  assert.deepEqual(await ctx.service("clock").call("add", { ms: 3 }), { at: new Date(8) });
  assert.equal(await ctx.service("clock").call("nothing"), null);
});

test("a call says why it failed: nobody provides the service, it has no such method, or the provider's own error", async (t) => {
  const fail = () => {
    throw CallError.of("unavailable", "closed for lunch");
  };
  const { ctx } = await started(t, { services: { shop: { fail } } });
  await assert.rejects(ctx.service("flight").call("getState"), (error) => error.reason === "no_provider" && !error.retryable && error.data.service === "flight");
  await assert.rejects(ctx.service("shop").call("buy"), { reason: "method_not_found" });
  await assert.rejects(ctx.service("shop").call("fail"), (error) => error.reason === "unavailable" && error.retryable && /lunch/.test(error.message));
});

test("names and limits that break the rules are told at the line that gives them", async (t) => {
  const { ctx } = await started(t);
  for (const name of ["", "Flight", "a/b", "x".repeat(65), 7]) assert.throws(() => ctx.service(name), /lower-case letters/, String(name));
  const service = ctx.service("acme.billing-2");
  await assert.rejects(service.call("a\n"), /without control characters/);
  await assert.rejects(service.call("a", {}, { timeoutMs: 3_600_001 }), /at most 3600000/);
  assert.throws(() => service.on("phase", null), /service\("acme.billing-2"\)\.on\("phase"\): give a function, not null/);
  assert.throws(() => service.provide({ a: 1 }), /give a function, not number/);
});

test("the host is asked for an event once, however many listen, and told when the last has gone", async (t) => {
  const { ctx, plugin } = await started(t);
  const flight = ctx.service("flight");
  const heard = [];
  const first = flight.on("phase", (phase) => heard.push(["first", phase]));
  const second = ctx.service("flight").on("phase", (phase, { missed }) => heard.push(["second", phase, missed]));
  await turn();
  assert.deepEqual([...plugin.subscriptions], ["flight/phase"]);
  plugin.emitService("flight", "phase", "taxi", { missed: 2 });
  await turn();
  assert.deepEqual(heard.splice(0), [["first", "taxi"], ["second", "taxi", 2]]);
  first();
  first();
  await turn();
  assert.deepEqual([...plugin.subscriptions], ["flight/phase"]);
  second();
  await turn();
  assert.deepEqual([...plugin.subscriptions], []);
  const third = flight.on("phase", (phase) => heard.push(["third", phase]));
  await turn();
  plugin.emitService("flight", "phase", "climb");
  await turn();
  third();
  assert.deepEqual(heard, [["third", "climb"]]);
});

test("a listener that was taken back hears nothing of what had arrived before", async (t) => {
  const { ctx, plugin } = await started(t);
  const heard = [];
  let second;
  ctx.service("flight").on("phase", () => second());
  second = ctx.service("flight").on("phase", (phase) => heard.push(phase));
  await turn();
  plugin.emitService("flight", "phase", "taxi");
  await turn();
  assert.deepEqual(heard, []);
});

test("after the stop no listener hears anything", async (t) => {
  const { ctx, plugin } = await started(t);
  const heard = [];
  ctx.service("flight").on("phase", (phase) => heard.push(phase));
  ctx.service("flight").onChange((change) => heard.push(change));
  await turn();
  await plugin.stop();
  plugin.emitService("flight", "phase", "taxi");
  plugin.changeService("flight", "unavailable");
  await turn();
  assert.deepEqual(heard, []);
});

test("a question is answered by its function; a throw, and no function, are errors that the provider sees", async (t) => {
  const { ctx, plugin } = await started(t);
  const flight = ctx.service("flight");
  const off = flight.answer("mayStart", async ({ callsign }) => ({ allow: callsign !== "X" }));
  assert.throws(() => flight.answer("mayStart", () => true), /answered already/);
  await turn();
  assert.deepEqual(await plugin.askByEvent("flight", "mayStart", { callsign: "X" }), { allow: false });
  off();
  flight.on("mayStart", () => {});
  await turn();
  await assert.rejects(plugin.askByEvent("flight", "mayStart"), { reason: "not_found" });
  flight.answer("mayStart", () => {
    throw new Error("no idea");
  });
  await assert.rejects(plugin.askByEvent("flight", "mayStart"), /no idea/);
});

test("what becomes of a service is told to those who asked", async (t) => {
  const { ctx, plugin } = await started(t);
  const changes = [];
  ctx.service("flight").onChange((change) => changes.push(change));
  plugin.changeService("flight", "unavailable", "its provider crashed");
  plugin.changeService("other", "available");
  plugin.changeService("flight", "available");
  await turn();
  assert.deepEqual(changes, [{ state: "unavailable", because: "its provider crashed" }, { state: "available" }]);
});

test("a method that is provided knows who calls, and no other is answered", async (t) => {
  const { plugin } = await started(t, {}, (ctx) => ctx.service("greeter").provide({ greet: async ({ name }, { caller }) => `${caller} greets ${name}`, nothing() {} }));
  assert.equal(await plugin.callProvided("greeter", "greet", { name: "Ada" }, { caller: "fleet" }), "fleet greets Ada");
  assert.equal(await plugin.callProvided("greeter", "nothing"), null);
  await assert.rejects(plugin.callProvided("greeter", "shout"), (error) => error.reason === "method_not_found" && /it has greet, nothing/.test(error.message));
  await assert.rejects(plugin.callProvided("other", "greet"), { reason: "method_not_found" });
});

test("what the host told before a call is heard before the call is answered", async (t) => {
  let consumers = [];
  const { plugin } = await started(t, {}, (ctx) => {
    ctx.service("greeter").onSubscribed((told) => (consumers = told.consumers));
    ctx.service("greeter").provide({ consumers: () => consumers });
  });
  plugin.setSubscribers("greeter", "greeted", ["fleet"]);
  assert.deepEqual(await plugin.callProvided("greeter", "consumers"), ["fleet"]);
});

test("a call that its maker withdraws ends at both ends", async (t) => {
  let aborted;
  const seen = new Promise((resolve) => (aborted = resolve));
  const { plugin } = await started(t, {}, (ctx) => ctx.service("slow").provide({ wait: (_, { signal }) => new Promise(() => signal.addEventListener("abort", () => aborted(signal.reason))) }));
  const controller = new AbortController();
  const call = plugin.callProvided("slow", "wait", undefined, { signal: controller.signal });
  await turn();
  controller.abort(new Error("no longer"));
  await assert.rejects(call, /no longer/);
  assert.equal((await seen).reason, "cancelled");
});

test("a provider tells events, to one or to all, and hears who listens", async (t) => {
  const { ctx, plugin } = await started(t);
  const flight = ctx.service("flight");
  const listening = [];
  flight.onSubscribed((told) => listening.push(told));
  plugin.setSubscribers("flight", "phase", ["fleet"]);
  flight.emit("phase", { at: new Date(1) });
  flight.emit("simData", 1, { to: "fleet", latest: true });
  await turn();
  assert.deepEqual(listening, [{ event: "phase", consumers: ["fleet"] }]);
  assert.deepEqual(plugin.emitted, [
    { service: "flight", event: "phase", payload: { at: new Date(1) } },
    { service: "flight", event: "simData", payload: 1, to: "fleet", latest: true },
  ]);
});

test("a provider that asks a consumer gets its answer, or the default and why", async (t) => {
  const { ctx } = await started(t, { consumer: ({ to, payload }) => (to === "fleet" ? { allow: payload.fuel > 0 } : undefined) });
  const flight = ctx.service("flight");
  assert.deepEqual(await flight.ask("fleet", "mayStart", { fuel: 0 }, { default: { allow: true } }), { value: { allow: false } });
  assert.deepEqual(await flight.ask("other", "mayStart", {}, { default: { allow: true } }), { value: { allow: true }, because: "other did not answer" });
});

test("a call may have a limit of its own, which progress moves and which does not touch the others", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const sent = [];
  const peer = new Peer((frame) => sent.push(JSON.parse(frame)), { request: () => ({}), notification: () => {} });
  const outcomes = [];
  const settle = (name, call) => call.then((value) => outcomes.push([name, value]), (error) => outcomes.push([name, error.reason]));
  settle("short", peer.request("service.call", {}, { timeoutMs: 1_000 }));
  settle("long", peer.request("service.call", {}, { timeoutMs: 3_600_000 }));
  t.mock.timers.tick(900);
  peer.receive('{"jsonrpc":"2.0","method":"$/progress","params":{"id":1}}');
  t.mock.timers.tick(900);
  await turn();
  assert.deepEqual(outcomes, []);
  t.mock.timers.tick(200);
  await turn();
  await turn();
  assert.deepEqual(outcomes, [["short", "timeout"]]);
  assert.deepEqual(sent.at(-1), { jsonrpc: "2.0", method: "$/cancelRequest", params: { id: 1 } });
  t.mock.timers.tick(3_000_000);
  await turn();
  peer.receive('{"jsonrpc":"2.0","id":2,"result":7}');
  await turn();
  assert.deepEqual(outcomes, [["short", "timeout"], ["long", 7]]);
});

test("a call that is withdrawn is told to the host, fails with the signal's reason, and one that was withdrawn before is not sent", async () => {
  const sent = [];
  const peer = new Peer((frame) => sent.push(JSON.parse(frame)), { request: () => ({}), notification: () => {} });
  const controller = new AbortController();
  const call = peer.request("service.call", {}, { signal: controller.signal });
  controller.abort(new Error("enough"));
  await assert.rejects(call, /enough/);
  assert.equal(sent[1].method, "$/cancelRequest");
  await assert.rejects(peer.request("service.call", {}, { signal: controller.signal }), /enough/);
  assert.equal(sent.length, 2);
});

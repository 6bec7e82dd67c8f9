//! The shell's members of `ctx`, with a host in memory: what they ask of services, and what holds when nobody answers.

import assert from "node:assert/strict";
import { test } from "node:test";
import { runPlugin } from "../dist/testing.js";
import { CallError } from "../dist/index.js";

/** A plugin that gives its `ctx` away. */
async function started(t, options = {}) {
  let ctx;
  const plugin = await runPlugin({ onStart: (given) => void (ctx = given), onStop() {} }, options);
  t.after(() => plugin.stop().catch(() => {}));
  return { ctx, plugin };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const warnings = (plugin) => plugin.logs.filter(({ level }) => level === "warn").map(({ message }) => message);

test("the flight is asked of its service, and its log may give null", async (t) => {
  const asked = [];
  const answer = (method, value) => (params) => (asked.push([method, params]), value);
  const flight = {
    getState: answer("getState", { flight: null }),
    getSnapshot: answer("getSnapshot", null),
    getPhase: answer("getPhase", { currentPhase: "taxi" }),
    getLandingReport: answer("getLandingReport", { landingRate: -120 }),
    "log.add": answer("log.add", null),
    "log.update": answer("log.update", { eventId: "7" }),
    "log.remove": answer("log.remove", true),
  };
  const { ctx } = await started(t, { services: { flight } });
  assert.deepEqual(await ctx.flight.getState(), { flight: null });
  assert.equal(await ctx.flight.getSnapshot(), null);
  assert.equal((await ctx.flight.getPhase()).currentPhase, "taxi");
  assert.equal((await ctx.flight.getLandingReport()).landingRate, -120);
  assert.equal(await ctx.flight.log.add({ category: "system", condition: "x", message: "y" }), null);
  assert.deepEqual(await ctx.flight.log.update("7", { message: "z" }), { eventId: "7" });
  assert.equal(await ctx.flight.log.remove("7"), true);
  assert.deepEqual(asked.slice(4), [
    ["log.add", { category: "system", condition: "x", message: "y" }],
    ["log.update", { message: "z", eventId: "7" }],
    ["log.remove", { eventId: "7" }],
  ]);
});

test("where nobody provides a flight, each method says so, which it was, and how to get one", async (t) => {
  const { ctx } = await started(t);
  for (const [name, call] of [
    ["getState", () => ctx.flight.getState()],
    ["getSnapshot", () => ctx.flight.getSnapshot()],
    ["getPhase", () => ctx.flight.getPhase()],
    ["getLandingReport", () => ctx.flight.getLandingReport()],
    ["log.add", () => ctx.flight.log.add({})],
    ["log.update", () => ctx.flight.log.update("1", {})],
    ["log.remove", () => ctx.flight.log.remove("1")],
  ]) {
    await assert.rejects(call(), (error) => error instanceof CallError && error.reason === "no_provider" && error.message.startsWith(`ctx.flight.${name}(): `) && /"provides": \["flight"\]/.test(error.message), name);
  }
});

test("each subscription hears its event, until it is taken back or the plugin stops", async (t) => {
  const { ctx, plugin } = await started(t);
  const heard = [];
  const events = { onPhaseChange: "phase", onUpdate: "update", onSimData: "simData", onLanding: "landing" };
  const offs = Object.keys(events).map((member) => ctx.flight[member]((payload) => heard.push([member, payload])));
  await turn();
  for (const event of Object.values(events)) plugin.emitService("flight", event, event);
  await turn();
  assert.deepEqual(heard.splice(0), Object.entries(events));
  offs[0]();
  await turn();
  assert.deepEqual([...plugin.subscriptions], ["flight/update", "flight/simData", "flight/landing"]);
  await plugin.stop();
  plugin.emitService("flight", "update", 1);
  await turn();
  assert.deepEqual(heard, []);
});

test("a start guard forbids with its reason, and the first of several that forbids has the word", async (t) => {
  const { ctx, plugin } = await started(t);
  const off = ctx.flight.registerStartGuard(({ callsign }) => (callsign === "X" ? { allow: false, reason: "no fuel" } : { allow: true }));
  ctx.flight.registerStartGuard(async () => ({ allow: true }));
  await turn();
  assert.deepEqual(await plugin.askByEvent("flight", "startGuard", { callsign: "A" }), { allow: true });
  assert.deepEqual(await plugin.askByEvent("flight", "startGuard", { callsign: "X" }), { allow: false, reason: "no fuel" });
  off();
  assert.deepEqual(await plugin.askByEvent("flight", "startGuard", { callsign: "X" }), { allow: true });
});

test("a start guard that throws, answers nonsense, or takes more than five seconds allows the flight, and a warning says so", async (t) => {
  const { ctx, plugin } = await started(t);
  const of = async (guard, meanwhile = () => {}) => {
    const off = ctx.flight.registerStartGuard(guard);
    await turn();
    const asked = plugin.askByEvent("flight", "startGuard", {});
    for (let i = 0; i < 5; i++) await turn();
    meanwhile();
    const answer = await asked;
    off();
    await turn();
    return answer;
  };
  assert.deepEqual(await of(() => { throw new Error("boom"); }), { allow: true });
  assert.deepEqual(await of(() => true), { allow: true });
  t.mock.timers.enable({ apis: ["setTimeout"] });
  assert.deepEqual(await of(() => new Promise(() => {}), () => t.mock.timers.tick(5_001)), { allow: true });
  t.mock.timers.reset();
  const [threw, nonsense, late] = warnings(plugin);
  assert.match(threw, /the start guard threw boom: the flight is ALLOWED/);
  assert.match(nonsense, /answered neither/);
  assert.match(late, /took more than 5 s/);
});

test("dialogs and prompts give their answers, and say how long they wait", async (t) => {
  const asked = [];
  const answer = (value) => (params) => (asked.push(params), value);
  const services = { dialog: { alert: answer(null), confirm: answer(true) }, prompt: { text: answer("Ada"), number: answer(0), select: answer("a") } };
  const { ctx } = await started(t, { services });
  assert.equal(await ctx.dialog.alert({ title: "T", message: "M" }), undefined);
  assert.equal(await ctx.dialog.confirm({ message: "M", timeoutMs: 1_000 }), true);
  assert.equal(await ctx.prompt.text({ title: "T", label: "L" }), "Ada");
  assert.equal(await ctx.prompt.number({ title: "T", label: "L", min: 0 }), 0);
  assert.equal(await ctx.prompt.select({ title: "T", label: "L", options: [{ value: "a", label: "A" }] }), "a");
  assert.deepEqual(asked[1], { message: "M" });
});

test("dialogs and prompts never throw: not shown, failed, or answered with something else is no answer", async (t) => {
  const fail = () => {
    throw CallError.of("internal_error", "no screen");
  };
  for (const services of [{}, { dialog: { alert: fail, confirm: fail }, prompt: { text: fail, number: fail, select: fail } }, { dialog: { alert: () => 1, confirm: () => "yes" }, prompt: { text: () => 1, number: () => "1", select: () => null } }]) {
    const { ctx, plugin } = await started(t, { services });
    assert.equal(await ctx.dialog.alert({ message: "" }), undefined);
    assert.equal(await ctx.dialog.confirm({ message: "" }), false);
    assert.equal(await ctx.dialog.confirm(), false);
    assert.equal(await ctx.prompt.text({}), null);
    assert.equal(await ctx.prompt.number({ timeoutMs: NaN }), null);
    assert.equal(await ctx.prompt.select(), null);
    await turn();
    if (Object.keys(services).length === 0) assert.match(warnings(plugin)[0], /ctx\.dialog\.alert\(\) was not shown, and counts as cancelled/);
  }
});

test("a dialog that is open when the plugin stops is cancelled", async (t) => {
  const { ctx, plugin } = await started(t, { services: { dialog: { confirm: () => new Promise(() => {}) }, prompt: { text: () => new Promise(() => {}) } } });
  const open = [ctx.dialog.confirm({ message: "?" }), ctx.prompt.text({ title: "", label: "" })];
  await turn();
  await plugin.stop();
  assert.deepEqual(await Promise.all(open), [false, null]);
  assert.deepEqual(warnings(plugin), []);
});

test("notify and the indicator are told and forgotten, and that nobody shows them is logged once", async (t) => {
  const { ctx, plugin } = await started(t);
  ctx.notify.toast("hello");
  ctx.notify.toast("hello again");
  ctx.plugin.setIndicator({ type: "warning" });
  for (let i = 0; i < 5; i++) await turn();
  assert.equal(warnings(plugin).length, 2);

  const told = [];
  const tell = (method) => (params) => void told.push([method, params]);
  const services = { notify: { toast: tell("toast"), playSound: tell("playSound"), playCustomSound: tell("playCustomSound") }, plugin: { setIndicator: tell("setIndicator"), clearIndicator: tell("clearIndicator") } };
  const other = await started(t, { services });
  other.ctx.notify.toast("hello", { type: "success" });
  other.ctx.notify.toast({ message: "m", title: "t" });
  other.ctx.notify.playSound("ding");
  other.ctx.notify.playCustomSound("./assets/audio/x.mp3");
  other.ctx.notify.playCustomSound("assets/../secret");
  other.ctx.plugin.setIndicator({ type: "notification", tooltip: "2 new" });
  other.ctx.plugin.setIndicator({ type: "loud" });
  await turn();
  await turn();
  assert.deepEqual(told, [
    ["toast", { type: "success", message: "hello" }],
    ["toast", { type: "info", message: "m", title: "t" }],
    ["playSound", { sound: "ding" }],
    ["playCustomSound", { path: "assets/audio/x.mp3" }],
    ["setIndicator", { type: "notification", tooltip: "2 new" }],
  ]);
  assert.equal(warnings(other.plugin).length, 2);
  // Whoever shows it from now on has not heard of it.
  told.length = 0;
  other.plugin.changeService("plugin", "available");
  for (let i = 0; i < 4; i++) await turn();
  assert.deepEqual(told, [["setIndicator", { type: "notification", tooltip: "2 new" }]]);
  other.ctx.plugin.clearIndicator();
  other.plugin.changeService("plugin", "available");
  for (let i = 0; i < 4; i++) await turn();
  assert.deepEqual(told.slice(1), [["clearIndicator", null]]);
});

test("ctx.socket hears the shell's names, says once that it is undocumented, and names what never comes", async (t) => {
  const { ctx, plugin } = await started(t);
  const heard = [];
  const listener = (payload) => heard.push(payload);
  ctx.socket.on("flight:phase", listener).on("simulator:data", listener).on("pirep:filing", listener).on("teleport", listener);
  await turn();
  assert.deepEqual([...plugin.subscriptions], ["flight/phase", "flight/simData", "flight/pirepFiling"]);
  plugin.emitService("flight", "phase", 1);
  await turn();
  ctx.socket.off("flight:phase", listener).off("simulator:data");
  await turn();
  assert.deepEqual([...plugin.subscriptions], ["flight/pirepFiling"]);
  assert.deepEqual(heard, [1]);
  assert.equal(plugin.logs.filter(({ message }) => /not part of the shell's documented surface/.test(message)).length, 1);
  assert.match(warnings(plugin)[0], /"teleport".*flight:phase/);
});

test("a member that is still unknown is undefined, and named", async (t) => {
  const { ctx, plugin } = await started(t);
  assert.equal(ctx.teleport, undefined);
  await turn();
  assert.match(plugin.logs.at(-1).message, /this host has no ctx\.teleport/);
});

//! `ctx.config` and `ctx.ipc` with a host in memory: what is kept, what is refused, and what a caller learns of an error.

import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect, isDeepStrictEqual } from "node:util";
import { runPlugin } from "../dist/testing/index.js";

/** A plugin that gives its `ctx` away. */
async function started(t, onStart = () => {}) {
  let ctx;
  const plugin = await runPlugin({ onStart: (given) => onStart((ctx = given)), onStop() {} });
  t.after(() => plugin.stop());
  return { ctx, plugin };
}

test("config.set refuses by its path what JSON cannot hold, and keeps nothing of it", async (t) => {
  const { ctx, plugin } = await started(t);
  const circle = {};
  circle.self = circle;
  class Point {
    x = 1;
  }
  for (const [value, said] of [
    [NaN, "value is NaN"],
    [{ a: [1, -Infinity] }, "value.a[1] is -Infinity"],
    [new Map([[1, 2]]), "value is a Map"],
    [{ seen: new Set([1]) }, "value.seen is a Set"],
    [new Uint8Array([1, 2]), "value is a Uint8Array"],
    [Buffer.from("x"), "value is a Buffer"],
    [new ArrayBuffer(1), "value is an ArrayBuffer"],
    [new Error("x"), "value is an Error"],
    [[new Date(0)], "value[0] is a Date"],
    [/x/, "value is a RegExp"],
    [Promise.resolve(1), "value is a Promise"],
    [new Point(), "value is a Point"],
    [new Number(1), "value is a Number"],
    [[{ a: 1, [Symbol("s")]: 2 }], "value[0] has the key Symbol(s)"],
    [{ hits: Object.assign([1], { x: 2 }) }, "value.hits.x is a member of an array"],
    ["a-b".match(/-/), "value.index is a member of an array"],
    [Object.assign([1], { [Symbol("s")]: 2 }), "value has the key Symbol(s)"],
    [new (class Points extends Array {})(), "value is a Points"],
    [1n, "value is a BigInt"],
    [[undefined], "value[0] is undefined"],
    [new Array(1), "value[0] is undefined"],
    [{ f() {} }, "value.f is a function"],
    [Symbol("x"), "value is a symbol"],
    [circle, "value.self refers back"],
    ["\ud83d", "value holds half of a surrogate pair"],
    [{ "\udeeb": 1 }, "value has a key with half"],
    [JSON.parse("[".repeat(98) + "]".repeat(98)), "is nested deeper than 97 levels"],
  ]) {
    await assert.rejects(ctx.config.set("k", value), (error) => error instanceof TypeError && error.message.startsWith('config.set("k"): ') && error.message.includes(said), said);
  }
  await assert.rejects(ctx.config.set("k", undefined), /undefined.*config\.delete/);
  assert.equal(plugin.config.size, 0);
});

test("config.set keeps all that is JSON as it is", async (t) => {
  const { ctx } = await started(t);
  const value = { text: "🛫 \u0000", list: [1, -1.5, 1e300, true, null, {}], none: Object.assign(Object.create(null), { a: 1 }), hidden: Object.defineProperty({}, Symbol("s"), { value: 1 }), same: [[], []] };
  value.same[1] = value.same[0];
  await ctx.config.set("k", { ...value, absent: undefined });
  assert.deepEqual(await ctx.config.get("k"), JSON.parse(JSON.stringify(value)));
  const deep = JSON.parse("[".repeat(97) + "]".repeat(97));
  await ctx.config.set("k", deep);
  assert.deepEqual(await ctx.config.getAll(), { k: deep });
});

test("an error of a channel keeps its code, of text or of a number, for whoever called", async (t) => {
  const { plugin } = await started(t, (ctx) => {
    ctx.ipc.handle("text", () => { throw Object.assign(new Error("no such file"), { code: "ENOENT" }); });
    ctx.ipc.handle("number", () => { throw Object.assign(new Error("own"), { code: 1234 }); });
    ctx.ipc.handle("denied", () => { throw Object.assign(new Error("not you"), { code: -32004 }); });
    ctx.ipc.handle("plain", () => { throw { message: "no Error", code: "E_PLAIN" }; });
    ctx.ipc.handle("odd", () => { throw Object.assign(new Error("odd"), { code: { a: 1 } }); });
    ctx.ipc.handle("none", () => { throw new Error("none"); });
  });
  const caught = (channel) => plugin.invoke(channel).then(assert.fail, ({ code, reason, message }) => [code, reason, message]);
  assert.deepEqual(await caught("text"), ["ENOENT", "internal_error", "no such file"]);
  assert.deepEqual(await caught("number"), [1234, "", "own"]);
  assert.deepEqual(await caught("denied"), [-32004, "denied", "not you"]);
  assert.deepEqual(await caught("plain"), ["E_PLAIN", "internal_error", "no Error"]);
  assert.deepEqual(await caught("odd"), [-32603, "internal_error", "odd"]);
  assert.deepEqual(await caught("none"), [-32603, "internal_error", "none"]);
});

test("an event may be kept for those who connect later", async (t) => {
  const { ctx, plugin } = await started(t);
  ctx.ipc.send("status", { up: true }, { retain: true });
  ctx.ipc.send("status", null, { retain: true });
  ctx.ipc.send("tick");
  await plugin.nextEvent("tick");
  assert.deepEqual(plugin.events, [
    { channel: "status", payload: { up: true }, retained: true },
    { channel: "status", payload: null, retained: true },
    { channel: "tick", payload: null },
  ]);
});

/** Numbers that look random and are the same in each run, so that a failure comes again. */
function numbers(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const LEAVES = [null, true, 0, -0, NaN, -Infinity, 1e300, 5e-324, 2n ** 70n, -1n, "", "🛫\u0000\u2028", "$outboard", new Date(0), new Uint8Array([0, 255])];

function anything(next, depth = 0) {
  const pick = Math.floor(next() * (depth < 5 ? 5 : 1));
  const some = () => Array.from({ length: Math.floor(next() * 4) }, () => anything(next, depth + 1));
  if (pick === 1) return some();
  if (pick === 2) return Object.fromEntries(some().map((member, i) => [["a", "$outboard", "value", "__proto_"][i] ?? `k${i}`, member]));
  if (pick === 3) return new Map(some().map((member) => [anything(next, 5), member]));
  return pick === 4 ? new Set(some()) : LEAVES[Math.floor(next() * LEAVES.length)];
}

test("any value that goes to a channel and back is the same, with many calls at once", async (t) => {
  const { plugin } = await started(t, (ctx) => ctx.ipc.handle("echo", (value) => value));
  const rounds = process.env.OUTBOARD_TRIALS ? 400 : 4;
  for (let seed = 0; seed < rounds; seed++) {
    const next = numbers(seed);
    const given = Array.from({ length: 50 }, () => anything(next));
    const back = await Promise.all(given.map((value) => plugin.invoke("echo", value)));
    for (const [at, value] of given.entries()) assert.ok(isDeepStrictEqual(back[at], value), `seed ${seed}: ${inspect(value, { depth: 9 })} came back as ${inspect(back[at], { depth: 9 })}`);
  }
});

//! Framing and conversation without any process: what bounds them, and what they answer to what is not a message.

import assert from "node:assert/strict";
import { test } from "node:test";
import { CallError } from "../dist/index.js";
import { LineDecoder, Peer } from "../dist/testing/index.js";

const MIB = 1024 * 1024;

/** A peer whose frames are kept, parsed. */
function lone(hooks = {}, timeout) {
  const sent = [];
  const peer = new Peer((frame) => sent.push(JSON.parse(frame)), { request: () => ({}), notification: () => {}, ...hooks }, timeout);
  return { peer, sent };
}

/** Lets everything that is ready run. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

test("an endless line takes no more memory than a frame may have", () => {
  const found = [];
  const decoder = new LineDecoder({ line: (text) => found.push(text), oversized: () => found.push("oversized") });
  const piece = Buffer.alloc(64 * 1024, "x");
  let most = 0;
  const before = process.memoryUsage().arrayBuffers;
  for (let sent = 0; sent < 64 * MIB; sent += piece.length) {
    decoder.push(piece);
    most = Math.max(most, process.memoryUsage().arrayBuffers - before);
  }
  decoder.push(Buffer.from("\nafter it\n"));
  assert.deepEqual(found, ["oversized", "after it"]);
  // What was grown out of may not have been collected yet: twice the limit in all.
  assert.ok(most < 24 * MIB, `${most} bytes were held`);
});

test("a line that comes byte by byte takes the memory of its bytes", () => {
  let length = 0;
  const decoder = new LineDecoder({ line: (text) => (length = text.length) });
  const byte = Buffer.from("x");
  const before = process.memoryUsage();
  for (let sent = 0; sent < MIB; sent++) decoder.push(byte);
  const after = process.memoryUsage();
  decoder.push(Buffer.from("\n"));
  assert.equal(length, MIB);
  assert.ok(after.arrayBuffers - before.arrayBuffers < 8 * MIB);
});

test("what is not a message is answered once with its error and the id null, and the next call is served", async () => {
  const noise = [];
  const { peer, sent } = lone({ noise: (line) => noise.push(line) });
  peer.receive('{"jsonrpc":"2.0","id":1,');
  peer.receive('[{"jsonrpc":"2.0","id":1,"method":"ping"}]');
  peer.receive('{"jsonrpc":"2.0","id":{"a":1},"method":"ping"}');
  peer.receive("printed by somebody");
  peer.oversized();
  peer.receive('{"jsonrpc":"2.0","id":7,"method":"ping"}');
  await turn();
  assert.deepEqual(
    sent.map(({ id, error }) => [id, error?.code]),
    [[null, -32700], [null, -32600], [null, -32600], [null, -32003], [7, undefined]],
  );
  assert.deepEqual(noise, ["printed by somebody"]);
});

test("a call whose answer is broken or too long to be read ends at once, wherever its id stands", async () => {
  const { peer, sent } = lone();
  const decoder = new LineDecoder({ line: (text, utf8) => peer.receive(text, utf8), oversized: (beginning) => peer.oversized(beginning), skipped: (ending) => peer.skipped(ending) }, 1024);
  const large = "x".repeat(5000);
  for (const [answer, why] of [
    ['{"jsonrpc":"2.0","id":ID}', /neither `method`, nor `result`/],
    ['{"jsonrpc":"2.0","id":ID,"result":NaN}', /not JSON/],
    ['{"jsonrpc":"2.0","id":ID,"result":"\\ud83d"}', /surrogate/],
    ['{"jsonrpc":"2.0","id":ID,"result":1,"error":{"code":1,"message":"m"}}', /either/],
    [`{"jsonrpc":"2.0","id":ID,"result":"${large}"}`, /longer than/],
    [`{"jsonrpc":"2.0","result":"${large}","id":ID}`, /longer than/],
    [`{"id":ID,"error":{"code":1,"message":"${large}"},"jsonrpc":"2.0"}`, /longer than/],
    [`{"jsonrpc":"2.0","result":"${large}","id":ID,"more":"${large}"}`, /longer than/],
  ]) {
    const call = peer.request("config.getAll");
    decoder.push(Buffer.from(`${answer.replace("ID", sent.at(-1).id)}\n`));
    await assert.rejects(call, (error) => error.reason === "internal_error" && /^config.getAll: the answer is broken/.test(error.message) && why.test(error.message), answer);
    assert.equal(sent.at(-1).id, null, "the other side is told as well");
  }
  // What only looks like an answer ends nothing.
  const call = peer.request("config.getAll");
  const { id } = sent.at(-1);
  peer.receive(`{"jsonrpc":"2.0","id":${id},"method":"ping","result":1}`);
  peer.receive(`{"jsonrpc":"2.0","id":${id},"result":3}`);
  assert.equal(await call, 3);
});

test("a byte order mark is passed over at the beginning of a stream, however it is cut", () => {
  for (const size of [1, 2, 3, 100]) {
    const found = [];
    const decoder = new LineDecoder({ line: (text) => found.push(text) });
    const stream = Buffer.from("\ufeffa\n\ufeffb\n");
    for (let at = 0; at < stream.length; at += size) decoder.push(stream.subarray(at, at + size));
    assert.deepEqual(found, ["a", "\ufeffb"]);
  }
});

test("parameters that are not an object are refused in a call and ignored in a notification", async () => {
  const taken = [];
  const { peer, sent } = lone({ request: (method) => taken.push(method), notification: (method) => taken.push(method) });
  for (const params of ["[1]", "7", '"text"', "true"]) {
    peer.receive(`{"jsonrpc":"2.0","id":1,"method":"ping","params":${params}}`);
    peer.receive(`{"jsonrpc":"2.0","method":"told","params":${params}}`);
    await turn();
  }
  assert.deepEqual(taken, []);
  assert.deepEqual(sent.map(({ id, error }) => [id, error.code]), Array(4).fill([1, -32602]));
});

/** A peer's deadlines do not keep a process alive; a test that waits for one does. */
function awake(t) {
  const timer = setInterval(() => {}, 1000);
  t.after(() => clearInterval(timer));
}

test("an answer that does not come in time is a timeout, and the call is withdrawn", async (t) => {
  awake(t);
  const { peer, sent } = lone({}, 1);
  await assert.rejects(peer.request("config.get", { key: "k" }), { reason: "timeout", retryable: true });
  assert.deepEqual(sent.map(({ method, params }) => [method, params.id ?? params.key]), [["config.get", "k"], ["$/cancelRequest", 1]]);
  peer.receive('{"jsonrpc":"2.0","id":1,"result":{}}');
  assert.equal(sent.length, 2, "a late answer is dropped");
});

test("progress on a call lets those that were made after it expire first", async (t) => {
  awake(t);
  const { peer } = lone({}, 50);
  const ends = [];
  const calls = ["first", "second"].map((name) => peer.request(name).catch(() => ends.push(name)));
  peer.receive('{"jsonrpc":"2.0","method":"$/progress","params":{"id":1}}');
  await Promise.all(calls);
  assert.deepEqual(ends, ["second", "first"]);
});

test("a call whose id is still under way is refused, and the first one is answered", async () => {
  let finish;
  const { peer, sent } = lone({ request: () => new Promise((resolve) => (finish = resolve)) });
  peer.receive('{"jsonrpc":"2.0","id":"a","method":"slow"}');
  peer.receive('{"jsonrpc":"2.0","id":"a","method":"slow"}');
  await turn();
  finish({ done: true });
  await turn();
  assert.deepEqual(sent.map(({ error, result }) => error?.data.reason ?? result), ["invalid_request", { done: true }]);
});

test("more calls at once than can be kept are refused, urgent ones aside", async () => {
  const { peer, sent } = lone({ request: (method) => (method === "stop" ? {} : new Promise(() => {})), urgent: new Set(["stop"]) });
  for (let id = 0; id < 1025; id++) peer.receive(`{"jsonrpc":"2.0","id":${id},"method":"slow"}`);
  peer.receive('{"jsonrpc":"2.0","id":"end","method":"stop"}');
  await turn();
  assert.deepEqual(sent.map(({ id, error }) => [id, error?.data.reason]), [[1024, "limit_exceeded"], ["end", undefined]]);
});

test("calls beyond those that a host works on at once wait for their turn", async () => {
  const { peer, sent } = lone({ underWay: 2 });
  const answered = [];
  for (let call = 1; call <= 4; call++) void peer.request("config.get", { key: `k${call}` }).then(() => answered.push(call), () => {});
  const asked = () => sent.map(({ id }) => id);
  assert.deepEqual(asked(), [1, 2]);
  // An answer to what was not asked yet answers nothing, and progress makes no room.
  peer.receive('{"jsonrpc":"2.0","id":3,"result":{}}');
  peer.receive('{"jsonrpc":"2.0","method":"$/progress","params":{"id":1}}');
  assert.deepEqual(asked(), [1, 2]);
  peer.receive('{"jsonrpc":"2.0","id":2,"result":{}}');
  peer.receive('{"jsonrpc":"2.0","id":1,"error":{"code":-32003,"message":"busy"}}');
  assert.deepEqual(asked(), [1, 2, 3, 4]);
  peer.receive('{"jsonrpc":"2.0","id":3,"result":{}}');
  peer.receive('{"jsonrpc":"2.0","id":4,"result":{}}');
  await turn();
  assert.deepEqual(answered, [2, 3, 4]);
});

test("a call that has no turn ends at its deadline, and only what was asked is withdrawn", async () => {
  const { peer, sent } = lone({ underWay: 1 }, 20);
  const awake = setInterval(() => {}, 1000);
  const ends = await Promise.allSettled([peer.request("config.get", { key: "a" }), peer.request("config.get", { key: "b" })]);
  clearInterval(awake);
  assert.deepEqual(ends.map(({ reason }) => reason.reason), ["timeout", "timeout"]);
  const asked = sent.filter(({ method }) => method === "config.get").map(({ id }) => id);
  assert.deepEqual(sent.filter(({ method }) => method === "$/cancelRequest").map(({ params }) => params.id), asked);
});

test("a call that is withdrawn is answered at once and once, whatever comes of it later", async () => {
  for (const end of ["resolve", "reject"]) {
    const calls = [];
    const { peer, sent } = lone({ request: (_method, _params, call) => new Promise((resolve, reject) => calls.push({ call, resolve, reject })) });
    peer.receive('{"jsonrpc":"2.0","id":"a","method":"slow"}');
    const { signal } = calls[0].call;
    assert.equal(signal.aborted, false);
    peer.receive('{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":"a"}}');
    assert.deepEqual(sent.map(({ id, error }) => [id, error.code, error.data.reason]), [["a", -32800, "cancelled"]]);
    assert.deepEqual([signal.aborted, signal.reason.reason], [true, "cancelled"]);
    // Its id is free, and the one that has it now is another call.
    peer.receive('{"jsonrpc":"2.0","id":"a","method":"slow"}');
    calls[0][end](new Error("too late"));
    await turn();
    peer.receive('{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":"a"}}');
    assert.equal(calls[1].call.signal.aborted, true);
    calls[1].resolve();
    await turn();
    assert.equal(sent.length, 2);
  }
});

test("calls that were withdrawn and go on count among those that are under way", async () => {
  const ends = [];
  const { peer, sent } = lone({ request: () => new Promise((resolve) => ends.push(resolve)) });
  for (let id = 0; id < 1024; id++) {
    peer.receive(`{"jsonrpc":"2.0","id":${id},"method":"slow"}`);
    peer.receive(`{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":${id}}}`);
  }
  peer.receive('{"jsonrpc":"2.0","id":"more","method":"slow"}');
  await turn();
  assert.equal(sent.at(-1).error.data.reason, "limit_exceeded");
  ends[0]();
  await turn();
  peer.receive('{"jsonrpc":"2.0","id":"now","method":"slow"}');
  await turn();
  assert.equal(ends.length, 1025);
});

test("the end of the conversation aborts what is under way", () => {
  let signal;
  const { peer } = lone({ request: (_method, _params, call) => ((signal = call.signal), new Promise(() => {})) });
  peer.receive('{"jsonrpc":"2.0","id":1,"method":"slow"}');
  peer.end(new Error("gone"));
  assert.equal(signal.reason.message, "gone");
});

test("what cannot be sent is refused at the call, and an answer that cannot be sent is an error", async () => {
  let deep = [];
  for (let level = 0; level < 100; level++) deep = [deep];
  const { peer, sent } = lone({ request: (method) => ({ deep, big: "x".repeat(9 * MIB), loop: 1n }[method]) });
  await assert.rejects(peer.request("config.set", { value: deep }), { reason: "invalid_params" });
  await assert.rejects(peer.request("config.set", { value: "x".repeat(9 * MIB) }), { reason: "limit_exceeded", retryable: false });
  assert.deepEqual(sent, []);
  for (const method of ["deep", "big", "loop"]) peer.receive(`{"jsonrpc":"2.0","id":"${method}","method":"${method}"}`);
  await turn();
  assert.deepEqual(sent.map(({ id, error }) => [id, error.data.reason]), [["deep", "invalid_params"], ["big", "limit_exceeded"], ["loop", "internal_error"]]);
});

test("half of a surrogate pair is replaced where it is sent, and a backslash before a u is left alone", () => {
  const { peer, sent } = lone();
  peer.notify("log", { message: "a\ud83d\ud83d", text: "\\ud83d" });
  assert.deepEqual(sent[0].params, { message: "a\ufffd\ufffd", text: "\\ud83d" });
});

/** Values that fight back when they are looked at. */
const bomb = () => { throw new Error("do not look"); };
const withGetter = (member, error = new Error("kept")) => Object.defineProperty(error, member, { get: bomb });
const ODD = {
  "an object without a prototype": [() => Object.create(null), /not an Error was thrown/],
  "a toString that throws": [() => ({ toString: bomb }), /not an Error was thrown/],
  "a symbol": [() => Symbol("s"), /not an Error was thrown: Symbol\(s\)/],
  "undefined": [() => undefined, /not an Error was thrown: undefined/],
  "a code that throws": [() => withGetter("code"), /kept/],
  "a name that throws": [() => withGetter("name"), /kept/],
  "a stack that throws": [() => withGetter("stack"), /kept/],
  "a cause that throws": [() => withGetter("cause"), /kept/],
  "a message that throws": [() => withGetter("message"), /message cannot be read/],
  "a likeness of an error whose code throws": [() => withGetter("code", { message: "kept" }), /kept/],
  "a message that is not text": [() => Object.assign(new Error("x"), { message: 7n }), /7/],
  "a message without a prototype": [() => ({ message: Object.create(null) }), /message cannot be read/],
  "a revoked proxy": [() => { const { proxy, revoke } = Proxy.revocable(new Error("x"), {}); revoke(); return proxy; }, /not an Error was thrown/],
  "a proxy that answers nothing": [() => new Proxy({}, { get: bomb, has: bomb, getPrototypeOf: bomb, ownKeys: bomb }), /not an Error was thrown/],
  "an error of a call whose message is not text": [() => Object.assign(new CallError({ code: 7, message: "x" }), { message: 7n }), /7/],
};

test("whatever a handler throws, its caller is answered and the peer goes on", async () => {
  for (const [what, [make, message]] of Object.entries(ODD)) {
    const { peer, sent } = lone({ request: (method) => { if (method === "odd") throw make(); return {}; } });
    peer.receive('{"jsonrpc":"2.0","id":1,"method":"odd"}');
    peer.receive('{"jsonrpc":"2.0","id":2,"method":"next"}');
    await turn();
    assert.deepEqual(sent.map(({ id }) => id).sort(), [1, 2], what);
    assert.match(sent.find(({ id }) => id === 1).error.message, message, what);
  }
});

//! The golden vectors that every SDK reads and writes.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { LineDecoder, message, runPlugin } from "../dist/testing/index.js";

function vectors(file) {
  const text = readFileSync(new URL(`../../../proto-schema/vectors/${file}`, import.meta.url), "utf8");
  const found = text.split("\n").filter((line) => line.trim()).map((line) => JSON.parse(line));
  assert.ok(found.length > 5, `${file} is nearly empty`);
  return found;
}

/** What a decoder finds in reads of these bytes. */
function framesOf(chunks, limit) {
  const frames = [];
  const decoder = new LineDecoder({ line: (text, utf8) => frames.push({ line: text, utf8 }), oversized: () => frames.push({ oversized: true }) }, limit);
  for (const chunk of chunks) decoder.push(chunk);
  return frames;
}

/** A frame as the wire brings it: decoded, and parsed. */
function read(bytes) {
  const [frame, ...more] = framesOf([Buffer.concat([bytes, Buffer.from("\n")])]);
  assert.deepEqual(more, []);
  return message.parse(frame.line, frame.utf8);
}

/** A message as the vectors tell it. */
function meaning({ error, params, ...found }) {
  const given = error && { code: error.code, message: error.message, data: error.data };
  return { ...found, ...(params === undefined ? {} : { params }), ...(given ? { error: given } : {}) };
}

/** The vector's own words, with an error's absent `data` filled in as a reader of it sees it. */
function expected(means) {
  return means.error ? { ...means, error: { ...means.error, data: means.error.data ?? {} } } : means;
}

function write({ kind, id, method, params, result, error }) {
  if (kind === "request") return message.writeRequest(id, method, params ?? {});
  if (kind === "notification") return message.writeNotification(method, params ?? {});
  return kind === "result" ? message.writeResult(id, result) : message.writeError(id, error);
}

for (const { name, frame, means } of vectors("valid.jsonl")) {
  test(`${name}: is read as what it means`, () => {
    assert.deepEqual(meaning(read(Buffer.from(frame))), expected(means));
  });

  test(`${name}: is written so that it reads as the same`, () => {
    const written = write(means);
    assert.doesNotMatch(written, /\n/);
    const { trace: _, ...members } = JSON.parse(frame);
    if (members.error === null) delete members.error;
    if (members.method) members.params ??= {};
    assert.deepEqual(JSON.parse(written), members);
    assert.deepEqual(meaning(read(Buffer.from(written))), expected(means.method ? { params: {}, ...means } : means));
  });
}

for (const { name, frame, hex, outcome, code } of vectors("invalid.jsonl")) {
  test(`${name}: is not a message, and ${outcome}`, () => {
    const found = read(frame === undefined ? Buffer.from(hex.replaceAll(" ", ""), "hex") : Buffer.from(frame));
    assert.deepEqual([found.kind, found.error?.code], [outcome, code]);
  });
}

for (const { name, limit, chunks, frames } of vectors("streams.jsonl")) {
  test(`${name}: the frames are the same however the stream is cut`, () => {
    const reads = chunks.map((chunk) => Buffer.from(chunk));
    const whole = Buffer.concat(reads);
    const asTold = frames.map((frame) => (frame.oversized ? frame : { ...frame, utf8: true }));
    for (const cut of [reads, [whole], [...whole].map((byte) => Buffer.from([byte]))]) assert.deepEqual(framesOf(cut, limit), asTold);
  });
}

/** What a vector's notation stands for. */
function valueOf(notation) {
  if (typeof notation !== "object" || notation === null) return notation;
  if (Array.isArray(notation)) return notation.map(valueOf);
  const { $outboard: tag, value } = notation;
  if (tag === "number") return Number(value);
  if (tag === "bytes") return new Uint8Array(Buffer.from(value, "base64"));
  if (tag === "object") return value;
  if (tag === "half") return value === "key" ? { "a\ud83d": 1 } : "a\ud83d";
  if (tag === "circle") {
    const circle = {};
    return Object.assign(circle, { self: circle });
  }
  return Object.fromEntries(Object.entries(notation).map(([key, member]) => [key, valueOf(member)]));
}

const WRAP = { list: (inner) => [inner], object: (a) => ({ a }), set: (inner) => new Set([inner]), map: (inner) => new Map([[1, inner]]) };

test("a value is taken or refused, in the words of its vector", async (t) => {
  let ctx;
  const plugin = await runPlugin({ onStart: (given) => void (ctx = given), onStop() {} });
  t.after(() => plugin.stop());
  const said = async (call) => {
    try {
      await call();
      return null;
    } catch (error) {
      assert.ok(error instanceof TypeError, `${error}`);
      return error.message.replace('config.set("k"): ', "");
    }
  };
  for (const { name, value, within, config, event } of vectors("values.jsonl")) {
    let given = valueOf(value);
    for (let level = 0; level < (within?.times ?? 0); level++) given = WRAP[within.kind](given);
    if (config !== undefined) assert.equal(await said(() => ctx.config.set("k", given)), config, name);
    if (event !== undefined) assert.equal(await said(() => ctx.ipc.send("c", given)), event, name);
  }
});

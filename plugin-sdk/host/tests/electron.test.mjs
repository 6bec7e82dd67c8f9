//! Which Node runs plugins under Electron, told from the program's fuses alone. The programs here are files of the right shape.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { nodeForPlugins, runAsNodeFuse } from "../dist/index.js";

/** A file with the fuses of Electron at this place; the first is whether it may be Node. */
function program(t, first, at) {
  const folder = mkdtempSync(join(tmpdir(), "obf-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "my-app");
  const fuses = first === undefined ? Buffer.alloc(0) : Buffer.concat([Buffer.from("dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX"), Buffer.from([1, 8]), Buffer.from(`${first}1111111`)]);
  writeFileSync(file, Buffer.concat([Buffer.alloc(at), fuses, Buffer.alloc(100)]), { mode: 0o755 });
  return file;
}

test("Electron's own Node runs plugins unless its fuse is off, wherever in the program that stands", async (t) => {
  const piece = 4 * 1024 * 1024;
  for (const at of [0, 1000, piece - 40, piece - 33, piece, piece + 5]) {
    assert.equal(await runAsNodeFuse(program(t, "1", at)), "on", `at ${at}`);
    assert.equal(await runAsNodeFuse(program(t, "0", at)), "off", `at ${at}`);
  }
  assert.equal(await runAsNodeFuse(program(t, undefined, piece)), "unknown");
  const open = program(t, "1", 10);
  assert.deepEqual(await nodeForPlugins({ program: open, electron: "39.0.0" }), { node: open, why: "plugins run with Electron's own Node (39.0.0)" });
});

test("where the fuse is off the Node that the application ships is taken, and without one a sentence says what to do", async (t) => {
  const hardened = program(t, "0", 10);
  const { node, why } = await nodeForPlugins({ program: hardened, electron: "39.0.0", shipped: process.execPath });
  assert.equal(node, process.execPath);
  assert.match(why, /the fuse RunAsNode of this Electron is off/);
  await assert.rejects(nodeForPlugins({ program: hardened, electron: "39.0.0" }), { code: "bad-option", message: /the fuse RunAsNode of .* is off.*ship a Node with the application/ });
  await assert.rejects(nodeForPlugins({ program: hardened, electron: "39.0.0", shipped: "/nowhere/node" }), { message: /cannot be run: ENOENT/ });
});

test("outside Electron the Node on the PATH runs plugins", async () => {
  assert.equal((await nodeForPlugins()).node, undefined);
});

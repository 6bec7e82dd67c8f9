//! The built background module against a host in memory.

import assert from "node:assert/strict";
import { test } from "node:test";
import { runPlugin } from "@skyvexsoftware/stratos-sdk/testing";
import plugin from "../dist/background/index.js";

test("what the UI sets is pushed, answered and remembered", async () => {
  const running = await runPlugin(plugin, { id: "status-badge", config: { interval_ms: 60_000 } });
  assert.equal((await running.invoke("get-status")).connected, false);
  const answered = await running.invoke("set-connected", true);
  assert.deepEqual(await running.nextEvent("status-update"), answered);
  assert.ok(answered.since instanceof Date);
  assert.equal(running.config.get("connected"), true);
  await running.stop();
});

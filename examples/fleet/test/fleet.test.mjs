//! The built background module against a host in memory.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { runPlugin } from "@skyvexsoftware/stratos-sdk/testing";
import plugin from "../dist/background/index.js";

test("the route answers what the airline's server has", async (t) => {
  const airline = createServer((_req, res) => res.end(JSON.stringify([{ id: "1", name: "A320" }]))).listen(0, "127.0.0.1");
  t.after(() => airline.close());
  await new Promise((resolve) => airline.once("listening", resolve));
  const running = await runPlugin(plugin, { id: "fleet", config: { fleet_url: `http://127.0.0.1:${airline.address().port}/fleet` } });
  const response = await running.fetch("/api/fleet/fleet");
  assert.deepEqual(await response.json(), { success: true, data: [{ id: "1", name: "A320" }] });
  await running.stop();
});

test("a server that is not there is told as such", async () => {
  const running = await runPlugin(plugin, { id: "fleet", config: { fleet_url: "http://127.0.0.1:9/fleet" } });
  const response = await running.fetch("/api/fleet/fleet");
  assert.equal(response.status, 502);
  assert.match((await response.json()).error, /^Failed to fetch fleet/);
  await running.stop();
});

test("where no airline is set, the example's own server has a fleet to show", async () => {
  const running = await runPlugin(plugin, { id: "fleet" });
  const { success, data } = await (await running.fetch("/api/fleet/fleet")).json();
  assert.equal(success, true);
  assert.ok(data.length > 0 && data.every(({ id, name }) => id && name));
  await running.stop();
});

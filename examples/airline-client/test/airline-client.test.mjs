//! The built background module against a host in memory and an airline's server whose tokens expire.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { runPlugin } from "@skyvexsoftware/stratos-sdk/testing";
import plugin from "../dist/background/index.js";

test("a request with an expired token is renewed once and answered", async (t) => {
  const seen = [];
  const airline = createServer((req, res) => {
    seen.push(`${req.method} ${req.url} ${req.headers.authorization}`);
    const valid = req.headers.authorization === "Bearer new";
    res.writeHead(valid ? 200 : 401, { "content-type": "application/json" }).end(JSON.stringify(valid ? { pilotID: "P1", id: 7 } : {}));
  }).listen(0, "127.0.0.1");
  t.after(() => airline.close());
  await new Promise((resolve) => airline.once("listening", resolve));
  const bound = { id: "va", baseUrl: `http://127.0.0.1:${airline.address().port}`, token: "old", refresh: () => "new" };
  const running = await runPlugin(plugin, { id: "airline-client", airline: bound });
  assert.deepEqual(await (await running.fetch("/api/airline-client")).json(), { airline: "va", pilot: "P1" });
  assert.equal(await running.invoke("file-pirep", "QFA1", "EGLL"), 7);
  assert.deepEqual(seen, ["GET /pilot/verify Bearer old", "GET /pilot/verify Bearer new", "POST /pireps Bearer new"]);
  await running.stop();
});

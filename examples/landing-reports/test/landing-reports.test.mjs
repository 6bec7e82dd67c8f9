//! The built background module against a host in memory.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { runPlugin } from "@skyvexsoftware/stratos-sdk/testing";
import plugin from "../dist/background/index.js";

test("a report that was posted is there after a restart", async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), "landing-reports-"));
  t.after(() => rmSync(dataDir, { recursive: true }));
  const first = await runPlugin(plugin, { id: "landing-reports", dataDir });
  const posted = await first.fetch("/api/landing-reports/reports", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ flightId: "VA123", landingRate: -180.5 }),
  });
  assert.deepEqual([posted.status, await posted.json()], [201, { id: 1 }]);
  const refused = await first.fetch("/api/landing-reports/reports", { method: "POST" });
  assert.equal(refused.status, 400);
  await first.stop();

  const second = await runPlugin(plugin, { id: "landing-reports", dataDir });
  const [report] = await (await second.fetch("/api/landing-reports/reports")).json();
  assert.deepEqual([report.flight_id, report.landing_rate], ["VA123", -180.5]);
  assert.equal(second.logs.at(-1).message, "Found 1 landing reports");
  await second.stop();
});

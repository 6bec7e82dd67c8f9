//! What authors see in their editor: the examples and the documentation's calls type-check against the emitted types.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");
const TSC = createRequire(import.meta.url).resolve("typescript/bin/tsc");

for (const example of ["fleet", "landing-reports", "status-badge", "airline-client", "counter-ts"]) {
  test(`the example ${example} type-checks`, () => {
    const { status, stdout } = spawnSync(process.execPath, [TSC, "--noEmit", "-p", join(ROOT, "examples", example)], { encoding: "utf8" });
    assert.equal(status, 0, stdout);
  });
}

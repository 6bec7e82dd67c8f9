//! What is committed although it is built: it must be what the sources build, byte for byte.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { RUNNER_DIR, SHELL_DIR, buildRunner, buildShell } from "../scripts/build.mjs";

function contents(folder) {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => statSync(join(folder, name)).isFile());
  return new Map(files.sort().map((name) => [name, readFileSync(join(folder, name))]));
}

for (const [what, committed, build, command] of [
  ["the runner", RUNNER_DIR, buildRunner, "runner"],
  ["the shell page", SHELL_DIR, buildShell, "shell"],
]) {
  test(`${what} that is committed is what its sources build`, async (t) => {
    const fresh = mkdtempSync(join(tmpdir(), "outboard-fresh-"));
    t.after(() => rmSync(fresh, { recursive: true, force: true }));
    await build(join(fresh, "out"));
    const [now, then] = [contents(join(fresh, "out")), contents(committed)];
    assert.deepEqual([...then.keys()], [...now.keys()], `run \`node scripts/build.mjs ${command}\` and commit what it builds`);
    for (const [name, bytes] of now) assert.ok(bytes.equals(then.get(name)), `${name} is stale: run \`node scripts/build.mjs ${command}\` and commit what it builds`);
  });
}

test("the supervisor carries every file of the runner", () => {
  const source = readFileSync(fileURLToPath(new URL("../../../supervisor/host/src/javascript/runner.rs", import.meta.url)), "utf8");
  const [, list] = source.match(/embedded!\[\n([^]*?)\];/);
  assert.deepEqual([...list.matchAll(/"([^"]+)"/g)].map(([, file]) => file).sort(), [...contents(RUNNER_DIR).keys()].sort(), "name it in runner.rs");
});

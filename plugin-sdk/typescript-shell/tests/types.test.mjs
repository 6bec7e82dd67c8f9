//! The types that a plugin written for the shell finds under the original's name, as the runner provides them.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
const here = (path) => fileURLToPath(new URL(path, import.meta.url));

test("a plugin that uses every member compiles with tsc --strict, and nothing installed", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "outboard-shell-types-"));
  t.after(() => rmSync(folder, { recursive: true }));
  symlinkSync(here("../../typescript/dist-runner/node_modules"), join(folder, "node_modules"));
  copyFileSync(here("every-member.ts"), join(folder, "every-member.ts"));
  const tsc = [require.resolve("typescript/bin/tsc"), "--strict", "--noEmit", "--target", "es2022", "--module", "nodenext", "--lib", "es2023,dom", "every-member.ts"];
  const { status, stdout } = spawnSync(process.execPath, tsc, { cwd: folder, encoding: "utf8" });
  assert.equal(status, 0, stdout);
});

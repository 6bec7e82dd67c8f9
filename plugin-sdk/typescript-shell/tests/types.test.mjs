//! The types that a plugin written for the shell finds under the original's name, as the runner provides them.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
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
  const files = ["every-member.ts", "every-hook.ts"];
  for (const file of files) copyFileSync(here(file), join(folder, file));
  const tsc = [require.resolve("typescript/bin/tsc"), "--strict", "--noEmit", "--target", "es2022", "--module", "nodenext", "--lib", "es2023,dom", ...files];
  const { status, stdout } = spawnSync(process.execPath, tsc, { cwd: folder, encoding: "utf8" });
  assert.equal(status, 0, stdout);
});

for (const example of ["shell-host"]) {
  test(`${example} type-checks`, () => {
    const { status, stdout } = spawnSync(process.execPath, [require.resolve("typescript/bin/tsc"), "--noEmit", "-p", here(`../../../examples/${example}`)], { encoding: "utf8" });
    assert.equal(status, 0, stdout);
  });
}

test("the original's name, the shell's own and the page export the same names, in both halves of a plugin", async () => {
  const values = (exports) => Object.keys(exports).filter((name) => name !== "default").sort();
  const page = readFileSync(here("../../../supervisor/gateway/assets/shell/shell-sdk.js"), "utf8").match(/export const \{ (.*) \}/)[1].split(", ");
  const ui = values(await import("../dist/ui/index.js"));
  assert.deepEqual(page, ui);
  const background = await import("../dist/index.js");
  for (const name of ["@outboard/shell", "@skyvexsoftware/stratos-sdk"]) assert.deepEqual(values(await import(here(`../../typescript/dist-runner/node_modules/${name}/index.mjs`))), values(background), name);
  // A file that both halves import finds every name in both; what works in a page alone says so.
  for (const name of ui.filter((name) => name !== "connect")) assert.ok(name in background, name);
  assert.throws(() => background.useFlightPhase(), /useFlightPhase works in a UI module/);
});

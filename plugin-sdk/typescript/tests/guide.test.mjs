//! The samples of docs/WRITING-A-PLUGIN.md, as they stand there: run, built, tested and checked for their types.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { pluginsFolder, RunnerProcess } from "./scripted-host.mjs";

const run = promisify(execFile);
const SDK = join(dirname(fileURLToPath(import.meta.url)), "..");
const ROOT = join(SDK, "..", "..");

/** The blocks of the guide's section by language, in their order. */
function samples() {
  const [, section] = readFileSync(join(ROOT, "docs", "WRITING-A-PLUGIN.md"), "utf8").split("<!-- section: typescript -->");
  const blocks = [...section.split("<!-- end of section: typescript -->")[0].matchAll(/^```(\w+)\n(.*?)^```$/gms)];
  const of = (language) => blocks.filter(([, is]) => is === language).map(([, , text]) => text);
  const [background, vite, ...others] = of("ts");
  assert.deepEqual(others, []);
  return { background, vite, ui: of("tsx")[0], tested: of("js")[0] };
}

/** The guide's project, with the packages that its build needs. */
function project(t) {
  const folder = mkdtempSync(join(tmpdir(), "outboard-guide-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const { background, vite, ui, tested } = samples();
  const files = {
    "package.json": JSON.stringify({ type: "module", private: true }),
    "plugin.json": JSON.stringify({ id: "my-plugin", name: "My plugin", version: "1.0.0" }),
    "tsconfig.json": JSON.stringify({ extends: join(ROOT, "examples", "tsconfig.plugin.json"), compilerOptions: { preserveSymlinks: true, skipLibCheck: true }, include: ["src", "vite.config.ts"] }),
    "src/background/index.ts": background,
    "src/ui/index.tsx": ui,
    "vite.config.ts": vite,
    "test/my-plugin.test.mjs": tested,
  };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  return folder;
}

test("the guide's background module runs as it stands, in TypeScript", async (t) => {
  const folder = pluginsFolder(t);
  const runner = await RunnerProcess.spawn(t, folder, folder.write("my-plugin", { "index.ts": samples().background }, "index.ts"));
  await runner.start();
  assert.ok(runner.logs.some(({ tag, message }) => tag === "Start" && message === "units: metric"));
  await runner.stop();
});

test("the guide's project is built and passes its own test", async (t) => {
  const folder = project(t);
  const vite = join(ROOT, "node_modules", "vite", "bin", "vite.js");
  await run(process.execPath, [vite, "build", "--logLevel", "error"], { cwd: folder });
  await run(process.execPath, [vite, "build", "--logLevel", "error"], { cwd: folder, env: { ...process.env, BUILD_TARGET: "background" } });
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { stdout } = await run(process.execPath, ["--test", "test/my-plugin.test.mjs"], { cwd: folder, env });
  assert.match(stdout, /pass 1\b/);
});

test("the guide's samples have the types that they say", async (t) => {
  const folder = project(t);
  const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
  await run(process.execPath, [tsc, "--noEmit", "-p", folder]).catch(({ stdout }) => assert.fail(stdout));
});

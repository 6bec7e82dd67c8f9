//! The samples of docs/WRITING-A-PLUGIN.md, as they stand there: run, built, tested and checked for their types.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import ts from "typescript";
import { runPlugin } from "../dist/testing/index.js";
import { pluginsFolder, RunnerProcess } from "./scripted-host.mjs";

const run = promisify(execFile);
const SDK = join(dirname(fileURLToPath(import.meta.url)), "..");
const ROOT = join(SDK, "..", "..");

/** The blocks of a marked part of the guide by language, in their order. */
function blocks(part) {
  const [, section] = readFileSync(join(ROOT, "docs", "WRITING-A-PLUGIN.md"), "utf8").split(`<!-- ${part} -->`);
  const found = [...section.split(`<!-- end of ${part} -->`)[0].matchAll(/^```(\w+)\n(.*?)^```$/gms)];
  return (language) => found.filter(([, is]) => is === language).map(([, , text]) => text);
}

/** The blocks of the section for TypeScript. */
function samples() {
  const of = blocks("section: typescript");
  const [background, vite, ...others] = of("ts");
  assert.deepEqual(others, []);
  return { background, vite, ui: of("tsx")[0], tested: of("js")[0] };
}

/** The two plugins of the section on services. */
function services() {
  const [provider, consumer, ...others] = blocks("service: typescript")("ts");
  assert.deepEqual(others, []);
  return { provider, consumer };
}

/** The guide's project, with the packages that its build needs. */
function project(t) {
  const folder = mkdtempSync(join(tmpdir(), "outboard-guide-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const { background, vite, ui, tested } = samples();
  const { provider, consumer } = services();
  const files = {
    "package.json": JSON.stringify({ type: "module", private: true }),
    "plugin.json": JSON.stringify({ id: "my-plugin", name: "My plugin", version: "1.0.0" }),
    "tsconfig.json": JSON.stringify({ extends: join(ROOT, "examples", "tsconfig.plugin.json"), compilerOptions: { preserveSymlinks: true, skipLibCheck: true }, include: ["src", "vite.config.ts"] }),
    "src/background/index.ts": background,
    "src/ui/index.tsx": ui,
    "src/services/provider.ts": provider,
    "src/services/consumer.ts": consumer,
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

test("the guide's provider and consumer of a service do what they say", async (t) => {
  const folder = project(t);
  const module = async (name) => {
    const { outputText } = ts.transpileModule(readFileSync(join(folder, "src", "services", `${name}.ts`), "utf8"), { compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 } });
    const file = join(folder, `${name}.mjs`);
    writeFileSync(file, outputText);
    return (await import(file)).default;
  };
  const provider = await runPlugin(await module("provider"));
  t.after(() => provider.stop());
  assert.deepEqual(await provider.callProvided("weather", "getReport", { station: "EDDF" }), { wind: 12 });
  await assert.rejects(provider.callProvided("weather", "getReport", { station: "LSZH" }), { reason: "not_found" });
  await provider.callProvided("weather", "setReport", { station: "LSZH", wind: 7, caller: "a-liar" }, { caller: "briefing" });
  assert.deepEqual(provider.emitted, [{ service: "weather", event: "changed", payload: { station: "LSZH", wind: 7, by: "briefing" } }]);

  const consumer = await runPlugin(await module("consumer"), { services: { weather: { getReport: ({ station }) => ({ of: station }) } } });
  t.after(() => consumer.stop());
  assert.deepEqual(await consumer.invoke("get-briefing", "EDDF"), { of: "EDDF" });
  consumer.emitService("weather", "changed", { wind: 3 });
  assert.deepEqual(await consumer.nextEvent("changed"), { wind: 3 });
});

test("the guide's samples have the types that they say", async (t) => {
  const folder = project(t);
  const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
  await run(process.execPath, [tsc, "--noEmit", "-p", folder]).catch(({ stdout }) => assert.fail(stdout));
});

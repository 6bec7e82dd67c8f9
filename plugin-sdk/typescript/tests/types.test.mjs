//! What authors see in their editor: the examples and the documentation's calls type-check against the emitted types.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { pluginsFolder } from "./scripted-host.mjs";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");
const TSC = createRequire(import.meta.url).resolve("typescript/bin/tsc");

for (const example of ["fleet", "landing-reports", "status-badge", "airline-client", "counter-ts"]) {
  test(`the example ${example} type-checks`, () => {
    const { status, stdout } = spawnSync(process.execPath, [TSC, "--noEmit", "-p", join(ROOT, "examples", example)], { encoding: "utf8" });
    assert.equal(status, 0, stdout);
  });
}

for (const options of [["--module", "nodenext"], ["--module", "es2022", "--moduleResolution", "bundler"]]) {
  test(`a new TypeScript plugin is typed with nothing installed (${options[1]})`, (t) => {
    const folder = pluginsFolder(t);
    mkdirSync(join(folder.plugins, "greeter"));
    const file = join(folder.plugins, "greeter", "index.ts");
    copyFileSync(join(ROOT, "supervisor/cli/templates/index.js"), file);
    const tsc = (path) => spawnSync(process.execPath, [TSC, "--noEmit", "--strict", "--target", "es2022", ...options, path], { encoding: "utf8", cwd: folder.plugins });
    const right = tsc(file);
    assert.equal(right.status, 0, right.stdout);
    const wrong = folder.write("wrong", { "index.ts": readFileSync(file, "utf8").replace('ctx.logger.info("Start"', "ctx.logger.info(5") }, "index.ts");
    assert.match(tsc(wrong).stdout, /index\.ts\(\d+,\d+\): error TS2345: Argument of type 'number'/);
  });
}

test("a host application's questions to the control API are typed", (t) => {
  const { exports } = JSON.parse(readFileSync(join(ROOT, "plugin-sdk/typescript/package.json"), "utf8"));
  const types = join(ROOT, "plugin-sdk/typescript", exports["./control"].types).replace(/\.d\.ts$/, ".js");
  const folder = pluginsFolder(t);
  const check = (params, member) => {
    const file = folder.write("host", { "host.ts": `
      import type { ControlCalls, ControlSubscriptions } from ${JSON.stringify(types)};
      declare function ask<M extends keyof ControlCalls>(method: M, params: ControlCalls[M]["params"]): Promise<ControlCalls[M]["result"]>;
      export const told = (event: ControlSubscriptions["host.subscribe"]["item"]) => event.type === "auth.changed" && event.authenticated;
      export const shown = async () => (await ask("airline.set", ${params})).${member};
    ` }, "host.ts");
    return spawnSync(process.execPath, [TSC, "--noEmit", "--strict", "--target", "es2022", "--module", "nodenext", file], { encoding: "utf8", cwd: folder.plugins });
  };
  const right = check('{ id: "a", baseUrl: "https://a.example" }', "airline?.baseUrl");
  assert.equal(right.status, 0, right.stdout);
  const wrong = check('{ id: "a", baseURL: "https://a.example" }', "token").stdout;
  assert.match(wrong, /error TS2561: .*'baseURL' does not exist/);
  assert.match(wrong, /error TS2339: Property 'token' does not exist/);
});

test("every copy of the package exports the same names from the same entries", async () => {
  const values = (exports) => Object.keys(exports).filter((name) => name !== "default").sort();
  const runner = join(ROOT, "plugin-sdk/typescript/dist-runner/node_modules/@skyvexsoftware/stratos-sdk/index.mjs");
  const shell = readFileSync(join(ROOT, "supervisor/gateway/assets/shell/sdk.js"), "utf8").match(/export const \{ (.*) \}/)[1].split(", ");
  const [bare, helpers, ui] = await Promise.all(["index", "helpers", "ui/index"].map((entry) => import(`../dist/${entry}.js`)));
  assert.deepEqual(values(await import(runner)), values(bare));
  assert.deepEqual(shell, values(ui));
  for (const name of values(helpers)) assert.ok(name in bare && shell.includes(name), `${name} of helpers is nowhere else`);
  for (const name of ["createPlugin", "STRATOS_APP_BASE"]) assert.ok(name in helpers, `plugins import ${name} from helpers`);
});

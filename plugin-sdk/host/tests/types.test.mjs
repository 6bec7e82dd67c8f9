// The package's types, as a host application's compiler sees them: what is right passes, and slips are told by their names.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
const PACKAGE = join(dirname(fileURLToPath(import.meta.url)), "..");
const TSC = join(dirname(require.resolve("typescript/package.json")), "bin/tsc");

test("a host application's questions to the control API are typed", (t) => {
  const types = join(PACKAGE, require("../package.json").types).replace(/\.d\.ts$/, ".js");
  const folder = mkdtempSync(join(tmpdir(), "outboard-host-types-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "host.ts");
  const check = (params, member) => {
    writeFileSync(file, `
      import type { ControlCalls, ControlSubscriptions } from ${JSON.stringify(types)};
      declare function ask<M extends keyof ControlCalls>(method: M, params: ControlCalls[M]["params"]): Promise<ControlCalls[M]["result"]>;
      export const told = (event: ControlSubscriptions["host.subscribe"]["item"]) => event.type === "auth.changed" && event.authenticated;
      export const shown = async () => (await ask("airline.set", ${params})).${member};
    `);
    const given = ["--noEmit", "--strict", "--skipLibCheck", "--target", "es2022", "--module", "nodenext"];
    return spawnSync(process.execPath, [TSC, ...given, file], { encoding: "utf8", cwd: PACKAGE });
  };
  const right = check('{ id: "a", baseUrl: "https://a.example" }', "airline?.baseUrl");
  assert.equal(right.status, 0, right.stdout);
  const wrong = check('{ id: "a", baseURL: "https://a.example" }', "token").stdout;
  assert.match(wrong, /error TS2561: .*'baseURL' does not exist/);
  assert.match(wrong, /error TS2339: Property 'token' does not exist/);
});

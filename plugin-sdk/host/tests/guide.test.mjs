//! docs/EMBEDDING.md as it stands: its files are written into an empty folder, its commands and its application are run.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { BINARY, guideBlocks, lives, ROOT, statusOf, until, writeGuide } from "./embedded.mjs";

const ENVIRONMENT = { ...process.env, REPO: ROOT, OUTBOARD: BINARY, npm_config_offline: "true", npm_config_audit: "false", npm_config_fund: "false" };

/** A folder in which a reader has done everything that the document says. */
function followed(t, which) {
  const folder = mkdtempSync(join(tmpdir(), "obg-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [commands, ...others] = guideBlocks().filter(({ language }) => language === "sh");
  assert.deepEqual(others, []);
  execFileSync("sh", ["-eu", "-c", commands.content], { cwd: folder, env: ENVIRONMENT, stdio: ["ignore", "ignore", "inherit"] });
  writeGuide(folder, which);
  return folder;
}

test("a reader who does what the guide says sees what it says, and Outboard ends with the application", async (t) => {
  const child = spawn(process.execPath, ["app.js"], { cwd: followed(t, /greeter|app.js/), env: ENVIRONMENT, stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  let said = "";
  child.stdout.on("data", (chunk) => (said += chunk));
  const address = await until(() => said.match(/^open (http:\S+)$/m)?.[1]);
  await until(() => said.includes("greeted"));
  const shown = guideBlocks().find(({ language, content }) => language === "console" && content.includes("node app.js"));
  const lines = (text) => text.replace(/:\d+\//, ":PORT/").trim().split("\n").sort();
  assert.deepEqual(lines(said), lines(shown.content.replace(/^\$.*\n/, "")));
  assert.equal(await statusOf(address), 200);
  const supervisor = execFileSync("pgrep", ["-P", String(child.pid)], { encoding: "utf8" }).trim().split("\n").map(Number);
  assert.equal(supervisor.length, 1);
  child.kill("SIGINT");
  await until(() => child.exitCode !== null && !supervisor.some(lives));
  assert.equal(child.exitCode, 0);
});

test("the guide's service answers the guide's plugin, and is heard by it", (t) => {
  const said = execFileSync(process.execPath, ["service.js"], { cwd: followed(t, /invoices|service.js/), env: ENVIRONMENT, encoding: "utf8" });
  const shown = guideBlocks().find(({ language, content }) => language === "console" && content.includes("node service.js"));
  const lines = (text) => text.trim().split("\n").filter((line) => !line.endsWith("nobody")).sort();
  assert.deepEqual(lines(said), lines(shown.content.replace(/^\$.*\n/, "")));
});

test("the sample for Electron is what the example does", () => {
  const [sample] = guideBlocks().filter(({ language, file, content }) => language === "js" && !file && content.includes("nodeForPlugins"));
  const example = readFileSync(join(ROOT, "examples", "electron-host", "src", "shell.js"), "utf8");
  for (const line of sample.content.trim().split("\n")) assert.ok(example.includes(line.trim()), `examples/electron-host/src/shell.js does not have: ${line}`);
});

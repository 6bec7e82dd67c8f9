//! The application's main process: always with a stand-in for Electron, and with the real one where there is one.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { run } from "../src/shell.js";
import { standIn } from "./stand-in.mjs";

const EXAMPLE = join(dirname(fileURLToPath(import.meta.url)), "..");
process.env.OUTBOARD ??= process.env.OUTBOARD_BIN ?? join(EXAMPLE, "..", "..", "target", "debug", "outboard");

/** The application's folder, with one plugin that says what runs it. */
function userData(t) {
  const folder = mkdtempSync(join(tmpdir(), "obe-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const files = {
    "plugin.json": JSON.stringify({ id: "greeter", name: "Greeter", version: "1.0.0" }),
    "background/index.js": `export const onStart = (ctx) => ctx.ipc.handle("who", () => ({ electron: process.versions.electron ?? null })); export const onStop = () => {};`,
    "ui/index.js": `import { createElement } from "react"; export default () => createElement("h1", null, "Hello from a plugin");`,
  };
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, "plugins", "greeter", name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  return folder;
}

async function until(what) {
  for (;;) {
    const is = await what();
    if (is) return is;
    await pause(20);
  }
}

test("the main process lists plugins, opens a UI in a view of its own, and stops everything when it quits", async (t) => {
  const folder = userData(t);
  const { electron, seen, ask } = standIn(folder);
  await run(electron);
  t.after(() => seen.exited === undefined && electron.app.quit());
  assert.deepEqual(seen.errors, []);
  const [window] = seen.windows;
  assert.match(window.file, /index\.html$/);
  assert.match(window.options.webPreferences.preload, /preload\.cjs$/);
  const plugins = await ask("plugins");
  assert.deepEqual(plugins.map(({ id, state }) => ({ id, state })), [{ id: "greeter", state: "running" }]);
  await ask("open", "greeter");
  const [view] = seen.views;
  assert.deepEqual(view.webContents.loaded, [plugins[0].ui]);
  assert.deepEqual(view.bounds, { x: 240, y: 0, width: 960, height: 800 });
  assert.deepEqual(view.webContents.openHandler({ url: "https://example.org" }), { action: "deny" });
  const { port, pathname, host } = new URL(plugins[0].ui);
  // Browsers find `*.localhost` by themselves, and Node does not.
  const [page] = await once(get({ host: "127.0.0.1", port, path: pathname, headers: { host } }), "response");
  assert.equal(page.resume().statusCode, 200);
  electron.app.quit();
  await until(() => seen.exited === 0);
  await assert.rejects(fetch(`http://127.0.0.1:${port}/_outboard/health`));
});

test("an application whose Outboard cannot start says why, and exits", async (t) => {
  const folder = userData(t);
  const before = process.env.OUTBOARD;
  process.env.OUTBOARD = join(folder, "app.asar", "outboard");
  t.after(() => (process.env.OUTBOARD = before));
  const { electron, seen } = standIn(folder);
  await run(electron);
  assert.equal(seen.exited, 1);
  assert.match(seen.errors[0].text, /lies inside an archive of Electron's/);
});

/** The real Electron, if there is one: installed here, named, or on the PATH. */
function realElectron() {
  if (process.env.OUTBOARD_ELECTRON) return process.env.OUTBOARD_ELECTRON;
  try {
    return createRequire(import.meta.url)("electron");
  } catch {
    try {
      return execFileSync("sh", ["-c", "command -v electron"], { encoding: "utf8" }).trim();
    } catch {
      return undefined;
    }
  }
}

test("the real Electron runs the same application, where there is one", async (t) => {
  const electron = realElectron();
  if (electron === undefined) {
    const line = "********** NOT RUN: examples/electron-host in a real Electron. None is installed; `npm install --no-save electron`, or name one in OUTBOARD_ELECTRON. **********";
    t.diagnostic(line);
    return console.error(line);
  }
  const folder = userData(t);
  // Without a display of its own a machine needs `xvfb-run`.
  const words = [EXAMPLE, `--user-data-dir=${folder}`, "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0"];
  const child = spawn(electron, words, { stdio: ["ignore", "ignore", "pipe"] });
  t.after(() => child.kill("SIGKILL"));
  let said = "";
  child.stderr.on("data", (chunk) => (said += chunk));
  const debugging = await until(() => said.match(/DevTools listening on ws:\/\/([^/]+)/)?.[1]);
  await until(async () => (await (await fetch(`http://${debugging}/json`)).json()).some(({ url }) => url.endsWith("index.html")));
  assert.match(said, /plugins run with/);
  child.kill("SIGTERM");
  await until(() => child.exitCode !== null || child.signalCode !== null);
});

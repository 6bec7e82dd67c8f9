//! Applications that embed Outboard, as their users see them: the guide's plugin in a window, and in a frame of a web application.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { startOutboard } from "@outboard/host";
import { browser, withChromium } from "./chromium.mjs";
import { BINARY, writeGuide } from "../../plugin-sdk/host/tests/embedded.mjs";

withChromium();

function guide(t) {
  const folder = mkdtempSync(join(tmpdir(), "obw-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeGuide(folder);
  return { folder, plugins: join(folder, "plugins"), data: join(folder, "data") };
}

test("the address that the kit gives shows the plugin's UI, which reaches its plugin, also after a restart", async (t) => {
  const { plugins, data } = guide(t);
  const outboard = await startOutboard({ binary: BINARY, plugins, data, restart: { firstPause: 10 } });
  t.after(() => outboard.stop());
  const page = await browser.newPage();
  t.after(() => page.close());
  await page.goto(await outboard.uiUrl("greeter"));
  await page.getByRole("heading", { name: "Hello, window!" }).waitFor();
  const restored = once(outboard, "restored");
  process.kill(outboard.ready.pid, "SIGKILL");
  await restored;
  await page.reload();
  await page.getByRole("heading", { name: "Hello, window!" }).waitFor();
});

test("a web application in Rust holds a plugin's UI in a frame of the plugin's own origin", async (t) => {
  const { folder, plugins, data } = guide(t);
  const program = join(dirname(BINARY), "axum-host");
  const child = spawn(program, [plugins, data, "127.0.0.1:0"], { env: { ...process.env, OUTBOARD: BINARY, XDG_RUNTIME_DIR: folder }, stdio: ["ignore", "pipe", "inherit"] });
  t.after(async () => {
    child.kill("SIGTERM");
    if (child.exitCode === null) await once(child, "exit");
  });
  const [origin] = await once(createInterface({ input: child.stdout }), "line");
  const page = await browser.newPage();
  t.after(() => page.close());
  await page.goto(origin);
  const frame = page.frameLocator('iframe[title="Greeter"]');
  await frame.getByRole("heading", { name: "Hello, window!" }).waitFor();
  const answer = await page.evaluate(async () => (await fetch("/api/invoke/greeter/greet?with=Rust")).json());
  assert.equal(answer, "Hello, Rust!");
});

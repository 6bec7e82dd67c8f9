//! `outboard dev` in a real browser: what is wrong stands over the page, and the page is well again when a save has mended it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { browser, withChromium } from "./chromium.mjs";
import { ui } from "./modules.mjs";
import { binary } from "./supervisor.mjs";

const GUARD_MS = 60_000;
const MODULE = `import { createPlugin } from "@skyvexsoftware/stratos-sdk/helpers";
export default createPlugin({
  onStart(ctx) {
    // here
    setInterval(() => ctx.ipc.send("tick", "first"), 50);
  },
  onStop() {},
});
`;
const UI = (title) => `
  import { useEffect, useState } from "react";
  import { usePluginContext } from "@skyvexsoftware/stratos-sdk";
  export default () => {
    const { socket } = usePluginContext();
    const [tick, setTick] = useState("none");
    useEffect(() => { socket.on("tick", setTick); return () => socket.off("tick", setTick); }, [socket]);
    return <main><h1>${title}</h1><p>{"tick " + tick}</p></main>;
  };`;

withChromium();

/** A plugin with a UI, in the making. */
async function develop(t) {
  const root = mkdtempSync(join(tmpdir(), "outboard-development-"));
  const write = (name, text) => {
    mkdirSync(dirname(join(root, "made", name)), { recursive: true });
    writeFileSync(join(root, "made", name), text);
  };
  write("plugin.json", JSON.stringify({ id: "made", name: "Made", version: "1.0.0" }));
  write("background/index.js", MODULE);
  write("ui/index.js", await ui(UI("As it was")));
  const child = spawn(binary(), ["dev", join(root, "made"), "--json", "--listen", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, XDG_CONFIG_HOME: join(root, "config") } });
  t.after(async () => {
    child.kill("SIGINT");
    if (child.exitCode === null) await once(child, "exit");
    rmSync(root, { recursive: true, force: true });
  });
  const said = [];
  let rest = "";
  child.stdout.setEncoding("utf8").on("data", (text) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop();
    said.push(...lines.map((line) => JSON.parse(line)));
  });
  const until = async (event) => {
    for (const end = Date.now() + GUARD_MS; Date.now() < end; await new Promise((done) => setTimeout(done, 10))) {
      const at = said.findIndex((one) => one.event === event);
      if (at >= 0) return said.splice(0, at + 1).at(-1);
    }
    assert.fail(`no ${event}: ${JSON.stringify(said)}`);
  };
  const edit = (name, from, to) => write(name, readFileSync(join(root, "made", name), "utf8").replace(from, to));
  const { page } = await until("running");
  return { address: page, until, edit, write };
}

async function open(t, address, size = { width: 1400, height: 900 }) {
  const page = await browser.newPage({ viewport: size });
  t.after(() => page.close());
  await page.goto(address);
  return page;
}

test("what a save broke stands over the page with its line until a save has mended it, and the page hears its plugin all along", async (t) => {
  const { address, until, edit } = await develop(t);
  const page = await open(t, address);
  await page.getByText("tick first").waitFor();
  await page.evaluate(() => (globalThis.sameDocument = true));

  edit("background/index.js", "// here", "ctx.teleport.go();");
  await until("failed");
  const overlay = page.getByRole("alertdialog", { name: "This plugin does not run" });
  await overlay.waitFor();
  assert.match(await overlay.innerText(), /this host has no ctx\.teleport; onStart threw TypeError[^]*background\/index\.js:4:18[^]*> 4 \|\s+ctx\.teleport\.go\(\);/);
  if (process.env.OUTBOARD_SHOTS) await page.screenshot({ path: join(process.env.OUTBOARD_SHOTS, "fault-1400.png") });
  // A page that is opened meanwhile is told too; Esc closes what it shows.
  const late = await open(t, address, { width: 360, height: 740 });
  await late.getByRole("alertdialog").waitFor();
  if (process.env.OUTBOARD_SHOTS) await late.screenshot({ path: join(process.env.OUTBOARD_SHOTS, "fault-360.png") });
  await late.keyboard.press("Escape");
  await late.getByRole("alertdialog").waitFor({ state: "detached" });

  edit("background/index.js", "ctx.teleport.go();", "");
  edit("background/index.js", '"first"', '"second"');
  await overlay.waitFor({ state: "detached" });
  await page.getByText("tick second").waitFor();
  assert.equal(await page.evaluate(() => globalThis.sameDocument), true, "the page was not loaded anew");
});

test("a UI that is saved is loaded anew, and its plugin is not restarted for it", async (t) => {
  const { address, until, write } = await develop(t);
  const page = await open(t, address);
  await page.getByRole("heading", { name: "As it was" }).waitFor();
  write("ui/index.js", await ui(UI("As it is")));
  await until("reloaded");
  await page.getByRole("heading", { name: "As it is" }).waitFor();
  // One that cannot be loaded is no end.
  write("ui/index.js", "export default 5 +;");
  await until("reloaded");
  await page.getByRole("alert").waitFor();
  write("ui/index.js", await ui(UI("As it will be")));
  await page.getByRole("heading", { name: "As it will be" }).waitFor();
});

//! Plugins' UIs in a real browser, in the shell page of a real supervisor. Needs Chromium (Debian's package, or the program
//! that OUTBOARD_CHROMIUM names).

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { browser, withChromium } from "./chromium.mjs";
import { background, ui } from "./modules.mjs";
import { ROOT, Supervisor } from "./supervisor.mjs";

withChromium();

/** A page that fails the test at any error of its scripts. */
async function open(t, supervisor, id) {
  const page = await browser.newPage();
  t.after(() => page.close());
  page.errors = [];
  page.on("pageerror", (error) => page.errors.push(error.message));
  await page.goto(`${supervisor.base}/_outboard/shell/${id}`);
  return page;
}

const FLEET_UI = `
import { useQuery } from "@tanstack/react-query";
import { STRATOS_APP_BASE } from "@skyvexsoftware/stratos-sdk";

function FleetList() {
  const { data, isLoading } = useQuery({
    queryKey: ["fleet"],
    queryFn: () =>
      fetch(\`\${STRATOS_APP_BASE}/api/my-plugin/fleet\`).then((r) => r.json()),
  });

  if (isLoading) return <p>Loading...</p>;
  return <ul>{data?.data?.map((f) => <li key={f.id}>{f.name}</li>)}</ul>;
}
export default FleetList;`;

const FLEET_BACKGROUND = (url) => `
import { createPlugin } from "@skyvexsoftware/stratos-sdk/helpers";
import { Router } from "express";

const router = Router();

router.get("/fleet", async (req, res) => {
  try {
    const response = await fetch("${url}");
    const data = await response.json();
    res.json({ success: true, data });
  } catch (err) {
    res.status(500).json({ success: false, error: "Failed to fetch fleet" });
  }
});

export default createPlugin({
  async onStart(ctx) {
    ctx.server.registerRouter("/api/my-plugin", router);
    ctx.logger.info("MyPlugin", "Routes registered");
  },

  async onStop(ctx) {
    ctx.logger.info("MyPlugin", "Stopping...");
  },
});`;

const BADGE_UI = `
import { usePluginContext } from "@skyvexsoftware/stratos-sdk";
import { useEffect, useState } from "react";

export function StatusBadge() {
  const { socket } = usePluginContext();
  const [status, setStatus] = useState<{ connected: boolean; pilots: number }>();

  useEffect(() => {
    const handler = (payload: unknown) => setStatus(payload as never);
    socket.on("status-update", handler);
    return () => socket.off("status-update", handler);
  }, [socket]);

  return <span>{status?.connected ? "online" : "offline"}</span>;
}`;

const BADGE_BACKGROUND = `
import { createPlugin } from "@skyvexsoftware/stratos-sdk/helpers";
export default createPlugin({
  async onStart(ctx) {
    ctx.ipc.handle("flip", (connected) => ctx.ipc.send("status-update", { connected, pilots: 42 }));
  },
  async onStop() {},
});`;

async function fleetServer(t) {
  const server = createServer((_req, res) => res.end(JSON.stringify([{ id: "1", name: "A320neo" }, { id: "2", name: "B738" }]))).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return `http://127.0.0.1:${server.address().port}/fleet`;
}

test("the documentation's FleetList shows what its route answers", async (t) => {
  const files = { "background/index.js": await background(FLEET_BACKGROUND(await fleetServer(t))), "ui/index.js": await ui(FLEET_UI) };
  const supervisor = await Supervisor.start(t, { "my-plugin": files });
  const page = await open(t, supervisor, "my-plugin");
  await page.getByText("B738").waitFor();
  assert.deepEqual(await page.getByRole("listitem").allTextContents(), ["A320neo", "B738"]);
  assert.deepEqual(page.errors, []);
});

test("the documentation's StatusBadge flips when its plugin pushes, goes on after a kill, and another plugin's page sees nothing", async (t) => {
  const files = { "background/index.js": await background(BADGE_BACKGROUND), "ui/index.js": await ui(BADGE_UI) };
  const supervisor = await Supervisor.start(t, { badge: files, other: files });
  const [page, other] = [await open(t, supervisor, "badge"), await open(t, supervisor, "other")];
  for (const each of [page, other]) await each.getByText("offline").waitFor();
  await page.evaluate(() => (globalThis.notReloaded = true));

  await supervisor.cli("call", "badge", "flip", "true");
  await page.getByText("online", { exact: true }).waitFor();

  const { pid } = await supervisor.plugin("badge");
  process.kill(pid, "SIGKILL");
  await supervisor.until("another process runs", async () => {
    const plugin = await supervisor.plugin("badge");
    return plugin.state === "running" && plugin.pid !== pid;
  });
  await supervisor.cli("call", "badge", "flip", "false");
  await page.getByText("offline", { exact: true }).waitFor();
  await supervisor.cli("call", "badge", "flip", "true");
  await page.getByText("online", { exact: true }).waitFor();
  assert.equal(await page.evaluate(() => globalThis.notReloaded), true);

  assert.equal(await other.locator("#root span").textContent(), "offline", "the other plugin pushed nothing");
  assert.deepEqual([...page.errors, ...other.errors], []);
});

test("a page goes on after the supervisor itself was restarted", async (t) => {
  const files = { "background/index.js": await background(BADGE_BACKGROUND), "ui/index.js": await ui(BADGE_UI) };
  const supervisor = await Supervisor.start(t, { badge: files });
  const page = await open(t, supervisor, "badge");
  await page.getByText("offline").waitFor();
  await page.evaluate(() => (globalThis.notReloaded = true));
  await supervisor.stop();
  await page.getByText("Outboard is not reached").waitFor();
  await supervisor.up();
  await page.getByText("Outboard is not reached").waitFor({ state: "detached" });
  await supervisor.cli("call", "badge", "flip", "true");
  await page.getByText("online", { exact: true }).waitFor();
  assert.equal(await page.evaluate(() => globalThis.notReloaded), true);
});

test("a UI reads its configuration at once, sees changes, calls its plugin, and keeps the socket's rules", async (t) => {
  const source = `
    import { usePluginContext } from "@skyvexsoftware/stratos-sdk";
    import { useState } from "react";
    const refusal = (act) => { try { act(); return "accepted"; } catch (error) { return error.message; } };
    export default function Plugin() {
      const { pluginId, config, socket, invoke } = usePluginContext();
      const [answer, setAnswer] = useState("");
      const ask = async () => {
        const value = await invoke("rich", { when: new Date(0), tags: new Set(["a"]), big: 10n ** 20n });
        setAnswer([value.get("when").toISOString(), value.get("tags").has("a"), value.get("big")].join(" "));
      };
      return <>
        <h1>{pluginId}</h1>
        <output>{config.get("greeting", "none")}</output>
        <button onClick={ask}>ask</button><code>{answer}</code>
        <p id="emit">{refusal(() => socket.emit("x", 1))}</p>
        <p id="prefix">{refusal(() => socket.on("plugin:other:x", () => {}))}</p>
      </>;
    }`;
  const answering = `export default { onStart(ctx) { ctx.ipc.handle("rich", (value) => new Map(Object.entries(value))); }, onStop() {} };`;
  const supervisor = await Supervisor.start(t, {
    reader: {
      "plugin.json": JSON.stringify({ id: "reader", name: "Reader", version: "1.0.0", availableSettings: [{ key: "greeting", name: "Greeting", type: "text", scope: "user", default: "hello" }] }),
      "background/index.js": answering,
      "ui/index.js": await ui(source),
    },
  });
  const page = await open(t, supervisor, "reader");
  await page.getByRole("heading", { name: "reader" }).waitFor();
  assert.equal(await page.locator("output").textContent(), "hello", "the manifest's default is there at the first render");
  await supervisor.cli("config", "set", "reader", "greeting", "\"good evening\"");
  await page.locator("output", { hasText: "good evening" }).waitFor();
  await page.getByRole("button").click();
  await page.locator("code", { hasText: "1970-01-01T00:00:00.000Z true 100000000000000000000" }).waitFor();
  assert.match(await page.locator("#emit").textContent(), /a UI does not send events; call invoke/);
  assert.match(await page.locator("#prefix").textContent(), /give the leaf name alone \("x"\)/);
  assert.deepEqual(page.errors, []);
});

test("the examples that have a UI show it", async (t) => {
  const example = (id) => join(ROOT, "examples", id, "dist");
  const supervisor = await Supervisor.start(t, { fleet: example("fleet"), "status-badge": example("status-badge") });
  await supervisor.cli("config", "set", "fleet", "fleet_url", JSON.stringify(await fleetServer(t)));
  const fleet = await open(t, supervisor, "fleet");
  await fleet.getByText("A320neo").waitFor();
  const badge = await open(t, supervisor, "status-badge");
  await badge.getByRole("button", { name: "Go online" }).click();
  await badge.getByTestId("badge").getByText("online").waitFor();
  assert.deepEqual([...fleet.errors, ...badge.errors], []);
});

test("a plugin with a UI alone shows it and nothing above it, and helpers names the page's origin", async (t) => {
  const source = `
    import { STRATOS_APP_BASE } from "@skyvexsoftware/stratos-sdk/helpers";
    import { usePluginContext } from "@skyvexsoftware/stratos-sdk/ui";
    export default () => <p data-testid="said">{usePluginContext().state} at {STRATOS_APP_BASE}</p>;`;
  const supervisor = await Supervisor.start(t, { "only-ui": { "ui/index.js": await ui(source) } });
  const page = await open(t, supervisor, "only-ui");
  const origin = await page.evaluate(() => location.origin);
  await page.getByTestId("said").getByText(`ui-only at ${origin}`).waitFor();
  assert.equal(await page.locator(".outboard-notice").count(), 0);
  assert.deepEqual(page.errors, []);
});

test("a UI that fails and one that is not there are told in the page", async (t) => {
  const supervisor = await Supervisor.start(t, { broken: { "ui/index.js": `export default () => { throw new Error("no hooks today"); };` } });
  const broken = await open(t, supervisor, "broken");
  await broken.getByRole("alert").getByText("This plugin's UI failed: no hooks today").waitFor();
  supervisor.install("bare", { "background/index.js": "export default { onStart() {}, onStop() {} };" });
  await supervisor.cli("rescan");
  const absent = await open(t, supervisor, "absent");
  await absent.getByRole("alert").getByText("There is no plugin “absent”.").waitFor();
  await absent.getByRole("link", { name: "broken" }).click();
  await absent.getByRole("alert").getByText("UI failed: no hooks today").waitFor();
  const bare = await open(t, supervisor, "bare");
  await bare.getByRole("alert").getByText("The plugin “bare” has no UI").waitFor();
});

test("the supervisor's own pages leave the browser's console free of errors", async (t) => {
  const supervisor = await Supervisor.start(t, { plain: { "ui/index.js": await ui(`export default () => <p>no style sheet</p>;`) } });
  const page = await browser.newPage();
  t.after(() => page.close());
  const told = [];
  page.on("pageerror", (error) => told.push(error.message));
  page.on("console", (message) => message.type() === "error" && told.push(`${message.text()} ${message.location().url}`));
  page.on("response", (response) => response.status() >= 400 && told.push(`${response.status()} ${response.url()}`));
  await page.goto(supervisor.base);
  await page.evaluate(() => fetch("/favicon.ico"));
  await page.getByRole("link", { name: "plain" }).first().click();
  await page.frameLocator("#desk-frame").getByText("no style sheet").waitFor();
  await page.waitForLoadState("networkidle");
  assert.deepEqual(told, []);
});

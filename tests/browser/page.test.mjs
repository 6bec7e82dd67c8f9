//! The operator's page in a real browser: a sidebar with badges, each plugin's UI in a frame of its own origin, one history, and nothing
//! that a frame or a foreign page can do beyond what it is there for.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { open, withChromium } from "./chromium.mjs";
import { background, ui } from "./modules.mjs";
import { Supervisor } from "./supervisor.mjs";

withChromium();

const item = (page, id) => page.locator(`[data-item="${id}"] a`);
const frame = (page) => page.frameLocator("#desk-frame");
const path = (page) => page.evaluate(() => location.pathname + location.search + location.hash);
const shot = async (page, name) => {
  for (const width of [1400, 360]) {
    await page.setViewportSize({ width, height: 760 });
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name}: ${width} pixels are enough`);
    if (process.env.OUTBOARD_SCREENSHOTS) await page.screenshot({ path: `${process.env.OUTBOARD_SCREENSHOTS}/${name}-${width}.png` });
  }
  await page.setViewportSize({ width: 1280, height: 720 });
};

/** A UI that goes places: within itself, to others, to the list; and says where it is. */
const ROAMER = `
import { usePluginContext } from "@skyvexsoftware/stratos-sdk";
export default () => {
  const { pluginId, navigation: to, toast, state } = usePluginContext();
  globalThis.to = to;
  return <main><h1>{pluginId} at {to.getCurrentPath()} {state}</h1>
    <button onClick={() => to.navigateTo("/flights/7?leg=2")}>inside</button>
    <a href="#/linked">link</a>
    <button onClick={() => history.pushState(null, "", "#/pushed")}>push</button>
    <button onClick={() => to.navigateToPlugin("two", "/landings")}>other</button>
    <button onClick={() => to.navigateToShell()}>home</button>
    <button onClick={() => toast.success("saved <b>it</b>")}>tell</button></main>;
};`;
const BROKEN = `export default () => { throw new Error("no hooks today"); };`;
const SILENT = `export default { onStart() {}, onStop() {} };`;

test("each plugin's UI is in a frame of its own origin, and the address, back, forward, a reload and a link lead to its paths", async (t) => {
  const files = { "ui/index.js": await ui(ROAMER) };
  const supervisor = await Supervisor.start(t, { one: files, two: files });
  const page = await open(t, `${supervisor.base}/`);
  assert.equal(await page.evaluate(() => location.origin), supervisor.origin("outboard"));
  await item(page, "one").click();
  await frame(page).getByRole("heading", { name: "one at / ui-only" }).waitFor();
  assert.equal(await path(page), "/plugins/one");
  assert.equal(await page.title(), "one – Outboard");
  assert.equal(new URL(page.frames()[1].url()).origin, supervisor.origin("one"));
  assert.equal(await item(page, "one").getAttribute("aria-current"), "page");

  await frame(page).getByRole("button", { name: "inside" }).click();
  await page.waitForURL("**/plugins/one/flights/7?leg=2");
  await frame(page).getByRole("link", { name: "link" }).click();
  await page.waitForURL("**/plugins/one/linked");
  await frame(page).getByRole("button", { name: "push" }).click();
  await page.waitForURL("**/plugins/one/pushed");
  await page.goBack();
  await frame(page).getByRole("heading", { name: "one at /linked" }).waitFor();
  await page.goBack();
  await frame(page).getByRole("heading", { name: "one at /flights/7?leg=2" }).waitFor();
  assert.equal(await path(page), "/plugins/one/flights/7?leg=2");
  await page.reload();
  await frame(page).getByRole("heading", { name: "one at /flights/7?leg=2" }).waitFor();

  await frame(page).getByRole("button", { name: "other" }).click();
  await frame(page).getByRole("heading", { name: "two at /landings" }).waitFor();
  assert.equal(await path(page), "/plugins/two/landings");
  // The keyboard was in the frame that is gone, and goes on in the one that came.
  await page.waitForFunction(() => document.activeElement?.id === "desk-frame");
  await page.goBack();
  await frame(page).getByRole("heading", { name: "one at /flights/7?leg=2" }).waitFor();
  await page.goBack();
  await frame(page).getByRole("heading", { name: "one at /" }).waitFor();
  await page.goForward();
  await frame(page).getByRole("heading", { name: "one at /flights/7?leg=2" }).waitFor();
  await frame(page).getByRole("button", { name: "home" }).click();
  await page.getByRole("heading", { name: "Outboard" }).waitFor();
  assert.equal(await path(page), "/");

  const linked = await open(t, `${supervisor.base}/plugins/two/a%20b/c#d`);
  await frame(linked).getByRole("heading", { name: "two at /a%20b/c#d" }).waitFor();
  assert.equal(linked.url(), `${supervisor.origin("outboard")}/plugins/two/a%20b/c#d`);
  // What an address cannot hold stays out of it.
  await linked.frames()[1].evaluate(() => globalThis.to.navigateTo("/../../_outboard/health"));
  await frame(linked).getByRole("heading", { name: "two at /../../_outboard/health" }).waitFor();
  assert.equal(await path(linked), "/plugins/two");
  assert.equal(await linked.evaluate(() => fetch("/plugins/nobody").then(({ status }) => status)), 404);
  assert.deepEqual([...page.errors, ...linked.errors], []);
});

test("a broken UI takes its own frame alone, and one without a UI, or that is not there, is told", async (t) => {
  const supervisor = await Supervisor.start(t, { broken: { "ui/index.js": BROKEN }, whole: { "ui/index.js": await ui(ROAMER) }, bare: { "background/index.js": SILENT } });
  const page = await open(t, `${supervisor.base}/plugins/broken`);
  await frame(page).getByRole("alert").getByText("This plugin's UI failed: no hooks today").waitFor();
  await item(page, "whole").click();
  await frame(page).getByRole("heading", { name: "whole at /" }).waitFor();
  await item(page, "bare").click();
  await page.getByText("bare has no UI: its folder holds no ui/index.js.").waitFor();
  await page.goto(`${supervisor.base}/plugins/nobody`);
  await page.getByRole("alert").getByText("There is no plugin “nobody”.").waitFor();
  await page.getByRole("link", { name: "All plugins" }).click();
  await page.getByRole("heading", { name: "Outboard" }).waitFor();
  // One that comes while the page is open, and one that goes.
  supervisor.install("late", { "ui/index.js": await ui(ROAMER) });
  await supervisor.cli("rescan");
  await item(page, "late").click();
  await frame(page).getByRole("heading", { name: "late at /" }).waitFor();
});

/** Sets its badge when it is told to, tells, and dies when it is told to. */
const BADGED = `
import { createPlugin } from "@skyvexsoftware/stratos-sdk";
export default createPlugin({
  onStart(ctx) {
    ctx.ipc.handle("badge", (badge) => (badge ? ctx.plugin.setIndicator(badge) : ctx.plugin.clearIndicator()));
    ctx.ipc.handle("tell", (message) => ctx.notify.toast(message, { type: "warning" }));
    ctx.ipc.handle("sound", (name) => ctx.notify.playSound(name));
    ctx.ipc.handle("play", (file) => ctx.notify.playCustomSound(file));
    ctx.ipc.handle("ask", () => ctx.dialog.confirm({ title: "Divert?", message: "Fuel is low.", confirmLabel: "Divert", cancelLabel: "Go on" }));
  },
  onStop() {},
});`;

test("a plugin's badge appears, opening takes one that asks for it, and the error badge wins while the plugin is broken, all without asking", async (t) => {
  const files = { "background/index.js": await background(BADGED), "ui/index.js": await ui(ROAMER) };
  const supervisor = await Supervisor.start(t, { badged: files, other: files }, "[restart]\nin_a_row = 1\n");
  await supervisor.untilState("badged", "running");
  const page = await open(t, `${supervisor.base}/`);
  await item(page, "badged").waitFor();
  const dot = page.locator('[data-item="badged"] .desk-dot');
  const badge = (value) => supervisor.cli("call", "badged", "badge", JSON.stringify(value));
  await supervisor.until("the page shows the badge", async () => {
    await badge({ type: "warning", tooltip: "3 landings" });
    return (await dot.count()) > 0;
  });
  assert.equal(await dot.getAttribute("data-kind"), "warning");
  await page.getByRole("link", { name: "badged, 3 landings" }).first().waitFor();
  await shot(page, "list-badge");
  await badge(null);
  await dot.waitFor({ state: "detached" });
  await badge({ type: "notification", tooltip: "2 new", dismissOnOpen: true });
  await page.getByRole("link", { name: "badged, 2 new" }).waitFor();
  await item(page, "badged").click();
  await dot.waitFor({ state: "detached" });

  await badge({ type: "notification", tooltip: "still there" });
  await page.getByRole("link", { name: "badged, still there" }).waitFor();
  await frame(page).getByRole("heading", { name: "badged at / running" }).waitFor();
  const heard = [];
  page.on("request", (request) => heard.push(request.url()));
  for (let died = false; !died; ) {
    const plugin = await supervisor.plugin("badged");
    if (plugin.state === "errored") died = true;
    else if (plugin.pid) try { process.kill(plugin.pid, "SIGKILL"); } catch { /* it was quicker */ }
  }
  await page.locator('[data-item="badged"] .desk-dot[data-kind="error"]').waitFor();
  await page.getByRole("link", { name: "badged, does not run" }).waitFor();
  await page.getByRole("alert").getByText("badged is errored").waitFor();
  await frame(page).getByText("The plugin is errored.").waitFor();
  assert.deepEqual(heard, [], "nothing was asked for");
  await shot(page, "frame-errored");
  await supervisor.cli("restart", "badged");
  await dot.waitFor({ state: "detached" });
  await frame(page).getByText("The plugin is errored.").waitFor({ state: "detached" });
  assert.deepEqual(page.errors, []);
});

test("messages of UIs and of background programs are shown over everything with the plugin's name, and a plugin's sound is played from its own folder", async (t) => {
  const files = { "background/index.js": await background(BADGED), "ui/index.js": await ui(ROAMER), "assets/ding.wav": wave(), "plugin.json": JSON.stringify({ id: "badged", name: "The Badged", version: "1.0.0" }) };
  const supervisor = await Supervisor.start(t, { badged: files });
  const page = await open(t, `${supervisor.base}/plugins/badged`);
  await frame(page).getByRole("button", { name: "tell" }).click();
  const toast = page.locator("[data-sonner-toast]", { hasText: "saved <b>it</b>" });
  await toast.getByText("The Badged").waitFor();
  await supervisor.cli("call", "badged", "tell", '"fuel is low"');
  await page.locator("[data-sonner-toast]", { hasText: "fuel is low" }).getByText("The Badged").waitFor();
  await page.evaluate(() => {
    const Tone = globalThis.OscillatorNode;
    globalThis.tones = [];
    globalThis.OscillatorNode = function (context, options) {
      globalThis.tones.push(options.frequency);
      return new Tone(context, options);
    };
  });
  await supervisor.cli("call", "badged", "sound", '"success"');
  await page.waitForFunction(() => globalThis.tones.join() === "660,880");
  const played = page.waitForResponse((response) => response.url().endsWith("/assets/ding.wav"));
  await supervisor.cli("call", "badged", "play", '"assets/ding.wav"');
  assert.equal((await played).status() < 300, true);
  assert.equal((await played).url(), `${supervisor.origin("badged")}/_outboard/plugins/badged/assets/ding.wav`);

  const asked = supervisor.cli("call", "badged", "ask");
  const dialog = page.getByRole("dialog", { name: "Divert?" });
  await dialog.getByText("asked by The Badged").waitFor();
  await shot(page, "dialog");
  await dialog.getByRole("button", { name: "Divert" }).click();
  assert.match(await asked, /true/);
  // A flood is not shown.
  await page.frames()[1].evaluate((home) => { for (let i = 0; i < 500; i++) parent.postMessage({ outboard: "toast", kind: "info", text: `flood ${i}` }, home); }, supervisor.origin("outboard"));
  await page.waitForTimeout(200);
  assert.ok((await page.locator("[data-sonner-toast]").count()) <= 25);
  assert.deepEqual(page.errors, []);
});

/** A tenth of a second of silence. */
function wave() {
  const data = Buffer.alloc(844, 128);
  data.write("RIFF", 0, "latin1"); data.writeUInt32LE(836, 4); data.write("WAVEfmt ", 8, "latin1"); data.writeUInt32LE(16, 16);
  data.writeUInt16LE(1, 20); data.writeUInt16LE(1, 22); data.writeUInt32LE(8000, 24); data.writeUInt32LE(8000, 28); data.writeUInt16LE(1, 32); data.writeUInt16LE(8, 34);
  data.write("data", 36, "latin1"); data.writeUInt32LE(800, 40);
  return data;
}

test("a frame cannot send the page elsewhere, by a message or by force, and what another window says is nothing", async (t) => {
  const supervisor = await Supervisor.start(t, { one: { "ui/index.js": await ui(ROAMER) }, two: { "ui/index.js": await ui(ROAMER) } });
  const page = await open(t, `${supervisor.base}/plugins/one`);
  await frame(page).getByRole("heading", { name: "one at /" }).waitFor();
  const home = supervisor.origin("outboard");
  await page.frames()[1].evaluate((home) => {
    for (const forged of [
      { outboard: "navigate", plugin: null, path: "//evil.example/" },
      { outboard: "navigate", plugin: "../../evil", path: "/" },
      { outboard: "navigate", plugin: { id: "two" }, path: "/" },
      { outboard: "navigate", plugin: null, path: "javascript:alert(1)" },
      { outboard: "path", path: "https://evil.example/" },
      { outboard: "toast", kind: "constructor", text: "x" },
      { outboard: "unheard" }, "text", null, 7,
    ]) parent.postMessage(forged, home);
  }, home);
  // The last one that counts says that the others have been read.
  await page.frames()[1].evaluate((home) => parent.postMessage({ outboard: "path", path: "/end", replace: false }, home), home);
  await page.waitForURL("**/plugins/one/end");
  assert.equal(new URL(page.url()).origin, home);
  assert.equal(await page.locator("[data-sonner-toast]").count(), 0);

  // By force: with a click, which browsers would otherwise take for the user's will.
  await page.frames()[1].evaluate((elsewhere) => {
    const link = Object.assign(document.createElement("a"), { href: elsewhere, target: "_top", textContent: "out" });
    document.body.append(link);
  }, `${supervisor.origin("two")}/_outboard/shell/two`);
  await frame(page).getByRole("link", { name: "out" }).click();
  await page.frames()[1].evaluate((elsewhere) => { try { top.location = elsewhere; } catch { /* refused */ } }, `${supervisor.origin("two")}/_outboard/shell/two`);
  await page.waitForTimeout(300);
  assert.equal(await path(page), "/plugins/one/end");

  // A frame that has sent itself to another plugin's page speaks for nobody.
  await page.frames()[1].goto(`${supervisor.origin("two")}/_outboard/shell/two`);
  await frame(page).getByRole("heading", { name: "two at /" }).waitFor();
  await page.frames()[1].evaluate((home) => parent.postMessage({ outboard: "path", path: "/stolen", replace: false }, home), home);
  await page.evaluate(() => postMessage({ outboard: "path", path: "/self", replace: false }, "*"));
  await page.waitForTimeout(300);
  assert.equal(await path(page), "/plugins/one/end");
  // And the page's policy keeps it from the rest of the world.
  const blocked = await page.evaluate(() => new Promise((resolve) => {
    document.addEventListener("securitypolicyviolation", (event) => resolve(event.effectiveDirective), { once: true });
    document.body.append(Object.assign(document.createElement("iframe"), { src: "http://evil.example/" }));
  }));
  assert.equal(blocked, "frame-src");
  assert.deepEqual(page.errors, []);
});

test("a foreign page frames neither the operator's page nor a plugin's, and another plugin's page does not either", async (t) => {
  const supervisor = await Supervisor.start(t, { one: { "ui/index.js": await ui(ROAMER) }, two: { "ui/index.js": await ui(ROAMER) } });
  const foreign = createServer((_, response) => response.setHeader("content-type", "text/html").end("<!doctype html><title>foreign</title>")).listen(0, "127.0.0.1");
  await once(foreign, "listening");
  t.after(() => foreign.close());
  const held = { plugin: `${supervisor.origin("one")}/_outboard/shell/one`, operator: `${supervisor.origin("outboard")}/`, bare: `${supervisor.base}/_outboard/shell/one` };
  for (const from of [`http://127.0.0.1:${foreign.address().port}/`, `${supervisor.origin("two")}/_outboard/shell/two`]) {
    const page = await open(t, from);
    for (const [what, address] of Object.entries(held)) {
      await page.evaluate((src) => new Promise((resolve) => {
        const frame = document.createElement("iframe");
        frame.addEventListener("load", resolve);
        frame.src = src;
        document.body.append(frame);
      }), address);
      const text = await page.frames().at(-1).evaluate(() => document.body?.textContent ?? "").catch(() => "");
      assert.doesNotMatch(text, /one at|Outboard/, `${what} in ${from}`);
      assert.match(page.frames().at(-1).url(), /^chrome-error:|^about:blank/, `${what} in ${from}`);
    }
  }
});

test("the page is used by keyboard alone: past the sidebar into the frame, out of it by Escape, and through the drawer of a narrow screen", async (t) => {
  const supervisor = await Supervisor.start(t, { one: { "ui/index.js": await ui(ROAMER) }, two: { "ui/index.js": await ui(ROAMER) } });
  const page = await open(t, `${supervisor.base}/plugins/one`);
  await frame(page).getByRole("heading", { name: "one at /" }).waitFor();
  const focused = () => page.evaluate(() => document.activeElement?.textContent || document.activeElement?.id);
  await page.keyboard.press("Tab");
  assert.equal(await focused(), "Skip to one");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.activeElement?.id === "desk-frame");
  await page.keyboard.press("Tab");
  assert.equal(await page.frames()[1].evaluate(() => document.activeElement?.textContent), "inside");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/plugins/one/flights/7?leg=2");
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => document.activeElement?.getAttribute("aria-current") === "page");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await frame(page).getByRole("heading", { name: "two at /" }).waitFor();

  await page.setViewportSize({ width: 360, height: 700 });
  await page.locator("body").press("Home");
  const menu = page.getByRole("button", { name: "Plugins" });
  await menu.focus();
  // Nothing of a closed drawer is reached.
  await item(page, "one").waitFor({ state: "hidden" });
  await page.keyboard.press("Enter");
  await item(page, "two").waitFor();
  assert.equal(await menu.getAttribute("aria-expanded"), "true");
  await page.waitForFunction(() => document.activeElement?.getAttribute("aria-current") === "page");
  if (process.env.OUTBOARD_SCREENSHOTS) await page.waitForTimeout(300).then(() => page.screenshot({ path: `${process.env.OUTBOARD_SCREENSHOTS}/drawer-360.png` }));
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => document.activeElement?.getAttribute("aria-label") === "Plugins");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.activeElement?.getAttribute("aria-current") === "page");
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Enter");
  await frame(page).getByRole("heading", { name: "one at /" }).waitFor();
  await item(page, "one").waitFor({ state: "hidden" });
  assert.deepEqual(page.errors, []);
});

test("a prebuilt bundle with the baked address works in its frame, whatever the port and the name", async (t) => {
  const baked = `const { createElement, useEffect, useState } = window.__stratos_modules__["react"];
    export default function Baked() { const [said, say] = useState("asking");
      useEffect(() => { fetch("http://127.0.0.1:2066/api/baked/hello").then((answer) => answer.text()).then(say, (error) => say(error.message)); }, []);
      return createElement("p", null, "said: ", said); }`;
  const server = `import { createServer } from "node:http"; import { Router } from "express";
    const router = Router(); router.get("/hello", (_, response) => response.send("hello from behind"));
    export default { onStart(ctx) { ctx.server.registerRouter("/api/baked", router); }, onStop() {} };`;
  const supervisor = await Supervisor.start(t, { baked: { "ui/index.js": baked, "background/index.js": await background(server) } });
  await supervisor.untilState("baked", "running");
  for (const base of [supervisor.base, supervisor.base.replace("127.0.0.1", "localhost"), supervisor.origin("outboard")]) {
    const page = await open(t, `${base}/plugins/baked`);
    await frame(page).getByText("said: hello from behind").waitFor();
    assert.deepEqual(page.errors, []);
  }
});

test("a UI loads anew when its files are others, in its frame and in a tab, and no other page does", async (t) => {
  const text = (words) => ui(`export default () => <h1>${words}</h1>;`);
  const supervisor = await Supervisor.start(t, { edited: { "ui/index.js": await text("before") }, other: { "ui/index.js": await text("other") } });
  const page = await open(t, `${supervisor.base}/plugins/edited`);
  const [tab, other] = [await open(t, `${supervisor.base}/_outboard/shell/edited`), await open(t, `${supervisor.base}/_outboard/shell/other`)];
  await frame(page).getByRole("heading", { name: "before" }).waitFor();
  await tab.getByRole("heading", { name: "before" }).waitFor();
  for (const each of [page, other]) await each.evaluate(() => (globalThis.notReloaded = true));
  writeFileSync(join(supervisor.root, "plugins/edited/ui/index.js"), await text("after"));
  await frame(page).getByRole("heading", { name: "after" }).waitFor();
  await tab.getByRole("heading", { name: "after" }).waitFor();
  for (const each of [page, other]) assert.equal(await each.evaluate(() => globalThis.notReloaded), true);
});

test("a plugin's settings are set in the page itself, light and dark, and the list and a UI fit into 360 pixels", async (t) => {
  const settings = [{ key: "greeting", name: "Greeting", type: "text", scope: "user", default: "hello" }];
  const icon = (colour) => `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><circle cx="12" cy="12" r="10" fill="${colour}"/></svg>`;
  const greeter = {
    "plugin.json": JSON.stringify({ id: "greeter", name: "Greeter with a rather long name for a sidebar", version: "1.0.0", icon_light: "assets/light.svg", icon_dark: "assets/dark.svg", availableSettings: settings }),
    "assets/light.svg": icon("navy"), "assets/dark.svg": icon("gold"), "ui/index.js": await ui(ROAMER),
  };
  const supervisor = await Supervisor.start(t, { greeter, bad: { "background/index.js": "throw new Error('not today')" }, plain: { "ui/index.js": await ui(ROAMER) } });
  await supervisor.untilState("bad", "errored");
  for (const colorScheme of ["light", "dark"]) {
    const page = await open(t, `${supervisor.base}/`, { colorScheme });
    await item(page, "greeter").waitFor();
    await page.waitForFunction((name) => document.querySelector('[data-item="greeter"] img')?.currentSrc.endsWith(name) && document.querySelector('[data-item="greeter"] img').naturalWidth > 0, `${colorScheme}.svg`);
    await shot(page, `list-${colorScheme}`);
    await page.getByRole("link", { name: "Settings of Greeter" }).click();
    await page.getByRole("textbox", { name: "Greeting" }).fill(`good ${colorScheme}`);
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved.").waitFor();
    assert.equal(await path(page), "/plugins/greeter?settings");
    assert.match(await supervisor.cli("config", "get", "greeter", "greeting"), new RegExp(`good ${colorScheme}`));
    await shot(page, `settings-in-page-${colorScheme}`);
    await page.getByRole("link", { name: "Back to the UI" }).click();
    await frame(page).getByRole("heading", { name: "greeter at /" }).waitFor();
    await shot(page, `frame-${colorScheme}`);
    assert.deepEqual(page.errors, []);
  }
});

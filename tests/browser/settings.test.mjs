//! The settings form of a plugin, in a real browser: all nine types, both scopes, rules, defaults and the way back to them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { browser, withChromium } from "./chromium.mjs";
import { ui } from "./modules.mjs";
import { Supervisor } from "./supervisor.mjs";

withChromium();

const SETTINGS = [
  { key: "alerts", name: "Alerts", type: "boolean", default: false, description: "Ring a bell at each change of phase." },
  { key: "callsign", name: "Callsign", type: "text", default: "BAW7", pattern: "^[A-Z]{3}[0-9]+$" },
  { key: "remarks", name: "Remarks", type: "longtext" },
  { key: "interval", name: "Poll every (s)", type: "number", min: 5, max: 600, default: 30 },
  { key: "volume", name: "Volume", type: "range", min: 0, max: 10, step: 1, default: 5 },
  { key: "units", name: "Units", type: "list", options: ["metric", { value: "imperial", label: "Imperial (lb)" }], default: "metric" },
  { key: "side", name: "Side", type: "radio", options: [{ value: 1, label: "Left" }, { value: 2, label: "Right" }], default: 1 },
  { key: "since", name: "Since", type: "date", default: "2026-01-01" },
  { key: "links", name: "Links", type: "json", default: [{ name: "charts" }] },
  { key: "hub", name: "Hub", type: "text", scope: "airline", default: "EGLL" },
];
const PLUGIN = { "plugin.json": JSON.stringify({ id: "set", name: "Set", version: "1.0.0", availableSettings: SETTINGS }), "background/index.js": "export default { onStart() {}, onStop() {} };" };

async function open(t, supervisor, address, options) {
  const page = await browser.newPage(options);
  t.after(() => page.close());
  page.errors = [];
  page.on("pageerror", (error) => page.errors.push(error.message));
  await page.goto(`${supervisor.base}${address}`);
  return page;
}

test("a plugin without a UI is set by its form: each of the nine types is changed, saved, kept and reset", async (t) => {
  const supervisor = await Supervisor.start(t, { set: PLUGIN });
  const page = await open(t, supervisor, "/");
  await page.getByRole("link", { name: "Settings" }).click();
  const row = (key) => page.locator(`[data-key="${key}"]`);
  await page.getByRole("switch", { name: "Alerts" }).check();
  await page.getByLabel("Callsign", { exact: true }).fill("KLM42");
  await page.getByLabel("Remarks", { exact: true }).fill("two\nlines");
  await page.getByLabel("Poll every (s)", { exact: true }).fill("60");
  await page.getByLabel("Volume", { exact: true }).fill("8");
  await page.getByLabel("Units", { exact: true }).selectOption({ label: "Imperial (lb)" });
  await page.getByRole("radio", { name: "Right" }).check();
  await page.getByLabel("Since", { exact: true }).fill("2026-11-30");
  await page.getByLabel("Links", { exact: true }).fill('{ "a": [1, null] }');
  await page.getByRole("button", { name: "Save" }).click();
  for (const { key } of SETTINGS.slice(0, 9)) await row(key).getByText("Saved.").waitFor();
  const kept = async () => Object.fromEntries(await Promise.all(SETTINGS.map(async ({ key }) => [key, await supervisor.json("config", "get", "set", key).then((entry) => entry.value ?? entry, () => undefined)])));
  const values = { alerts: true, callsign: "KLM42", remarks: "two\nlines", interval: 60, volume: 8, units: "imperial", side: 2, since: "2026-11-30", links: { a: [1, null] }, hub: "EGLL" };
  assert.deepEqual(await kept(), values);

  await page.reload();
  assert.equal(await page.getByLabel("Remarks", { exact: true }).inputValue(), "two\nlines");
  assert.equal(await page.getByRole("radio", { name: "Right" }).isChecked(), true);
  for (const { key, name } of SETTINGS.slice(0, 9)) {
    await page.getByRole("button", { name: `Reset ${name}`, exact: true }).click();
    await row(key).getByText(key === "remarks" ? "Cleared." : "Back to the default.").waitFor();
    assert.equal(await row(key).getByRole("button", { name: "Reset" }).count(), 0);
  }
  const { remarks, ...defaults } = await kept();
  assert.deepEqual([remarks, defaults], [undefined, Object.fromEntries(SETTINGS.filter(({ key }) => key !== "remarks").map((setting) => [setting.key, setting.default]))]);
  assert.deepEqual(page.errors, []);
});

test("what breaks a rule is said at once and not saved, the airline's settings are shown and not offered, and others' changes arrive", async (t) => {
  const supervisor = await Supervisor.start(t, { set: PLUGIN });
  const page = await open(t, supervisor, "/_outboard/shell/set?settings");
  const save = page.getByRole("button", { name: "Save" });
  for (const [label, value, sentence] of [["Callsign", "nobody", "has to match"], ["Poll every (s)", "4", "Enter 5 or more."], ["Poll every (s)", "601", "Enter 600 or less."], ["Poll every (s)", "", "Enter a number."]]) {
    await page.getByLabel(label, { exact: true }).fill(value);
    await page.getByRole("alert").getByText(sentence).waitFor();
    assert.equal(await page.getByLabel(label, { exact: true }).getAttribute("aria-invalid"), "true");
    assert.equal(await save.isDisabled(), true);
    await page.getByRole("button", { name: "Undo changes" }).click();
    assert.equal(await page.getByRole("alert").count(), 0);
  }
  const hub = page.locator('[data-key="hub"]');
  assert.equal(await page.getByLabel("Hub", { exact: true }).isDisabled(), true);
  await hub.getByText("set by the airline").waitFor();
  assert.equal(await hub.getByRole("button").count(), 0);
  await supervisor.cli("config", "set", "set", "hub", '"EHAM"');
  await supervisor.cli("config", "set", "set", "interval", "90");
  await page.waitForFunction(() => document.querySelector('[data-key="interval"] input').value === "90" && document.querySelector('[data-key="hub"] input').value === "EHAM");
  await page.getByLabel("Links", { exact: true }).fill("[1,");
  await page.getByRole("alert").getByText("This is not JSON: ").waitFor();
  assert.equal(await save.isDisabled(), true);
  assert.deepEqual(page.errors, []);
});

test("the form is used by keyboard alone, fits 360 pixels, and shows nothing of the plugin's UI", async (t) => {
  const supervisor = await Supervisor.start(t, { set: { ...PLUGIN, "ui/index.js": await ui(`globalThis.ran = true; export default () => <p>the UI</p>;`) } });
  for (const colorScheme of ["light", "dark"]) {
    const page = await open(t, supervisor, "/_outboard/shell/set?settings", { colorScheme });
    await page.getByRole("switch", { name: "Alerts" }).waitFor();
    assert.equal(await page.evaluate(() => globalThis.ran), undefined);
    for (const width of [1400, 360]) {
      await page.setViewportSize({ width, height: 900 });
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
      if (process.env.OUTBOARD_SCREENSHOTS) await page.screenshot({ path: `${process.env.OUTBOARD_SCREENSHOTS}/settings-${colorScheme}-${width}.png`, fullPage: true });
    }
    await page.keyboard.press("Tab");
    await page.keyboard.press("Space");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Control+A");
    await page.keyboard.type("DLH9");
    await page.keyboard.press("Enter");
    await page.locator('[data-key="callsign"]').getByText("Saved.").waitFor();
    assert.deepEqual(page.errors, []);
    await supervisor.cli("config", "delete", "set", "callsign");
    await supervisor.cli("config", "delete", "set", "alerts");
  }
});

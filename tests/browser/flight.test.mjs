//! The flight in the page, in a real browser, with the example that flies as its host: one UI for each hook, and the example's own.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { browser, withChromium } from "./chromium.mjs";
import { ui } from "./modules.mjs";
import { ROOT, Supervisor } from "./supervisor.mjs";

/** Where pictures of the page are put, for a person to look at; without it none are made. */
const PICTURES = process.env.OUTBOARD_PICTURES;

withChromium();

/** The example that flies, as `make plugins` has built it. */
const SHELL_HOST = join(ROOT, "examples", "shell-host", "dist");

/** A UI that keeps every different thing that a hook has given, as JSON. */
const keeps = (hook, picked) => ui(`
import { ${hook} } from "@skyvexsoftware/stratos-sdk";
export default () => {
  const given = ${hook}();
  const now = JSON.stringify(${picked});
  globalThis.seen ??= [];
  if (globalThis.seen.at(-1) !== now) globalThis.seen.push(now);
  globalThis.given = given;
  return <p>{now}</p>;
};`);

/** What each hook is looked at for, and what must have been seen of it by the end of a flight. */
const HOOKS = {
  useFlightPhase: ["given.data?.currentPhase ?? null", (seen) => ["boarding", "taxi", "climb", "final", "taxi_in"].every((phase) => seen.includes(phase))],
  useSimData: ["given.data?.data?.altitude ?? null", (seen) => Math.max(...seen) > 10_000 && new Set(seen).size > 20],
  useFlightEvents: ["given.events.map((event) => event.message)", (seen) => seen.some((messages) => messages.some((message) => message.startsWith("Touched down")))],
  useTrackingSession: ["[given.isTracking, given.phase, given.elapsedTime]", (seen) => seen.some(([tracked, , elapsed]) => tracked && elapsed > 2) && seen.some(([, phase]) => phase === "landed")],
  useLandingAnalysis: ["given.landingRate", (seen) => seen.includes(null) && seen.at(-1) < 0],
  useFlightManager: ["given.data?.flight?.flightPlan.callsign ?? null", (seen) => seen.includes("OUT101")],
};

const id = (hook) => hook.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

test("every hook of a flight follows the example that flies, from the gate to the landing", async (t) => {
  const uis = await Promise.all(Object.entries(HOOKS).map(async ([hook, [picked]]) => [id(hook), { "ui/index.js": await keeps(hook, picked) }]));
  const supervisor = await Supervisor.start(t, { "shell-host": SHELL_HOST, ...Object.fromEntries(uis) });
  await supervisor.cli("config", "set", "shell-host", "auto_start", "false");
  await supervisor.cli("config", "set", "shell-host", "speed", "120");
  await supervisor.untilState("shell-host", "running");
  const pages = {};
  for (const hook of Object.keys(HOOKS)) {
    pages[hook] = await browser.newPage();
    pages[hook].errors = [];
    pages[hook].on("pageerror", (error) => pages[hook].errors.push(error.message));
    await pages[hook].goto(`${supervisor.base}/_outboard/shell/${id(hook)}`);
    await pages[hook].waitForFunction(() => globalThis.given && globalThis.given.isLoading === false);
  }
  t.after(() => Promise.all(Object.values(pages).map((page) => page.close())));
  const session = pages.useTrackingSession;
  await session.evaluate(() => globalThis.given.isTracking || globalThis.given.startFlight());
  for (const [hook, [, enough]] of Object.entries(HOOKS)) {
    await supervisor.until(`${hook} has seen the flight`, async () => enough((await pages[hook].evaluate(() => globalThis.seen)).map((one) => JSON.parse(one))));
    assert.deepEqual(pages[hook].errors, [], hook);
  }

  // What a page does reaches the host: a comment in the log, a pause, the end.
  if (!(await session.evaluate(() => globalThis.given.isTracking))) await session.evaluate(() => globalThis.given.startFlight());
  await session.evaluate(() => globalThis.given.pauseFlight());
  await session.waitForFunction(() => globalThis.given.isPaused);
  await pages.useFlightEvents.evaluate(() => globalThis.given.addComment("hello from the page"));
  await pages.useFlightEvents.waitForFunction(() => globalThis.given.events.some(({ message }) => message === "hello from the page"));
  await session.evaluate(() => globalThis.given.endFlight());
  await session.waitForFunction(() => !globalThis.given.isTracking);
});

test("the flight strip shows the flight, pauses and ends it, and says why it cannot start", async (t) => {
  const strict = `import { createPlugin } from "@skyvexsoftware/stratos-sdk/helpers";
    export default createPlugin({ onStart: (ctx) => void ctx.flight.registerStartGuard(() => ({ allow: false, reason: "no fuel" })), onStop() {} });`;
  const supervisor = await Supervisor.start(t, { "shell-host": SHELL_HOST });
  await supervisor.cli("config", "set", "shell-host", "speed", "120");
  const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
  t.after(() => page.close());
  const errors = [];
  page.on("pageerror", (error) => errors.push(error.message));
  await page.goto(`${supervisor.base}/_outboard/shell/shell-host`);
  await page.getByRole("heading", { name: "OUT101" }).waitFor();
  await page.getByTestId("landing").waitFor({ timeout: 60_000 });
  await page.getByText("Touched down at").first().waitFor();
  for (const [width, scheme] of [[1400, "light"], [1400, "dark"], [360, "light"], [360, "dark"]]) {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme: scheme });
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(over <= 0, `${width} wide, it is ${over} pixels too wide`);
    if (PICTURES) await page.screenshot({ path: join(PICTURES, `strip-${width}-${scheme}.png`) });
  }
  await supervisor.cli("config", "set", "shell-host", "auto_start", "false");
  const strip = page.getByRole("main");
  const begin = strip.getByRole("button", { name: "Start" });
  if (!(await begin.isVisible())) await strip.getByRole("button", { name: "End" }).click();
  await begin.click();
  await strip.getByRole("button", { name: "Pause" }).click();
  await page.getByTestId("phase").filter({ hasText: "paused" }).waitFor();
  await strip.getByRole("button", { name: "Resume" }).click();
  await strip.getByRole("button", { name: "End" }).click();
  await page.getByRole("heading", { name: "No flight" }).waitFor();

  supervisor.install("strict", { "index.js": strict, "plugin.json": JSON.stringify({ id: "strict", name: "strict", version: "1.0.0", background: { entryModule: "index.js" } }) });
  await supervisor.untilState("strict", "running");
  await begin.click();
  await page.getByRole("alert").filter({ hasText: "strict does not let the flight start: no fuel" }).waitFor();
  assert.deepEqual(errors, []);
});

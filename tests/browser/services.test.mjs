//! Services in the page, in a real browser: the flight hooks follow what a provider says, and the operator's page shows what plugins
//! tell and ask where no host application does.

import assert from "node:assert/strict";
import { test } from "node:test";
import { open, withChromium } from "./chromium.mjs";
import { ui } from "./modules.mjs";
import { Supervisor } from "./supervisor.mjs";

withChromium();

/** A host of flights, in a page of the operator's. */
async function host(t, supervisor, answers) {
  const page = await open(t, `${supervisor.origin("outboard")}/`);
  await page.evaluate(async (answers) => {
    const socket = new WebSocket(`${location.origin.replace("http", "ws")}/_outboard/bus`);
    globalThis.calls = [];
    globalThis.say = (frame) => socket.send(JSON.stringify(frame));
    socket.addEventListener("message", ({ data }) => {
      const frame = JSON.parse(data);
      if (frame.type !== "service.invoke") return;
      globalThis.calls.push([frame.method, frame.params ?? null, frame.caller]);
      globalThis.say({ type: "service.answer", call: frame.call, result: answers[frame.method] ?? null });
    });
    await new Promise((resolve) => socket.addEventListener("open", resolve));
    globalThis.say({ type: "service.provide", service: "flight" });
  }, answers);
  page.emit_ = (event, payload, latest = false) => page.evaluate((frame) => globalThis.say(frame), { type: "service.emit", service: "flight", event, payload, latest });
  page.calls = () => page.evaluate(() => globalThis.calls);
  return page;
}

const STRIP = `
import { EventCategory, useFlightEvents, useFlightManager, useFlightPhase, useLandingAnalysis, useSimData, useTrackingSession } from "@skyvexsoftware/stratos-sdk";
export default () => {
  const phase = useFlightPhase({ select: (all) => all.currentPhase }); const sim = useSimData({ select: (all) => all.data?.altitude ?? null });
  const { events, addComment, editComment, deleteComment, isTracking } = useFlightEvents({ categories: [EventCategory.WARNING] });
  const session = useTrackingSession(), landing = useLandingAnalysis(), manager = useFlightManager();
  globalThis.renders = (globalThis.renders ?? 0) + 1;
  return <>
    <p>{phase.isLoading ? "no phase" : "phase " + phase.data} / {String(sim.data)} ft / {session.currentFlight?.flightPlan.callsign ?? "no flight"} {session.phase} {session.elapsedTime} s / {String(manager.data?.simDisconnected)}</p>
    <p>{String(isTracking)} {events.map((event) => event.message).join(", ")} / {String(landing.landingRate)} {landing.bounceCount}</p>
    <button onClick={() => addComment("turbulent")}>add</button><button onClick={() => editComment("7", "calm")}>edit</button><button onClick={() => deleteComment("7")}>delete</button>
    <button onClick={() => session.pauseFlight()}>pause</button><button onClick={() => session.startFlight({ callsign: "BAW7" })}>start</button>
  </>;
};`;

test("the flight hooks ask once, follow events, act, and go on with the next host", async (t) => {
  const supervisor = await Supervisor.start(t, { strip: { "ui/index.js": await ui(STRIP) } });
  const page = await open(t, `${supervisor.base}/_outboard/shell/strip`);
  await page.getByText("no phase / undefined ft / no flight unknown 0 s").waitFor();
  const answers = {
    getPhase: { currentPhase: "taxi", previousPhase: "push_back", pendingTransition: null, trends: {}, isTracking: true },
    getSnapshot: { isConnected: true, simulatorType: "msfs", data: { altitude: 83 } },
    getState: { flight: { flightPlan: { callsign: "BAW7" }, status: "active", startedAt: 1000, currentPhase: "taxi" }, pendingRecovery: null, simDisconnected: false, reconnecting: false, timestamp: 61_000 },
    "log.list": [{ eventId: "1", category: "warning", message: "overspeed" }, { eventId: "2", category: "system", message: "started" }],
  };
  const first = await host(t, supervisor, answers);
  await page.getByText("phase taxi / 83 ft / BAW7 taxi 60 s / false").waitFor();
  await page.getByText("true overspeed / null 0").waitFor();
  await first.emit_("phase", { ...answers.getPhase, currentPhase: "climb" });
  await first.emit_("landing", { landingRate: -180, bounceCount: 1, touchdowns: [], isOnGround: true, approachData: [], landingAnalysis: null });
  await page.getByText("phase climb / 83 ft / BAW7 climb").waitFor();
  await page.getByText("overspeed / -180 1").waitFor();

  // What select leaves out renders nothing anew.
  const before = await page.evaluate(() => globalThis.renders);
  for (let speed = 0; speed < 20; speed++) await first.emit_("simData", { isConnected: true, simulatorType: "msfs", data: { altitude: 83, groundSpeed: speed } }, true);
  await first.emit_("simData", { isConnected: true, simulatorType: "msfs", data: { altitude: 900 } }, true);
  await page.getByText("/ 900 ft /").waitFor();
  assert.ok((await page.evaluate(() => globalThis.renders)) - before <= 2);

  for (const name of ["add", "edit", "delete", "pause", "start"]) await page.getByRole("button", { name }).click();
  await supervisor.until("each act arrived", async () => (await first.calls()).length >= 9);
  const calls = (await first.calls()).slice(-5).map(([method, params, caller]) => [method, JSON.stringify(params), caller]);
  assert.deepEqual(calls, [
    ["log.add", '{"category":"system","condition":"comment","message":"turbulent"}', "strip"],
    ["log.update", '{"eventId":"7","message":"calm"}', "strip"],
    ["log.remove", '{"eventId":"7"}', "strip"],
    ["pauseFlight", "null", "strip"],
    ["startFlight", '{"callsign":"BAW7"}', "strip"],
  ]);

  await first.close();
  const second = await host(t, supervisor, { ...answers, getPhase: { ...answers.getPhase, currentPhase: "cruise" } });
  await page.getByText("phase cruise").waitFor();
  await second.emit_("phase", { ...answers.getPhase, currentPhase: "descent" });
  await page.getByText("phase descent").waitFor();
  assert.deepEqual(page.errors, []);
});

const ASKING = `
import { connect } from "@skyvexsoftware/stratos-sdk";
const connection = connect("asking");
globalThis.call = (service, method, params) => connection.callService(service, method, params);
export default () => <p>ready</p>;`;

test("the operator's page shows what plugins tell and ask: one question at a time, answered, cancelled or out of time, and never an error", async (t) => {
  const supervisor = await Supervisor.start(t, { asking: { "ui/index.js": await ui(ASKING) } });
  for (const colorScheme of ["light", "dark"]) {
    const desk = await open(t, `${supervisor.origin("outboard")}/`, { colorScheme });
    const plugin = await open(t, `${supervisor.base}/_outboard/shell/asking`);
    await plugin.getByText("ready").waitFor();
    const call = (...given) => plugin.evaluate((given) => globalThis.call(...given), given);
    await supervisor.until("the desk provides", () => call("notify", "toast", { type: "success", message: "on blocks" }).then(() => true, () => false));
    await desk.getByText("on blocks").first().waitFor();
    await call("notify", "playSound", { sound: "success" });

    const answers = Promise.all([
      call("dialog", "confirm", { title: "Divert?", message: "Fuel is low." }),
      call("prompt", "text", { title: "Name", label: "Captain", required: true }),
      call("prompt", "number", { title: "Fuel", label: "Kilograms", min: 10 }),
      call("prompt", "select", { title: "Side", options: [{ value: "l", label: "Left" }, { value: "r", label: "Right" }] }),
      call("dialog", "confirm", { title: "Sure?" }),
      call("dialog", "alert", { title: "Landed", message: "Welcome." }),
    ]);
    await desk.getByRole("dialog", { name: "Divert?" }).waitFor();
    assert.equal(await desk.getByRole("dialog").count(), 1);
    for (const width of [360, 1400]) {
      await desk.setViewportSize({ width, height: 700 });
      if (process.env.OUTBOARD_SCREENSHOTS) await desk.screenshot({ path: `${process.env.OUTBOARD_SCREENSHOTS}/desk-${colorScheme}-${width}.png` });
    }
    const seen = [];
    for (let at = 0; at < 6; at++) {
      const dialog = desk.getByRole("dialog");
      await dialog.waitFor();
      const title = await dialog.getByRole("heading").textContent();
      seen.push(title);
      if (title === "Name") await desk.keyboard.type("Ann");
      if (title === "Fuel") await dialog.getByLabel("Kilograms").fill("12.5");
      if (title === "Side") await dialog.getByRole("combobox").selectOption("r");
      if (title === "Sure?") await desk.keyboard.press("Escape");
      else await dialog.getByRole("button", { name: "OK" }).click();
      await desk.getByRole("heading", { name: title, exact: true }).waitFor({ state: "detached" });
    }
    assert.deepEqual([...seen].sort(), ["Divert?", "Fuel", "Landed", "Name", "Side", "Sure?"]);
    assert.deepEqual(await answers, [true, "Ann", 12.5, "r", false, null]);
    assert.equal(await call("dialog", "confirm", { title: "Quick", timeoutMs: 50 }), false);
    assert.equal(await call("prompt", "text", { title: "Quick", timeoutMs: 50 }), null);

    await call("plugin", "setIndicator", { type: "warning", tooltip: "3 landings" });
    const row = desk.locator('[data-plugin="asking"]');
    await row.getByText("3 landings").waitFor();
    await call("plugin", "clearIndicator");
    await row.getByText("3 landings").waitFor({ state: "detached" });
    await assert.rejects(call("notify", "sing"), /has no method sing of notify/);
    assert.deepEqual([...desk.errors, ...plugin.errors], []);
    await desk.close();
    await plugin.close();
  }
});

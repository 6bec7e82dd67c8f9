//! The built background module against a host in memory: what it answers, that a flight can be repeated, and that it goes on.

import assert from "node:assert/strict";
import { test } from "node:test";
import { runPlugin } from "@outboard/shell/testing";

/** A module of its own for each test: it keeps its clock in itself. */
let copies = 0;
const load = async () => (await import(`../dist/background/index.js?${copies++}`)).default;

async function started(t, config = {}) {
  const plugin = await runPlugin(await load(), { id: "shell-host", provides: ["flight"], config: { speed: 120, auto_start: false, ...config } });
  t.after(() => plugin.stop().catch(() => {}));
  return plugin;
}

const asks = (plugin) => (method, params) => plugin.callProvided("flight", method, params);
const emitted = (plugin, event) => plugin.emitted.filter((one) => one.event === event).map(({ payload }) => payload);

/** Waits for a state, and never for a time. */
async function until(what, condition) {
  const end = Date.now() + 60_000;
  for (;;) {
    const value = await condition();
    if (value) return value;
    assert.ok(Date.now() < end, `gave up waiting until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Flies one flight with a seed to its end, and gives what plugins were told of it, without times. */
async function flown(t, seed, speed) {
  const plugin = await started(t, { seed, speed });
  await asks(plugin)("startFlight");
  await until("the flight is over", () => emitted(plugin, "pirepFiling").length > 0);
  const landing = await asks(plugin)("getLandingReport");
  return {
    phases: emitted(plugin, "phase").map(({ currentPhase }) => currentPhase),
    entries: emitted(plugin, "event").map(({ category, eventCondition, message, phase }) => [category, eventCondition, message, phase]),
    landing: [landing.landingRate, landing.touchdowns.map(({ verticalSpeed, groundSpeed }) => [verticalSpeed, groundSpeed]), landing.approachData.length],
  };
}

test("the same seed flies the same phases, entries and landing at any speed, and another seed flies others", async (t) => {
  const [first, again, slower, other] = await Promise.all([flown(t, 1, 4000), flown(t, 1, 4000), flown(t, 1, 1500), flown(t, 2, 4000)]);
  assert.deepEqual(first, again);
  assert.deepEqual(first, slower);
  assert.notDeepEqual(first.landing, other.landing);
  assert.deepEqual(first.phases.slice(0, 5), ["boarding", "push_back", "taxi", "take_off", "climb"]);
  assert.deepEqual(first.phases.slice(-6), ["final", "landed", "taxi_in", "arrived", "deboarding", "unknown"]);
});

test("values are told only while somebody listens, as latest only, and they are those of an aircraft", async (t) => {
  const plugin = await started(t, { speed: 600 });
  await asks(plugin)("startFlight");
  await until("it taxies", async () => (await asks(plugin)("getPhase")).currentPhase === "taxi");
  assert.deepEqual(emitted(plugin, "simData"), []);
  plugin.setSubscribers("flight", "simData", ["a-consumer"]);
  await until("it has landed", () => emitted(plugin, "landing").length > 0);
  const told = plugin.emitted.filter(({ event }) => event === "simData");
  assert.ok(told.every(({ latest }) => latest === true));
  const data = told.map(({ payload }) => payload.data);
  assert.ok(Math.max(...data.map(({ altitude }) => altitude)) > 15_000);
  assert.ok(data.every(({ verticalSpeed, indicatedAirspeed }) => Math.abs(verticalSpeed) < 4000 && indicatedAirspeed < 350));
  assert.ok(data.every(({ planeOnground, altitudeAgl }) => !planeOnground || altitudeAgl === 0));
  assert.ok(data.some(({ gearControl }) => !gearControl) && data.at(-1).gearControl);
});

test("a guard that forbids keeps the flight on the ground with its reason, and one that does not answer lets it go", async (t) => {
  const plugin = await runPlugin(await load(), { id: "shell-host", config: { auto_start: false }, consumer: ({ to, payload }) => (to === "strict" && payload.callsign === "X1" ? { allow: false, reason: "no fuel" } : undefined) });
  t.after(() => plugin.stop());
  plugin.setSubscribers("flight", "startGuard", ["strict", "silent"]);
  await assert.rejects(asks(plugin)("startFlight", { callsign: "X1" }), /strict does not let the flight start: no fuel/);
  assert.equal((await asks(plugin)("getState")).flight, null);
  await asks(plugin)("startFlight", { callsign: "X2" });
  assert.equal((await asks(plugin)("getState")).flight.flightPlan.callsign, "X2");
  await assert.rejects(asks(plugin)("startFlight"), /under way already/);
});

test("it pauses, goes on and ends, and says so where there is nothing to pause or to end", async (t) => {
  const plugin = await started(t);
  const ask = asks(plugin);
  for (const method of ["pauseFlight", "resumeFlight", "endFlight"]) await assert.rejects(ask(method), /no flight is under way; startFlight begins one/);
  await assert.rejects(ask("recoverFlight"), /no flight was interrupted/);
  await ask("startFlight");
  await ask("pauseFlight");
  assert.equal((await ask("getState")).flight.status, "paused");
  assert.equal((await ask("getSnapshot")).data.pauseFlag, true);
  await ask("resumeFlight");
  assert.equal((await ask("getState")).flight.status, "active");
  await ask("endFlight");
  assert.equal((await ask("getState")).flight, null);
  assert.deepEqual(emitted(plugin, "update").map(({ flight }) => flight?.status ?? null), ["active", "paused", "active", null]);
});

test("the log takes entries of a flight alone, changes them, and removes them", async (t) => {
  const plugin = await started(t);
  const ask = asks(plugin);
  const entry = { category: "system", condition: "comment", message: "hello" };
  assert.equal(await ask("log.add", entry), null);
  await ask("startFlight");
  const added = await ask("log.add", entry);
  assert.deepEqual([added.message, added.eventCondition, added.phase, typeof added.timestamp, typeof added.eventTimestamp], ["hello", "comment", "boarding", "number", "string"]);
  assert.equal((await ask("log.update", { eventId: added.eventId, message: "bye" })).message, "bye");
  assert.equal(await ask("log.update", { eventId: "no" }), null);
  assert.deepEqual((await ask("log.list")).filter(({ eventCondition }) => eventCondition === "comment").map(({ message }) => message), ["bye"]);
  assert.equal(await ask("log.remove", { eventId: added.eventId }), true);
  assert.equal(await ask("log.remove", { eventId: added.eventId }), false);
});

test("a flight that was interrupted is told, and goes on where it was", async (t) => {
  const first = await started(t, { seed: 5, speed: 900 });
  await asks(first)("startFlight", { callsign: "REC1" });
  await until("it climbs", async () => (await asks(first)("getPhase")).currentPhase === "climb");
  await asks(first)("pauseFlight");
  const { data } = await asks(first)("getSnapshot");
  await first.stop();
  const kept = first.config.get("interrupted_flight");

  const second = await started(t, { seed: 1, speed: 1, interrupted_flight: kept });
  assert.equal((await asks(second)("getState")).pendingRecovery.flightPlan.callsign, "REC1");
  await asks(second)("recoverFlight");
  const again = await asks(second)("getSnapshot");
  assert.equal((await asks(second)("getPhase")).currentPhase, "climb");
  assert.ok(Math.abs(again.data.altitude - data.altitude) < 50, `${again.data.altitude} after ${data.altitude}`);
  assert.equal((await asks(second)("getState")).pendingRecovery, null);
});

test("the shell's paths answer over HTTP what the service does", async (t) => {
  const plugin = await started(t, { weight_unit: "lbs", simbrief_username: "ada" });
  const get = async (path) => (await plugin.fetch(path)).json();
  assert.deepEqual(await get("/api/config"), { data: { weightUnit: "lbs", simbriefUsername: "ada" } });
  assert.deepEqual(await get("/api/flight-events"), []);
  assert.equal(await get("/api/simulator/landing-analysis/snapshot"), null);
  await asks(plugin)("startFlight");
  assert.equal((await get("/api/simulator/flight-phase/snapshot")).currentPhase, "boarding");
  assert.equal((await get("/api/flight-events"))[0].eventCondition, "flight_started");
  assert.match((await (await plugin.fetch("/api/auth/va/refresh", { method: "POST" })).json()).data.token, /^simulated-/);
  assert.deepEqual(await get("/api/plugins-config/any/airline"), { data: {} });
});

//! The plugin: settings, the clock, and what is kept over a restart. The flight is in `../flight`, the service in `service.ts`.

import { CallError, createPlugin } from "@outboard/shell/helpers";
import type { FlightPlan, ShellContext } from "@outboard/shell/types";
import { routesOf } from "./routes.js";
import { flightsOf, serve, startGuards, tellThrough } from "./service.js";
import { type Interrupted, Tracker } from "./tracker.js";

/** How often the flight goes on, and how often its values are told: twenty times a second at most. */
const TICK_MS = 50;
/** How often the state is told while nothing else changes, so that clocks go on. */
const UPDATE_MS = 1_000;
/** How long after a flight the next one starts by itself, and how soon it is tried again where a guard forbade it. */
const REST_MS = 8_000;
const AGAIN_MS = 30_000;
/** How often what brings an interrupted flight back is kept, besides at each change of its phase. */
const KEEP_MS = 10_000;
/** Under which key: not a setting, so that nobody sees it among those. */
const KEPT = "interrupted_flight";

interface Settings {
  speed: number;
  seed: number;
  auto_start: boolean;
  weight_unit: string;
  simbrief_username: string;
}

let stop: (() => Promise<void>) | undefined;

async function begin(ctx: ShellContext): Promise<void> {
  const settings: Settings = { speed: 15, seed: 1, auto_start: true, weight_unit: "kg", simbrief_username: "" };
  for (const key of Object.keys(settings) as (keyof Settings)[]) Object.assign(settings, { [key]: await ctx.config.get(key, settings[key]) });

  const flights = flightsOf(ctx);
  const guards = startGuards(flights, (message) => ctx.logger.warn("Flight", message));
  const told = tellThrough(flights);
  let flown = 0;
  let next = Date.now() + REST_MS / 4;
  const keep = (kept: Interrupted | null): Promise<void> => (kept ? ctx.config.set(KEPT, kept) : ctx.config.delete(KEPT)).catch((error: Error) => ctx.logger.warn("Flight", `this flight could not be kept: ${error.message}`));
  const tracker: Tracker = new Tracker({
    ...told,
    over(summary) {
      told.over(summary);
      next = Date.now() + REST_MS;
      void keep(null);
    },
    phase(phase) {
      told.phase(phase);
      ctx.logger.info("Flight", `phase ${phase.currentPhase}`);
      void keep(tracker.kept());
    },
    landing(report) {
      told.landing(report);
      ctx.logger.info("Flight", `landed at ${report.landingRate} ft/min`);
    },
  });
  tracker.interrupted = (await ctx.config.get<Interrupted | null>(KEPT, null)) ?? null;

  let starting = false;
  async function start(plan?: FlightPlan): Promise<void> {
    if (tracker.isTracking || starting) throw CallError.of("conflict", "a flight is under way already, or about to begin; endFlight ends it");
    starting = true;
    try {
      await guards(plan ?? {});
      tracker.interrupted = null;
      tracker.start(plan, settings.seed + flown++);
      void keep(tracker.kept());
    } finally {
      starting = false;
    }
  }
  async function startByItself(): Promise<void> {
    next = Date.now() + AGAIN_MS;
    if (tracker.interrupted) return tracker.recover(tracker.interrupted);
    await start().catch((error: Error) => ctx.logger.warn("Flight", `not started: ${error.message}`));
  }

  serve(flights, tracker, start);
  for (const [prefix, router] of Object.entries(routesOf(tracker, () => ({ weightUnit: settings.weight_unit, simbriefUsername: settings.simbrief_username })))) ctx.server.registerRouter(prefix, router);

  ctx.config.onChange((key, value) => {
    if (Object.hasOwn(settings, key) && value !== undefined) Object.assign(settings, { [key]: value });
    if (key === "seed") flown = 0;
  });

  let watched = false;
  flights.onSubscribed(({ event, consumers }) => {
    if (event === "simData") watched = consumers.length > 0;
  });
  let last = performance.now();
  const ticks = setInterval(() => {
    const now = performance.now();
    tracker.advance(((now - last) / 1000) * Math.max(0, settings.speed));
    last = now;
    if (watched) flights.emit("simData", tracker.snapshot(), { latest: true });
    if (settings.auto_start && !tracker.isTracking && !starting && Date.now() >= next) void startByItself();
  }, TICK_MS);
  const updates = setInterval(() => tracker.isTracking && told.update(tracker.state()), UPDATE_MS);
  const keeping = setInterval(() => tracker.isTracking && void keep(tracker.kept()), KEEP_MS);

  stop = async () => {
    for (const timer of [ticks, updates, keeping]) clearInterval(timer);
    if (tracker.isTracking) await keep(tracker.kept());
  };
  ctx.logger.info("Flight", `flights of the seed ${settings.seed}, ${settings.speed} times as fast as real ones`);
}

export default createPlugin({
  onStart: begin,
  onStop: () => stop?.(),
});

//! The service `flight`: answers plugins and pages from the tracker, tells them what it reports, and asks the start guards.

import { CallError } from "@outboard/shell/helpers";
import type { FlightPlan, FlightService, Service, ShellContext, StartAnswer } from "@outboard/shell/types";
import type { Interrupted, Told, Tracker } from "./tracker.js";

/** How long a plugin may take to answer for its start guards: a little more than it takes itself, so that its own word arrives. */
const GUARD_MS = 6_000;


/** The service of this plugin. */
export type Flights = Service<FlightService>;

/** The service of this plugin. */
export const flightsOf = (ctx: ShellContext): Flights => ctx.service<FlightService>("flight");

/** What the tracker's reports become. */
export function tellThrough(flights: Flights): Told {
  return {
    // What is told whole each time is latest only: a slow plugin has no use for what was before.
    update: (state) => flights.emit("update", state),
    phase: (phase) => flights.emit("phase", phase),
    landing: (report) => flights.emit("landing", report),
    entry: (event) => flights.emit("event", event),
    log: (all) => flights.emit("log", all, { latest: true }),
    over: (summary) => flights.emit("pirepFiling", { status: "filed", ...summary }),
  };
}

/** Asks every plugin that has guards; rejects with the reason of one that forbids. */
export function startGuards(flights: Flights, warn: (message: string) => void): (plan: FlightPlan) => Promise<void> {
  let guards: string[] = [];
  flights.onSubscribed(({ event, consumers }) => {
    if (event === "startGuard") guards = consumers;
  });
  return async (plan) => {
    const answers = await Promise.all(
      guards.map(async (guard) => {
        const { value, because } = await flights.ask(guard, "startGuard", plan, { timeoutMs: GUARD_MS, default: { allow: true } });
        if (because) warn(`${guard} did not say whether the flight may start, so it may: ${because}`);
        return { guard, answer: value as StartAnswer | null };
      }),
    );
    for (const { guard, answer } of answers) {
      if (answer?.allow === false) throw CallError.of("conflict", `${guard} does not let the flight start: ${answer.reason}`);
    }
  };
}

/** What is asked of a flight, in words of its own where it cannot be. */
export function serve(flights: Flights, tracker: Tracker, start: (plan?: FlightPlan) => Promise<void>): void {
  const flying = (): void => {
    if (!tracker.isTracking) throw CallError.of("conflict", "no flight is under way; startFlight begins one");
  };
  const interrupted = (): Interrupted => {
    if (!tracker.interrupted) throw CallError.of("conflict", "no flight was interrupted, so there is nothing to recover or to dismiss");
    return tracker.interrupted;
  };
  flights.provide({
    getState: () => tracker.state(),
    getPhase: () => tracker.phase(),
    getSnapshot: () => tracker.snapshot(),
    getLandingReport: () => tracker.landing(),
    "log.list": () => tracker.log(),
    "log.add": (entry) => tracker.add({ ...entry }),
    "log.update": ({ eventId, message }) => tracker.change(eventId, message),
    "log.remove": ({ eventId }) => tracker.remove(eventId),
    startFlight: (plan) => start(plan ?? undefined),
    pauseFlight: () => (flying(), tracker.pause(true)),
    resumeFlight: () => (flying(), tracker.pause(false)),
    endFlight: () => (flying(), tracker.end()),
    recoverFlight: () => tracker.recover(interrupted()),
    dismissRecovery: () => (interrupted(), tracker.dismiss()),
  });
}

//! `ctx.flight`: the service `flight`, with what the shell's documentation says of it.

import type { Service } from "@outboard/plugin-sdk/types";
import type { FlightAccessor, FlightPlan, FlightService, StartAnswer, StartGuard } from "../types.js";
import { type Ground, reasonOf, TAG, wordsOf } from "./ground.js";

/** How long a guard may think. A provider waits a little longer, so that the word on a late guard arrives. */
export const GUARD_MS = 5_000;

/** How to get a flight where there is none. */
const HOW = 'install a plugin whose manifest says "provides": ["flight"], or connect a host application that provides it';

/** Makes the face. */
export function createFlight({ service, logger }: Ground): FlightAccessor {
  const flight = service<FlightService>("flight");

  async function named<Result>(member: string, call: Promise<Result>): Promise<Result> {
    try {
      return await call;
    } catch (error) {
      // The same error, so that its type stays: which member failed, and what to do where nobody provides a flight.
      if (error instanceof Error) error.message = `ctx.flight.${member}(): ${error.message}${reasonOf(error) === "no_provider" ? `; ${HOW}` : ""}`;
      throw error;
    }
  }

  return {
    getState: () => named("getState", flight.call("getState")),
    getSnapshot: () => named("getSnapshot", flight.call("getSnapshot")),
    getPhase: () => named("getPhase", flight.call("getPhase")),
    getLandingReport: () => named("getLandingReport", flight.call("getLandingReport")),
    onPhaseChange: (listener) => flight.on("phase", (phase) => listener(phase)),
    onUpdate: (listener) => flight.on("update", (state) => listener(state)),
    onSimData: (listener) => flight.on("simData", (snapshot) => listener(snapshot)),
    onLanding: (listener) => flight.on("landing", (report) => listener(report)),
    log: {
      add: (entry) => named("log.add", flight.call("log.add", entry)),
      update: (eventId, change) => named("log.update", flight.call("log.update", { ...change, eventId })),
      remove: (eventId) => named("log.remove", flight.call("log.remove", { eventId })),
    },
    registerStartGuard: guards(flight, (message) => logger.warn(TAG, message)),
  };
}

/** All guards of the plugin answer as one: the first that forbids has the word. */
function guards(flight: Service<FlightService>, warn: (message: string) => void): FlightAccessor["registerStartGuard"] {
  const all = new Set<{ guard: StartGuard }>();
  let stop: (() => void) | undefined;

  async function answer(plan: FlightPlan): Promise<StartAnswer> {
    const answers = await Promise.all([...all].map(({ guard }) => asked(guard, plan, warn)));
    return answers.find(({ allow }) => !allow) ?? { allow: true };
  }

  return (guard) => {
    if (typeof guard !== "function") throw new TypeError(`flight.registerStartGuard: give a function, not ${guard === null ? "null" : typeof guard}`);
    const own = { guard };
    all.add(own);
    stop ??= flight.answer("startGuard", answer);
    return () => {
      if (!all.delete(own) || all.size > 0) return;
      stop?.();
      stop = undefined;
    };
  };
}

/** A guard's answer; it allows the start where it gives none, and that is told loudly. */
async function asked(guard: StartGuard, plan: FlightPlan, warn: (message: string) => void): Promise<StartAnswer> {
  const allowed = (why: string): StartAnswer => {
    warn(`the start guard ${why}: the flight is ALLOWED to start, as if there were no guard`);
    return { allow: true };
  };
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<StartAnswer>((resolve) => {
    timer = setTimeout(() => resolve(allowed(`took more than ${GUARD_MS / 1000} s`)), GUARD_MS);
  });
  const answered = async (): Promise<StartAnswer> => {
    const given: unknown = await guard(plan);
    const { allow, reason } = (typeof given === "object" && given !== null ? given : {}) as { allow?: unknown; reason?: unknown };
    if (allow === true) return { allow };
    if (allow === false) return { allow, reason: typeof reason === "string" && reason ? reason : "the plugin gave no reason" };
    return allowed(`answered neither { allow: true } nor { allow: false, reason }`);
  };
  try {
    return await Promise.race([answered(), late]);
  } catch (error) {
    return allowed(`threw ${wordsOf(error)}`);
  } finally {
    clearTimeout(timer);
  }
}

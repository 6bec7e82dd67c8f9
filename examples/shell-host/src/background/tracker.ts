//! The flight that is under way, as the service tells it: its state, phase, values, landing and log. It moves with `advance`, knows no
//! timer, and reports what changed to whoever made it.

import type { FlightLogEntry, FlightLogEvent, FlightManagerPayload, FlightPhaseSnapshot, FlightPlan, LandingReport, SimDataSnapshot } from "@outboard/shell/types";
import { simDataOf } from "../flight/aircraft.js";
import { Flight, STEP, type Happening } from "../flight/flight.js";
import { AWAY, HOME } from "../flight/route.js";
import { Journal } from "./journal.js";

/** What brings an interrupted flight back: it is flown again up to its last step, at once. */
export interface Interrupted {
  seed: number;
  steps: number;
  plan: FlightPlan;
  startedAt: number;
}

/** Who is told of what changed. */
export interface Told {
  update(state: FlightManagerPayload): void;
  phase(phase: FlightPhaseSnapshot): void;
  landing(report: LandingReport): void;
  entry(event: FlightLogEvent): void;
  log(all: FlightLogEvent[]): void;
  over(summary: { flightPlan: FlightPlan; stratosFlightId: string; landingReport: LandingReport | null }): void;
}

interface UnderWay {
  id: string;
  flight: Flight;
  plan: FlightPlan;
  startedAt: number;
  journal: Journal;
  paused: boolean;
  landing: LandingReport | null;
}

/** At most so many steps are taken at once: after a long sleep of the machine the flight goes on, and does not jump to its end. */
const STEPS_AT_ONCE = 2400;

export class Tracker {
  #now: UnderWay | undefined;
  #owed = 0;
  /** What is told after a flight is over, until the next begins. */
  #last: { log: FlightLogEvent[]; landing: LandingReport | null } = { log: [], landing: null };
  interrupted: Interrupted | null = null;

  constructor(readonly told: Told) {}

  get isTracking(): boolean {
    return this.#now !== undefined;
  }

  get isPaused(): boolean {
    return this.#now?.paused ?? false;
  }

  start(given: FlightPlan | null | undefined, seed: number): void {
    const plan: FlightPlan = { callsign: `OUT${100 + (Math.abs(Math.trunc(seed)) % 900)}`, departureIcao: HOME.icao, arrivalIcao: AWAY.icao, source: "shell-host", ...given };
    this.#begin(plan, new Flight(seed), Date.now());
    this.#enter({ category: "system", condition: "flight_started", message: `Flight ${plan.callsign ?? ""} is tracked` });
    this.#tellAll();
  }

  /** Flies an interrupted flight again up to where it was. */
  recover({ seed, steps, plan, startedAt }: Interrupted): void {
    const now = this.#begin(plan, new Flight(seed), startedAt);
    this.interrupted = null;
    while (now.flight.steps < steps && !now.flight.over) this.#note(now.flight.step(), true);
    this.#enter({ category: "system", condition: "flight_recovered", message: `Flight ${plan.callsign ?? ""} goes on where it was interrupted` });
    this.#tellAll();
  }

  dismiss(): void {
    this.interrupted = null;
    this.told.update(this.state());
  }

  pause(paused: boolean): void {
    if (!this.#now || this.#now.paused === paused) return;
    this.#now.paused = paused;
    this.#enter({ category: "system", condition: paused ? "paused" : "resumed", message: paused ? "Paused" : "Resumed" });
    this.#tellAll();
  }

  end(why = "The flight was ended"): void {
    const now = this.#now;
    if (!now) return;
    this.#enter({ category: "system", condition: "flight_ended", message: why });
    this.#last = { log: now.journal.list(), landing: now.landing };
    this.#now = undefined;
    this.told.over({ flightPlan: now.plan, stratosFlightId: now.id, landingReport: now.landing });
    this.#tellAll();
  }

  /** Goes on by so many seconds of the flight. */
  advance(seconds: number): void {
    const now = this.#now;
    if (!now || now.paused) return;
    this.#owed += seconds;
    for (let steps = Math.min(STEPS_AT_ONCE, Math.floor(this.#owed / STEP)); steps > 0 && this.#now === now; steps--) this.#note(now.flight.step(), false);
    this.#owed %= STEP;
  }

  state(): FlightManagerPayload {
    const now = this.#now;
    const flight = now && {
      flightPlan: now.plan,
      status: now.paused ? "paused" : "active",
      vaTrackingId: null,
      stratosFlightId: now.id,
      startedAt: new Date(now.startedAt).toISOString(),
      currentPhase: now.flight.aircraft.phase,
    };
    const pendingRecovery = this.interrupted && { flightPlan: this.interrupted.plan, startedAt: new Date(this.interrupted.startedAt).toISOString() };
    return { flight: flight ?? null, pendingRecovery, simDisconnected: false, reconnecting: false, timestamp: Date.now() };
  }

  phase(): FlightPhaseSnapshot {
    const flight = this.#now?.flight;
    if (!flight) return { currentPhase: "unknown", previousPhase: null, pendingTransition: null, trends: {}, isTracking: false };
    const { phase, previous, climb } = flight.aircraft;
    const trends = { vertical: climb > 100 ? "climbing" : climb < -100 ? "descending" : "level" };
    return { currentPhase: phase, previousPhase: previous, pendingTransition: flight.pending, trends, isTracking: true };
  }

  /** The simulator is there whether or not a flight is: it stands at its gate. */
  snapshot(): SimDataSnapshot {
    const { aircraft } = (this.#now?.flight ?? (this.#parked ??= new Flight(0)));
    return { isConnected: true, simulatorType: "shell-host", data: simDataOf(aircraft, this.isPaused) };
  }
  #parked: Flight | undefined;

  landing(): LandingReport | null {
    return this.#now ? this.#now.landing : this.#last.landing;
  }

  log(): FlightLogEvent[] {
    return this.#now ? this.#now.journal.list() : this.#last.log;
  }

  /** Null where no flight is under way. */
  add(entry: FlightLogEntry): FlightLogEvent | null {
    return this.#now ? this.#enter(entry) : null;
  }

  change(eventId: string, message: string | undefined): FlightLogEvent | null {
    const event = this.#now?.journal.update(eventId, message) ?? null;
    if (event) this.#tellEntry(event);
    return event;
  }

  remove(eventId: string): boolean {
    const removed = this.#now?.journal.remove(eventId) ?? false;
    if (removed) this.told.log(this.log());
    return removed;
  }

  /** What would bring this flight back. */
  kept(): Interrupted | null {
    const now = this.#now;
    return now ? { seed: now.flight.seed, steps: now.flight.steps, plan: now.plan, startedAt: now.startedAt } : null;
  }

  #begin(plan: FlightPlan, flight: Flight, startedAt: number): UnderWay {
    const id = `flight-${startedAt.toString(36)}`;
    this.#owed = 0;
    this.#now = { id, flight, plan, startedAt, journal: new Journal(id, startedAt), paused: false, landing: null };
    return this.#now;
  }

  /** Tells what happened; of a flight that is flown again, only what has to be known afterwards is kept. */
  #note(happened: Happening[], again: boolean): void {
    const now = this.#now;
    if (!now) return;
    for (const one of happened) {
      if (one.kind === "phase") {
        this.#enter({ category: "phase", condition: one.to, message: `Phase: ${one.to.replaceAll("_", " ")}` }, again);
        if (!again) this.told.phase(this.phase());
        if (!again) this.told.update(this.state());
      } else if (one.kind === "log") {
        this.#enter(one, again);
      } else if (one.kind === "landed") {
        now.landing = this.#report(now);
        if (!again) this.told.landing(now.landing);
      } else if (one.kind === "over") {
        this.end("The flight is over");
      }
    }
  }

  #report({ flight }: UnderWay): LandingReport {
    // Seconds of the flight become times: those between them went as fast as it goes, which is told by the last one.
    const [end, ended] = [Date.now(), flight.aircraft.time];
    const dated = <Dated extends { timestamp: number }>(one: Dated): Dated => ({ ...one, timestamp: Math.round(end - (ended - one.timestamp) * 1000) });
    const touchdowns = flight.touchdowns.map(dated);
    const landingRate = Math.min(...touchdowns.map(({ verticalSpeed }) => verticalSpeed));
    return {
      landingRate,
      bounceCount: touchdowns.length - 1,
      touchdowns,
      approachData: flight.approach.map(dated),
      timestamp: end,
      isOnGround: true,
      landingAnalysis: { landingRate, rating: landingRate > -150 ? "smooth" : landingRate > -400 ? "normal" : "hard" },
    };
  }

  #enter(entry: FlightLogEntry, silent = false): FlightLogEvent | null {
    const now = this.#now;
    if (!now) return null;
    const event = now.journal.add(entry, now.flight.aircraft.phase);
    if (!silent) this.#tellEntry(event);
    return event;
  }

  #tellEntry(event: FlightLogEvent): void {
    this.told.entry(event);
    this.told.log(this.log());
  }

  #tellAll(): void {
    this.told.update(this.state());
    this.told.phase(this.phase());
    this.told.log(this.log());
  }
}

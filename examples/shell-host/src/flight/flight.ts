//! A flight from gate to gate, in steps of a fixed length: the state machine of its phases. The same seed gives the same flight,
//! however fast its steps are taken. Pure: it knows no clock, no service and no plugin.

import type { BounceData, CapturePoint, EventCategory, FlightPhase } from "@outboard/shell/types";
import { type Aircraft, atTheGate, WAY } from "./aircraft.js";
import { type Luck, luckOf } from "./luck.js";
import { fly, GLIDE } from "./profile.js";

/** Seconds of the flight in a step. */
export const STEP = 0.25;
/** How long a phase after which nothing has to happen lasts, in seconds. */
const PUSH_BACK = 90;
const ARRIVED = 30;
const DEBOARDING = 60;
/** Seconds that a bounce is in the air. */
const BOUNCE = 2;
/** At most as many points of the approach are kept: one a second. */
const APPROACH_POINTS = 600;

/** Something that happened in a step. */
export type Happening =
  | { kind: "phase"; from: FlightPhase | null; to: FlightPhase }
  | { kind: "log"; category: EventCategory; condition: string; message: string }
  | { kind: "landed" }
  | { kind: "over" };

/** What comes next, and when. */
export interface Pending {
  phase: FlightPhase;
  elapsed: number;
  required: number;
}

export class Flight {
  readonly luck: Luck;
  readonly aircraft: Aircraft;
  readonly touchdowns: BounceData[] = [];
  readonly approach: CapturePoint[] = [];
  over = false;
  #steps = 0;
  #tried = { takeOff: false, landing: false };
  #nextContact = 0;

  constructor(readonly seed: number) {
    this.luck = luckOf(seed);
    this.aircraft = atTheGate(this.luck.fuel);
  }

  /** How many steps it has taken: with the seed, all that is needed to bring it back. */
  get steps(): number {
    return this.#steps;
  }

  /** Takes one step. */
  step(): Happening[] {
    if (this.over) return [];
    const { aircraft } = this;
    const happened: Happening[] = [];
    this.#steps++;
    aircraft.time = this.#steps * STEP;
    aircraft.inPhase += STEP;
    const before = controlsOf(aircraft);
    fly(aircraft, this.luck, STEP);
    this.#capture();
    if (aircraft.phase === "landed") this.#contacts(happened);
    const next = this.#next();
    if (next === "over") {
      this.over = true;
      happened.push({ kind: "over" });
    } else if (next) this.#enter(next, happened);
    for (const [condition, message] of changed(before, controlsOf(aircraft))) happened.push({ kind: "log", category: "controls", condition, message });
    return happened;
  }

  /** The phase that will follow at a known time, in its last ten seconds. */
  get pending(): Pending | null {
    const timed = this.#timed();
    if (!timed) return null;
    const [phase, length] = timed;
    const required = Math.min(10, length);
    const elapsed = this.aircraft.inPhase - (length - required);
    return elapsed > 0 ? { phase, elapsed: Math.round(elapsed), required } : null;
  }

  /** What follows by time alone. */
  #timed(): [FlightPhase, number] | undefined {
    switch (this.aircraft.phase) {
      case "boarding":
        return ["push_back", this.luck.boarding];
      case "push_back":
        return ["taxi", PUSH_BACK];
      case "taxi":
        return ["take_off", this.#tried.takeOff ? 45 : this.luck.taxi];
      case "taxi_in":
        return ["arrived", this.luck.taxiIn];
      case "arrived":
        return ["deboarding", ARRIVED];
      default:
        return undefined;
    }
  }

  #next(): FlightPhase | "over" | undefined {
    const { phase, inPhase, height, airspeed, groundSpeed, done } = this.aircraft;
    const toGo = WAY - done;
    switch (phase) {
      case "take_off":
        if (this.luck.rejects && !this.#tried.takeOff && airspeed >= 85) return "rejected_take_off";
        return height > 1500 ? "climb" : undefined;
      case "rejected_take_off":
        return groundSpeed < 5 ? "taxi" : undefined;
      case "climb":
        return height >= this.luck.cruise - 1 ? "cruise" : undefined;
      case "cruise":
        return toGo <= this.luck.cruise / GLIDE + 8 ? "descent" : undefined;
      case "descent":
        return height < 4000 || toGo < 12 ? "approach" : undefined;
      case "approach":
        return toGo < 5 ? "final" : undefined;
      case "final":
        if (this.luck.goesAround && !this.#tried.landing && height < 500) return "go_around";
        return height <= 0 ? "landed" : undefined;
      case "go_around":
        return toGo > 11 && height > 2900 ? "approach" : undefined;
      case "landed":
        return groundSpeed < 35 && this.#nextContact >= this.luck.touchdowns.length ? "taxi_in" : undefined;
      case "deboarding":
        return inPhase >= DEBOARDING ? "over" : undefined;
      default: {
        const [next, length] = this.#timed() ?? [];
        return next && inPhase >= (length ?? 0) ? next : undefined;
      }
    }
  }

  #enter(phase: FlightPhase, happened: Happening[]): void {
    const { aircraft } = this;
    if (phase === "rejected_take_off") {
      this.#tried.takeOff = true;
      happened.push({ kind: "log", category: "warning", condition: "rejected_take_off", message: `Take-off rejected at ${Math.round(aircraft.airspeed)} kt` });
    }
    if (phase === "go_around") {
      this.#tried.landing = true;
      happened.push({ kind: "log", category: "warning", condition: "go_around", message: `Going around at ${Math.round(aircraft.height)} ft` });
    }
    happened.push({ kind: "phase", from: aircraft.phase, to: phase });
    aircraft.previous = aircraft.phase;
    aircraft.phase = phase;
    aircraft.inPhase = 0;
    if (phase === "landed") this.#contacts(happened);
  }

  /** Contacts with the runway: the first as it lands, then one after each bounce. */
  #contacts(happened: Happening[]): void {
    const { aircraft, luck } = this;
    if (this.#nextContact >= luck.touchdowns.length || aircraft.inPhase < this.#nextContact * BOUNCE) return;
    const verticalSpeed = luck.touchdowns[this.#nextContact++] ?? 0;
    const last = this.#nextContact >= luck.touchdowns.length;
    Object.assign(aircraft, { climb: last ? 0 : -verticalSpeed / 3, height: 0, onGround: last });
    // In seconds of the flight: whoever knows the clock makes a time of it.
    this.touchdowns.push({ verticalSpeed, timestamp: aircraft.time, groundSpeed: Math.round(aircraft.groundSpeed) });
    happened.push({ kind: "log", category: "landing", condition: this.#nextContact > 1 ? "bounce" : "touchdown", message: `${this.#nextContact > 1 ? "Touched down again" : "Touched down"} at ${verticalSpeed} ft/min` });
    if (verticalSpeed < -400) happened.push({ kind: "log", category: "warning", condition: "hard_landing", message: `Hard landing: ${verticalSpeed} ft/min` });
    if (last) happened.push({ kind: "landed" });
  }

  /** One point of the approach a second, from 1500 feet on. */
  #capture(): void {
    const { phase, height, time, climb, airspeed } = this.aircraft;
    if (phase === "go_around") this.approach.length = 0;
    if (phase !== "final" || height > 1500 || time % 1 !== 0 || this.approach.length >= APPROACH_POINTS) return;
    this.approach.push({ timestamp: time, altitudeAgl: Math.round(height), verticalSpeed: Math.round(climb), indicatedAirspeed: Math.round(airspeed) });
  }
}

/** What a pilot's hand has set, in words. */
function controlsOf({ gearDown, flaps, strobes, landingLights, parkingBrake, enginesOn }: Aircraft): Record<string, string> {
  const onOff = (on: boolean): string => (on ? "on" : "off");
  return {
    gear: `Gear ${gearDown ? "down" : "up"}`,
    flaps: `Flaps ${flaps}`,
    strobes: `Strobe lights ${onOff(strobes)}`,
    landing_lights: `Landing lights ${onOff(landingLights)}`,
    parking_brake: `Parking brake ${parkingBrake ? "set" : "released"}`,
    engine_1: `Engine 1 ${onOff(enginesOn[0])}`,
    engine_2: `Engine 2 ${onOff(enginesOn[1])}`,
  };
}

const changed = (before: Record<string, string>, now: Record<string, string>): [string, string][] => Object.entries(now).filter(([name, words]) => before[name] !== words);

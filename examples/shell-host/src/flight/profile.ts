//! How the aircraft moves in each phase: speeds, heights, lights, fuel. A profile that a pilot would recognise, no aerodynamics. Pure.

import type { Aircraft } from "./aircraft.js";
import { WAY } from "./aircraft.js";
import type { Luck } from "./luck.js";

/** Feet of height a nautical mile from the runway: three degrees. */
export const GLIDE = 318;
/** Where the nose rises. */
const ROTATE = 140;
/** The circuit after a go-around, in feet. */
const CIRCUIT = 3000;

/** Moves a value towards another, by so much a second. */
const towards = (value: number, wanted: number, rate: number, seconds: number): number =>
  value < wanted ? Math.min(wanted, value + rate * seconds) : Math.max(wanted, value - rate * seconds);

/** What the pilot wants in this phase. */
interface Wanted {
  airspeed: number;
  /** Knots a second. */
  pull: number;
  climb: number;
  /** How fast the rate of climb follows, in feet a minute each second. */
  swing: number;
}

/** Moves the aircraft by so many seconds. */
export function fly(aircraft: Aircraft, luck: Luck, seconds: number): void {
  setControls(aircraft);
  const wanted = wantedBy(aircraft, luck);
  const wind = aircraft.onGround ? 0 : luck.tailwind * Math.min(1, aircraft.height / luck.cruise);
  aircraft.airspeed = towards(aircraft.airspeed, wanted.airspeed, wanted.pull, seconds);
  aircraft.groundSpeed = Math.max(0, aircraft.airspeed * (1 + 0.0000165 * aircraft.height) + wind);
  aircraft.climb = aircraft.onGround ? 0 : towards(aircraft.climb, wanted.climb, wanted.swing, seconds);
  if (aircraft.phase === "take_off" && aircraft.onGround && aircraft.airspeed >= ROTATE) {
    aircraft.onGround = false;
    aircraft.climb = 200;
  }
  const height = aircraft.height + (aircraft.climb / 60) * seconds;
  // A circuit is flown away from the runway and back, with a turn of half a circle at both ends.
  const away = aircraft.phase === "go_around" && aircraft.inPhase > 30;
  aircraft.offset = towards(aircraft.offset, away ? 180 : 0, 3, seconds);
  aircraft.height = Math.max(0, aircraft.phase === "climb" ? Math.min(luck.cruise, height) : height);
  if (["take_off", "climb", "cruise", "descent", "approach", "final", "go_around", "landed"].includes(aircraft.phase)) {
    aircraft.done = Math.min(WAY, aircraft.done + (away ? -1 : 1) * (aircraft.groundSpeed / 3600) * seconds);
  }
  aircraft.fuel = Math.max(0, aircraft.fuel - burnt(aircraft) * seconds);
}

function wantedBy(aircraft: Aircraft, luck: Luck): Wanted {
  const { phase, inPhase, height, done, groundSpeed } = aircraft;
  const toGo = Math.max(0, WAY - done);
  const level = { climb: 0, swing: 200 };
  switch (phase) {
    case "push_back":
      return { ...level, airspeed: inPhase > 15 && inPhase < 70 ? 3 : 0, pull: 0.5 };
    case "taxi":
      return { ...level, airspeed: inPhase > 5 ? 16 : 0, pull: 0.8 };
    case "take_off":
      return { airspeed: aircraft.onGround ? ROTATE + 5 : 160, pull: aircraft.onGround ? 4.2 : 1.5, climb: 2200, swing: 350 };
    case "rejected_take_off":
      return { ...level, airspeed: 0, pull: 6 };
    case "climb":
      return { airspeed: height < 10_000 ? 250 : 290, pull: 1, climb: Math.min(height < 10_000 ? 2600 : 1900, Math.max(300, (luck.cruise - height) * 1.5)), swing: 120 };
    case "cruise":
      return { ...level, airspeed: 290, pull: 0.6 };
    case "descent": {
      // To the glide path, ten miles out.
      const path = 3000 + Math.max(0, toGo - 12) * GLIDE;
      return { airspeed: height > 10_500 ? 290 : 240, pull: 0.9, climb: Math.max(-2800, Math.min(-300, (path - height) * 0.8 - groundSpeed * 5.3)), swing: 150 };
    }
    case "approach": {
      const path = Math.min(CIRCUIT, toGo * GLIDE);
      return { airspeed: toGo < 8 ? 160 : 190, pull: 1.2, climb: Math.max(-1400, Math.min(600, (path - height) * 4 - (toGo * GLIDE < CIRCUIT ? groundSpeed * 5.3 : 0))), swing: 150 };
    }
    case "final": {
      // The last feet are held off, so that the sinking ends as it was drawn.
      if (height < 40) return { airspeed: 130, pull: 1, climb: luck.touchdowns[0] ?? -150, swing: 400 };
      return { airspeed: 138, pull: 0.9, climb: Math.max(-1100, Math.min(-250, (toGo * GLIDE - height) * 4 - groundSpeed * 5.3)), swing: 200 };
    }
    case "go_around":
      return { airspeed: 180, pull: 2, climb: Math.max(-500, Math.min(2000, (CIRCUIT - height) * 3)), swing: 500 };
    case "landed":
      // In the air of a bounce it falls, and does not brake.
      return aircraft.onGround ? { ...level, airspeed: 30, pull: 3.2 } : { airspeed: 125, pull: 1, climb: -250, swing: 150 };
    case "taxi_in":
      // It stands before the brake is set.
      return { ...level, airspeed: inPhase < luck.taxiIn - 15 ? 15 : 0, pull: 1.5 };
    default:
      return { ...level, airspeed: 0, pull: 1 };
  }
}

/** Lights, gear, flaps, engines and the parking brake, as the phase has them. */
function setControls(aircraft: Aircraft): void {
  const { phase, inPhase, height, airspeed, enginesOn } = aircraft;
  const runway = ["take_off", "rejected_take_off", "final", "landed"].includes(phase);
  aircraft.strobes = runway || ["climb", "cruise", "descent", "approach", "go_around"].includes(phase);
  aircraft.landingLights = runway || (aircraft.strobes && height < 10_000);
  aircraft.parkingBrake = phase === "boarding" || phase === "arrived" || phase === "deboarding";
  if (phase === "push_back") {
    enginesOn[1] ||= inPhase > 20;
    enginesOn[0] ||= inPhase > 50;
  }
  if (phase === "arrived" && inPhase > 8) enginesOn.fill(false);
  if (phase === "take_off" && height > 100) aircraft.gearDown = false;
  if (phase === "go_around") aircraft.gearDown = inPhase < 8;
  if (phase === "final" || (phase === "approach" && WAY - aircraft.done < 6.5)) aircraft.gearDown = true;
  aircraft.flaps = flapsOf(phase, airspeed);
}

function flapsOf(phase: Aircraft["phase"], airspeed: number): number {
  switch (phase) {
    case "taxi":
    case "rejected_take_off":
      return 1;
    case "take_off":
    case "go_around":
      return 2;
    case "climb":
      return airspeed < 200 ? 1 : 0;
    case "approach":
      return airspeed > 185 ? 1 : 2;
    case "final":
    case "landed":
      return 4;
    default:
      return 0;
  }
}

/** Pounds of fuel a second. */
function burnt({ phase, enginesOn, climb }: Aircraft): number {
  const running = enginesOn.filter(Boolean).length;
  if (running === 0) return 0;
  if (phase === "take_off" || phase === "go_around") return running * 1.4;
  if (climb > 500) return running * 1;
  return running * (phase === "cruise" ? 0.7 : 0.2);
}

//! The aircraft at one moment, and what a simulator says of it. Pure.

import type { FlightPhase, SimData } from "@outboard/shell/types";
import { type Airport, along, AWAY, course, distance, HOME } from "./route.js";

/** All that changes while it flies. Feet, knots, nautical miles, pounds, seconds of the flight. */
export interface Aircraft {
  phase: FlightPhase;
  previous: FlightPhase | null;
  /** Seconds since the flight began, and since the phase did. */
  time: number;
  inPhase: number;
  /** Above the ground. */
  height: number;
  /** Feet a minute. */
  climb: number;
  airspeed: number;
  groundSpeed: number;
  /** From where it took off to where it lands, along the line. */
  done: number;
  /** Where the nose points, beside the course. */
  offset: number;
  fuel: number;
  gearDown: boolean;
  flaps: number;
  strobes: boolean;
  landingLights: boolean;
  parkingBrake: boolean;
  enginesOn: [boolean, boolean];
  onGround: boolean;
}

export const WAY = distance(HOME, AWAY);
const COURSE = course(HOME, AWAY);
/** Pounds without fuel: an aircraft of 180 seats. */
const DRY = 128_000;

/** As it stands at its gate. */
export function atTheGate(fuel: number): Aircraft {
  return {
    phase: "boarding", previous: null, time: 0, inPhase: 0, height: 0, climb: 0, airspeed: 0, groundSpeed: 0, done: 0, offset: 0, fuel,
    gearDown: true, flaps: 0, strobes: false, landingLights: false, parkingBrake: true, enginesOn: [false, false], onGround: true,
  };
}

/** The ground below, in feet above the sea. */
const ground = (from: Airport, to: Airport, done: number): number => from.elevation + (to.elevation - from.elevation) * done;

/** What a simulator says of it. */
export function simDataOf(aircraft: Aircraft, paused: boolean): SimData {
  const share = Math.min(1, Math.max(0, aircraft.done / WAY));
  const round = (value: number, digits = 0): number => Number(value.toFixed(digits));
  const place = along(HOME, AWAY, share);
  return {
    altitude: round(ground(HOME, AWAY, share) + aircraft.height),
    altitudeAgl: round(aircraft.height),
    verticalSpeed: round(aircraft.climb),
    groundSpeed: round(aircraft.groundSpeed, 1),
    indicatedAirspeed: round(aircraft.airspeed, 1),
    planeOnground: aircraft.onGround,
    gearControl: aircraft.gearDown,
    lightStrobe: aircraft.strobes,
    lightLanding: aircraft.landingLights,
    enginesCount: 2,
    engine1On: aircraft.enginesOn[0],
    engine2On: aircraft.enginesOn[1],
    engine3On: false,
    engine4On: false,
    pauseFlag: paused,
    isInMenu: false,
    fuelTotalQuantityWeight: round(aircraft.fuel),
    zeroWeightPlusPayload: DRY,
    latitude: round(place.latitude, 5),
    longitude: round(place.longitude, 5),
    heading: round((COURSE + aircraft.offset + 360) % 360, 1),
    flapsPosition: aircraft.flaps,
    parkingBrake: aircraft.parkingBrake,
    pitch: round(aircraft.onGround ? 0 : Math.min(15, Math.max(-5, aircraft.climb / 200 + 2)), 1),
    bank: 0,
  };
}

//! What chance has in store for one flight: drawn whole before it begins, so that nothing depends on when it is looked at. Pure.

import { between, chanceOf } from "./chance.js";

export interface Luck {
  /** Seconds. */
  boarding: number;
  taxi: number;
  taxiIn: number;
  /** Feet above the sea, in whole thousands. */
  cruise: number;
  /** Knots from behind; negative from ahead. */
  tailwind: number;
  fuel: number;
  rejects: boolean;
  goesAround: boolean;
  /** Feet a minute at each contact with the runway; negative. */
  touchdowns: number[];
}

/** The luck of the flight with this seed. */
export function luckOf(seed: number): Luck {
  const chance = chanceOf(seed);
  // In this order for ever: a further one goes to the end, else every seed gives other flights.
  const boarding = Math.round(between(chance, 60, 120));
  const taxi = Math.round(between(chance, 120, 240));
  const taxiIn = Math.round(between(chance, 100, 180));
  const cruise = 1000 * Math.round(between(chance, 17, 23));
  const tailwind = Math.round(between(chance, -40, 40));
  const fuel = Math.round(between(chance, 13_000, 16_000));
  const rejects = chance() < 0.08;
  const goesAround = chance() < 0.12;
  const bounces = Math.max(0, Math.floor(between(chance, -2, 2.6)));
  const first = -Math.round(between(chance, 60, bounces > 0 ? 520 : 380));
  const touchdowns = Array.from({ length: bounces + 1 }, (_, count) => Math.round(first * 0.55 ** count));
  return { boarding, taxi, taxiIn, cruise, tailwind, fuel, rejects, goesAround, touchdowns };
}

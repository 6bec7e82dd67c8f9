//! Chance that can be repeated: the same seed gives the same numbers. Pure.

/** Numbers of at least 0 and less than 1. */
export type Chance = () => number;

/** A generator of its own for each seed: a counter in steps of the golden ratio, whose bits are mixed. */
export function chanceOf(seed: number): Chance {
  let counter = Math.trunc(seed) >>> 0;
  return () => {
    counter = (counter + 0x9e3779b9) >>> 0;
    let mixed = counter ^ (counter >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}

/** A number between two others. */
export const between = (chance: Chance, low: number, high: number): number => low + (high - low) * chance();

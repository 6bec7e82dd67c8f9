//! Where the aircraft is on its way: a straight line between two airports. Pure.

export interface Airport {
  icao: string;
  latitude: number;
  longitude: number;
  /** Feet above the sea. */
  elevation: number;
}

const HAMBURG: Airport = { icao: "EDDH", latitude: 53.6304, longitude: 9.9882, elevation: 53 };
const BERLIN: Airport = { icao: "EDDB", latitude: 52.3667, longitude: 13.5033, elevation: 157 };

/** Airports that are known by their names; a plan with others is flown between these two all the same. */
export const HOME = HAMBURG;
export const AWAY = BERLIN;

const RADIUS_NM = 3440.065;
const rad = (degrees: number): number => (degrees * Math.PI) / 180;

/** Nautical miles between two airports. */
export function distance(from: Airport, to: Airport): number {
  const [a, b] = [rad(from.latitude), rad(to.latitude)];
  const half = Math.sin((b - a) / 2) ** 2 + Math.cos(a) * Math.cos(b) * Math.sin(rad(to.longitude - from.longitude) / 2) ** 2;
  return 2 * RADIUS_NM * Math.asin(Math.sqrt(half));
}

/** The course from one to the other, in degrees. */
export function course(from: Airport, to: Airport): number {
  const [a, b, turn] = [rad(from.latitude), rad(to.latitude), rad(to.longitude - from.longitude)];
  const direction = Math.atan2(Math.sin(turn) * Math.cos(b), Math.cos(a) * Math.sin(b) - Math.sin(a) * Math.cos(b) * Math.cos(turn));
  return ((direction * 180) / Math.PI + 360) % 360;
}

/** Where one is with so much of the way done: 0 at the first, 1 at the second. */
export function along(from: Airport, to: Airport, done: number): { latitude: number; longitude: number } {
  return { latitude: from.latitude + (to.latitude - from.latitude) * done, longitude: from.longitude + (to.longitude - from.longitude) * done };
}

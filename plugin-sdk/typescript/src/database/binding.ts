//! Parameters as better-sqlite3 takes them: positional values, arrays of them, one object of named ones, without sigils.
//! Checks what was given, and puts it in the order of SQLite's numbers.

import type { SqlValue } from "./types.js";

/** A statement's parameters by number: the name with its sigil, or null. */
export type Parameters = (string | null)[];

/** Checks and sorts what a caller gave: a value for each parameter. */
export function bindingOf(wanted: Parameters, given: unknown[]): SqlValue[] {
  const plain: unknown[] = [];
  let byName: Record<string, unknown> | undefined;
  const anonymous = wanted.length - wanted.filter((name) => name !== null).length;
  for (const item of given) {
    if (Array.isArray(item)) plain.push(...item);
    else if (isRecord(item)) {
      if (byName) throw new TypeError("You cannot specify named parameters in two different objects");
      byName = item;
    } else if (isObject(item) && anonymous < wanted.length) throw new TypeError("Named parameters can only be passed within plain objects");
    else plain.push(item);
  }
  const values = plain.map(checked);
  if (values.length < anonymous) throw new RangeError("Too few parameter values were provided");
  if (values.length > anonymous) throw new RangeError("Too many parameter values were provided");
  return anonymous === wanted.length ? values : inOrder(wanted, values, byName);
}

function inOrder(wanted: Parameters, values: SqlValue[], byName: Record<string, unknown> | undefined): SqlValue[] {
  if (!byName) throw new TypeError("Missing named parameters");
  let next = 0;
  return wanted.map((name) => {
    if (name === null) return values[next++] ?? null;
    const key = name.slice(1);
    // Of its own: every object has a `toString`.
    if (!Object.hasOwn(byName, key)) throw new RangeError(`Missing named parameter "${key}"`);
    return checked(byName[key]);
  });
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !ArrayBuffer.isView(value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // Of any realm: a plugin's objects may come out of `vm`.
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
}

/** Whether SQLite's integers have room for it. */
export const fits = (value: bigint): boolean => BigInt.asIntN(64, value) === value;

/** A value as the engines take it, or undefined where there is no such value in SQLite. */
export function sqlValue(value: unknown): SqlValue | undefined {
  if (value === null || value === undefined) return null;
  if (typeof value === "number" || typeof value === "string" || typeof value === "bigint") return value;
  // What only looks like bytes, a proxy or an object made of a prototype, has none.
  if (!ArrayBuffer.isView(value)) return undefined;
  return value instanceof Uint8Array ? value : new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
}

function checked(given: unknown): SqlValue {
  const value = sqlValue(given);
  if (value === undefined) throw new TypeError("SQLite3 can only bind numbers, strings, bigints, buffers, and null");
  if (typeof value === "bigint" && !fits(value)) throw new RangeError("The bound string, buffer, or bigint is too big");
  return value;
}

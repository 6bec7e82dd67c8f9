//! Parameters as better-sqlite3 takes them: positional values, arrays of them, one object of named ones, without sigils.
//! Finds a statement's parameters in its text, checks what was given, and hands both engines the same thing.

import type { Bound } from "./engine.js";
import type { SqlValue } from "./types.js";

/** The parameters that stand in a statement. */
export interface Parameters {
  /** The numbers that SQLite gives to the anonymous ones (`?`, `?3`); named ones take numbers too. */
  positional: number[];
  /** The named ones, with their sigils. */
  named: string[];
}

const QUIET = /'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|--[^\n]*|\/\*[\s\S]*?\*\//g;

/** Reads the parameters out of a statement's text, numbering them as SQLite does. */
export function parametersOf(sql: string): Parameters {
  const found = sql.replace(QUIET, " ").match(/\?\d*|[@:$][A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*/g) ?? [];
  const positional = new Set<number>();
  const named = new Set<string>();
  let highest = 0;
  for (const name of found) {
    if (name === "?") positional.add(++highest);
    else if (name.startsWith("?")) {
      const number = Number(name.slice(1));
      highest = Math.max(highest, number);
      positional.add(number);
    } else if (!named.has(name)) {
      named.add(name);
      highest++;
    }
  }
  return { positional: [...positional].sort((a, b) => a - b), named: [...named] };
}

/** Checks and sorts what a caller gave. */
export function bindingOf(wanted: Parameters, given: unknown[]): Bound {
  const positional: SqlValue[] = [];
  let byName: Record<string, unknown> | undefined;
  for (const item of given) {
    if (Array.isArray(item)) positional.push(...item.map(checked));
    else if (isRecord(item)) {
      if (byName) throw new TypeError("You cannot specify named parameters in two different objects");
      byName = item;
    } else positional.push(checked(item));
  }
  if (positional.length < wanted.positional.length) throw new RangeError("Too few parameter values were provided");
  if (positional.length > wanted.positional.length) throw new RangeError("Too many parameter values were provided");
  return { positional, numbers: wanted.positional, named: named(wanted, byName) };
}

function named(wanted: Parameters, given: Record<string, unknown> | undefined): Record<string, SqlValue> {
  if (wanted.named.length > 0 && !given) throw new RangeError("Missing named parameters");
  const values: Record<string, SqlValue> = {};
  for (const name of wanted.named) {
    const key = name.slice(1);
    if (!given || !(key in given)) throw new RangeError(`Missing named parameter ${JSON.stringify(key)}`);
    values[name] = checked(given[key]);
  }
  return values;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

function checked(value: unknown): SqlValue {
  if (value === null || value === undefined) return null;
  if (typeof value === "bigint") {
    if (BigInt.asIntN(64, value) !== value) throw new RangeError("The bound string, buffer, or bigint is too big");
    return value;
  }
  if (typeof value === "number" || typeof value === "string" || value instanceof Uint8Array) return value;
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  throw new TypeError("SQLite3 can only bind numbers, strings, bigints, buffers, and null");
}

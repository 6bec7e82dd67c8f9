//! What JSON can hold. JSON.stringify writes something else for what it cannot, and says nothing: who keeps a value asks here
//! first. Must not know what the value is for.

import { HALF_A_PAIR, placeFault, told, withArticle } from "./carried.js";

/** A value that JSON cannot hold: the message says which and where. */
export class NotJsonError extends TypeError {
  override readonly name = "NotJsonError";
}

/**
 * Throws {@link NotJsonError} with the path of whatever would come back as something else, after the words that say what was called.
 * Members that are `undefined` are left out, as they read the same when they are not there.
 */
export function checkJson(value: unknown, called: string): void {
  try {
    checkAt(value, "value", []);
  } catch (error) {
    throw error instanceof NotJsonError ? new NotJsonError(called + error.message) : error;
  }
}

function checkAt(value: unknown, path: string, above: object[]): void {
  switch (typeof value) {
    case "boolean":
      return;
    case "string":
      if (HALF_A_PAIR.test(value)) throw refuse(path, "holds half of a surrogate pair");
      return;
    case "number":
      if (!Number.isFinite(value)) throw refuse(path, `is ${value}`);
      return;
    case "bigint":
      throw refuse(path, "is a BigInt", "; keep it as text");
    case "object":
      if (value !== null) checkObject(value, path, above);
      return;
    default:
      throw refuse(path, value === undefined ? "is undefined" : `is ${withArticle(typeof value)}`);
  }
}

function checkObject(value: object, path: string, above: object[]): void {
  const fault = placeFault(value, path, above, above.length, 1);
  if (fault) throw new NotJsonError(fault);
  const kind = kindOf(value);
  if (kind !== undefined) {
    throw refuse(path, `is ${withArticle(kind)}`, kind === "Date" ? "; keep its toISOString() or getTime()" : "; keep its data as a plain object or array");
  }
  const symbol = Object.getOwnPropertySymbols(value).find((key) => Object.prototype.propertyIsEnumerable.call(value, key));
  if (symbol) throw refuse(path, `has the key ${String(symbol)}`, "; use text as a key");
  const inside = [...above, value];
  if (Array.isArray(value)) return checkArray(value, path, inside);
  for (const [key, member] of Object.entries(value)) {
    if (HALF_A_PAIR.test(key)) throw refuse(path, "has a key with half of a surrogate pair");
    if (member !== undefined) checkAt(member, `${path}.${key}`, inside);
  }
}

function checkArray(value: unknown[], path: string, inside: object[]): void {
  // Not forEach: it passes over what is missing, which would become null.
  for (let at = 0; at < value.length; at++) checkAt(value[at], `${path}[${at}]`, inside);
  // Its items are the first of its keys, and none of them is missing. The match of a regular expression has others.
  const other = Object.keys(value)[value.length];
  if (other !== undefined) throw refuse(`${path}.${other}`, "is a member of an array", "; keep the items alone, or a plain object");
}

/** The class of what is not a plain object or array. One of another realm, as a test runner's, has a prototype of its own all the same. */
function kindOf(value: object): string | undefined {
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  const prototype: unknown = Object.getPrototypeOf(value);
  const above: unknown = prototype === null ? null : Object.getPrototypeOf(prototype);
  const plain = Array.isArray(value) ? above === null || Object.getPrototypeOf(above) === null : above === null && tag === "Object";
  if (plain) return undefined;
  return (value.constructor as { name?: string } | undefined)?.name || tag;
}

function refuse(path: string, what: string, advice = ""): NotJsonError {
  return new NotJsonError(`${told(path)} ${what}, which JSON cannot hold${advice}`);
}

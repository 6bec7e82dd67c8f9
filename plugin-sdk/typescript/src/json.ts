//! What JSON can hold. JSON.stringify writes something else for what it cannot, and says nothing: who keeps a value asks here
//! first. Must not know what the value is for.

import { DEPTH_MAX } from "./wire/message.js";

/** A value that JSON cannot hold: the message says which and where. */
export class NotJsonError extends TypeError {
  override readonly name = "NotJsonError";
}

/** How deep a value may be nested: the answer to `config.getAll` has three levels around it. */
const LEVELS_MAX = DEPTH_MAX - 3;
/** Half of a surrogate pair, as cutting a text in two makes it. */
const HALF_A_PAIR = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

/**
 * Throws {@link NotJsonError} with the path of whatever would come back as something else. Members that are `undefined` are left out,
 * as they read the same when they are not there.
 */
export function checkJson(value: unknown, path = "value"): void {
  checkAt(value, path, []);
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
      throw refuse(path, value === undefined ? "is undefined" : `is a ${typeof value}`);
  }
}

function checkObject(value: object, path: string, above: object[]): void {
  if (above.includes(value)) throw refuse(path, "refers back to what contains it");
  if (above.length >= LEVELS_MAX) throw refuse(path, `is nested more than ${LEVELS_MAX} levels deep`);
  const inside = [...above, value];
  if (Array.isArray(value)) {
    // Not forEach: it passes over what is missing, which would become null.
    for (let at = 0; at < value.length; at++) checkAt(value[at], `${path}[${at}]`, inside);
    return;
  }
  const kind = kindOf(value);
  if (kind !== undefined) throw refuse(path, `is a ${kind}`, kind === "Date" ? "; keep its toISOString() or getTime()" : "; keep its data as a plain object or array");
  for (const [key, member] of Object.entries(value)) {
    if (HALF_A_PAIR.test(key)) throw refuse(path, "has a key with half of a surrogate pair");
    if (member !== undefined) checkAt(member, `${path}.${key}`, inside);
  }
}

/** The class of what is no plain object. One of another realm, as a test runner's, has a prototype of its own all the same. */
function kindOf(value: object): string | undefined {
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  const prototype: unknown = Object.getPrototypeOf(value);
  const plain = prototype === null || Object.getPrototypeOf(prototype) === null;
  if (plain && tag === "Object") return undefined;
  return (value.constructor as { name?: string } | undefined)?.name || tag;
}

function refuse(path: string, what: string, advice = ""): NotJsonError {
  return new NotJsonError(`${path.length > 200 ? `${path.slice(0, 200)}…` : path} ${what}, which JSON cannot hold${advice}`);
}

//! Tagged values: what structured cloning carries and JSON does not (Date, Map, Set, BigInt, bytes, and the numbers that
//! JSON lacks), as JSON and back. Used at both ends of `ctx.ipc` and of the UI client. Must not know the wire.

import { HALF_A_PAIR, placeFault, told, withArticle } from "./carried.js";

/** The member that marks a tagged value. */
const TAG = "$outboard";

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** A value that cannot be carried: the message says which and where. */
export class UncloneableError extends TypeError {
  override readonly name = "UncloneableError";
}

/** Turns a value into JSON; throws {@link UncloneableError} with the path of whatever cannot be carried. Half of a surrogate pair cannot: no
 * receiver could read it. */
export function encode(value: unknown, path = "payload"): unknown {
  return encodeAt(value, path, [], 0);
}

/** The value that {@link encode} was given. */
export function decode(json: unknown): unknown {
  if (typeof json !== "object" || json === null) return json;
  if (Array.isArray(json)) return json.map(decode);
  const object = json as Record<string, unknown>;
  if (typeof object[TAG] === "string") return untag(object[TAG], object["value"]);
  return Object.fromEntries(Object.entries(object).map(([key, member]) => [key, decode(member)]));
}

function encodeAt(value: unknown, path: string, above: object[], depth: number): Json {
  switch (typeof value) {
    case "string":
      if (HALF_A_PAIR.test(value)) throw refuse(path, "holds half of a surrogate pair");
      return value;
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0) ? value : leaf("number", Object.is(value, -0) ? "-0" : String(value), path, depth);
    case "bigint":
      return leaf("bigint", String(value), path, depth);
    case "undefined":
      return null;
    case "object":
      if (value === null) return null;
      break;
    default:
      throw refuse(path, `is ${withArticle(typeof value)}`, "; send plain data");
  }
  const kind = Object.prototype.toString.call(value).slice(8, -1);
  const fault = placeFault(value, path, above, depth, levelsOf(value, kind));
  if (fault) throw new UncloneableError(fault);
  return encodeObject(value, kind, path, [...above, value], depth + levelsOf(value, kind));
}

/** A tagged value with nothing in it, which is one level of JSON. */
function leaf(tag: string, value: string, path: string, depth: number): Json {
  const json = { [TAG]: tag, value };
  const fault = placeFault(json, path, [], depth, 1);
  if (fault) throw new UncloneableError(fault);
  return json;
}

/** How many levels of JSON a value becomes: a map is a list of pairs in a tag. */
function levelsOf(value: object, kind: string): number {
  if (kind === "Map") return 3;
  return kind === "Set" || (kind === "Object" && isMarked(value)) ? 2 : 1;
}

/** Whether an object looks like a tagged value, and is carried in one. */
const isMarked = (value: object): boolean => Object.hasOwn(value, TAG) && (value as Record<string, unknown>)[TAG] !== undefined;

function encodeObject(value: object, kind: string, path: string, above: object[], depth: number): Json {
  if (Array.isArray(value)) return Array.from(value, (item, i) => encodeAt(item, `${path}[${i}]`, above, depth));
  if (value instanceof Date || kind === "Date") {
    const time = (value as Date).getTime();
    return { [TAG]: "date", value: Number.isNaN(time) ? null : new Date(time).toISOString() };
  }
  if (kind === "Map") {
    const entries = [...(value as Map<unknown, unknown>)];
    return {
      [TAG]: "map",
      value: entries.map(([key, member], i) => [encodeAt(key, `${path}.key[${i}]`, above, depth), encodeAt(member, `${path}.value[${i}]`, above, depth)]),
    };
  }
  if (kind === "Set") return { [TAG]: "set", value: [...(value as Set<unknown>)].map((item, i) => encodeAt(item, `${path}.item[${i}]`, above, depth)) };
  if (kind === "ArrayBuffer") return { [TAG]: "bytes", value: toBase64(new Uint8Array(value as ArrayBuffer)) };
  if (ArrayBuffer.isView(value)) return encodeView(value, path);
  return encodeRecord(value as Record<string, unknown>, path, above, depth);
}

function encodeView(value: ArrayBufferView, path: string): Json {
  if (!(value instanceof Uint8Array) && !(value instanceof DataView)) {
    throw refuse(path, `is ${withArticle(value.constructor.name)}`, "; send a Uint8Array or an array of numbers");
  }
  return { [TAG]: "bytes", value: toBase64(new Uint8Array(value.buffer, value.byteOffset, value.byteLength)) };
}

function encodeRecord(value: Record<string, unknown>, path: string, above: object[], depth: number): Json {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    const name = (value.constructor as { name?: string } | undefined)?.name || "class";
    throw refuse(path, `is ${withArticle(name)} instance`, "; send its data as a plain object");
  }
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  if (members.some(([key]) => HALF_A_PAIR.test(key))) throw refuse(path, "has a key with half of a surrogate pair");
  const json = Object.fromEntries(members.map(([key, member]) => [key, encodeAt(member, `${path}.${key}`, above, depth)]));
  return isMarked(value) ? { [TAG]: "object", value: json } : json;
}

function refuse(path: string, what: string, advice = ""): UncloneableError {
  return new UncloneableError(`${told(path)} ${what}, which cannot be sent${advice}`);
}

function untag(tag: string, value: unknown): unknown {
  switch (tag) {
    case "date":
      return new Date(value === null ? Number.NaN : (value as string));
    case "map":
      return new Map((value as [unknown, unknown][]).map(([key, member]) => [decode(key), decode(member)]));
    case "set":
      return new Set((value as unknown[]).map(decode));
    case "bigint":
      return BigInt(value as string);
    case "number":
      return Number(value);
    case "bytes":
      return fromBase64(value as string);
    case "object":
      return Object.fromEntries(Object.entries(value as object).map(([key, member]) => [key, decode(member)]));
    default:
      return { [TAG]: tag, value: decode(value) }; // a newer sender's tag: shown as it came
  }
}

/** How many bytes become characters at once: a larger argument list would overflow the stack. */
const BASE64_PIECE = 0x8000;

function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += BASE64_PIECE) text += String.fromCharCode(...bytes.subarray(at, at + BASE64_PIECE));
  return btoa(text);
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}

//! Tagged values: what structured cloning carries and JSON does not (Date, Map, Set, BigInt, bytes, and the numbers that
//! JSON lacks), as JSON and back. Used at both ends of `ctx.ipc` and of the UI client. Must not know the wire.

/** The member that marks a tagged value. */
const TAG = "$outboard";

/** Deepest nesting that is carried: below the 127 levels at which a host stops reading. */
const DEPTH_MAX = 100;

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** A value that cannot be carried: the message says which and where. */
export class UncloneableError extends TypeError {
  override readonly name = "UncloneableError";
}

/** Turns a value into JSON; throws {@link UncloneableError} with the path of whatever cannot be carried. */
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
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0) ? value : { [TAG]: "number", value: Object.is(value, -0) ? "-0" : String(value) };
    case "bigint":
      return { [TAG]: "bigint", value: String(value) };
    case "undefined":
      return null;
    case "object":
      if (value === null) return null;
      break;
    default:
      throw new UncloneableError(`${path} is a ${typeof value}, which cannot be sent; send plain data`);
  }
  if (above.includes(value)) throw new UncloneableError(`${path} refers back to what contains it, which cannot be sent`);
  if (depth >= DEPTH_MAX) throw new UncloneableError(`${path} is nested more than ${DEPTH_MAX} levels deep`);
  return encodeObject(value, path, [...above, value], depth + 1);
}

function encodeObject(value: object, path: string, above: object[], depth: number): Json {
  if (Array.isArray(value)) return value.map((item, i) => encodeAt(item, `${path}[${i}]`, above, depth));
  const kind = Object.prototype.toString.call(value).slice(8, -1);
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
    throw new UncloneableError(`${path} is a ${value.constructor.name}, which cannot be sent; send a Uint8Array or an array of numbers`);
  }
  return { [TAG]: "bytes", value: toBase64(new Uint8Array(value.buffer, value.byteOffset, value.byteLength)) };
}

function encodeRecord(value: Record<string, unknown>, path: string, above: object[], depth: number): Json {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    const name = (value.constructor as { name?: string } | undefined)?.name || "class";
    throw new UncloneableError(`${path} is a ${name} instance, which cannot be sent; send its data as a plain object`);
  }
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  const json = Object.fromEntries(members.map(([key, member]) => [key, encodeAt(member, `${path}.${key}`, above, depth)]));
  return TAG in json ? { [TAG]: "object", value: json } : json;
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

//! The JSON-RPC 2.0 envelope: one line to one message, and messages to lines. Called by the peer on each side of a session;
//! keeps the verdicts of the golden vectors. Must not know any method.

import type { CallId } from "../generated/protocol.js";
import { CallError, type WireError } from "./error.js";
import { FRAME_MAX } from "./lines.js";

/** Deepest nesting of arrays and objects in a frame. */
export const DEPTH_MAX = 100;
/** Longest id, in bytes of JSON: ids are kept as long as their call runs. */
const ID_MAX = 128;

/** What a line says. */
export type Message =
  | { kind: "request"; id: CallId; method: string; params: unknown }
  | { kind: "notification"; method: string; params: unknown }
  /** An id that is null: the other side could not tell which call it is about. */
  | { kind: "result"; id: CallId | null; result: unknown }
  | { kind: "error"; id: CallId | null; error: CallError }
  /** It means to be a message and is none: to be answered with this error and the id null. */
  | { kind: "broken"; error: CallError }
  /** Nothing about it says JSON-RPC: something that was printed. Nothing is answered. */
  | { kind: "noise" };

const NOISE: Message = { kind: "noise" };

/** Reads one line. `utf8` is false where its bytes were no UTF-8. */
export function parse(line: string, utf8 = true): Message {
  const first = line[0];
  if ((first !== "{" && (first !== "[" || !utf8)) || !line.includes('"jsonrpc"')) return NOISE;
  if (!utf8) return unreadable("the frame is not UTF-8");
  if (first === "[") return broken("batches are not supported; send one message a line");
  let members: Record<string, unknown>;
  try {
    members = JSON.parse(line) as Record<string, unknown>;
  } catch (error) {
    return /^\{\s*"/.test(line) ? unreadable(`the frame is not JSON: ${(error as Error).message}`) : NOISE;
  }
  if (members["jsonrpc"] === undefined) return NOISE;
  const fault = faultOf(line, members);
  if (fault) return fault;
  if (members["jsonrpc"] !== "2.0") return broken('`jsonrpc` must be "2.0"');
  return sort(members);
}

function sort(members: Record<string, unknown>): Message {
  const { id, method, params, result, error } = members;
  const failed = error !== undefined && error !== null;
  if (method !== undefined) {
    if (typeof method !== "string") return broken("`method` must be a string");
    if (result !== undefined || failed) return broken(ONE_OF);
    if (id === undefined) return { kind: "notification", method, params: params ?? undefined };
    return isId(id) ? { kind: "request", id, method, params: params ?? undefined } : broken(BAD_ID);
  }
  if ((result === undefined) === !failed) return broken(ONE_OF);
  if (id === undefined) return broken("a response needs the `id` of its call");
  if (id !== null && !isId(id)) return broken(BAD_ID);
  return failed ? { kind: "error", id, error: CallError.fromWire(error) } : { kind: "result", id, result };
}

const ONE_OF = "a message has either `method`, or `result`, or `error`";
const BAD_ID = `\`id\` must be a string or a number of at most ${ID_MAX} bytes, and a whole number one that can be counted exactly`;

function isId(id: unknown): id is CallId {
  // A whole number beyond these would come back as another one.
  if (typeof id === "number") return Number.isSafeInteger(id) || (Number.isFinite(id) && !Number.isInteger(id));
  if (typeof id !== "string") return false;
  return id.length * 6 + 2 <= ID_MAX || Buffer.byteLength(JSON.stringify(id)) <= ID_MAX;
}

/** What JSON.parse lets pass and others do not. The cheap looks come first: they are for each message. */
function faultOf(line: string, members: Record<string, unknown>): Message | undefined {
  if (isDeep(line)) return broken(TOO_DEEP);
  if (line.includes("\\u") && LONE_SURROGATE.test(JSON.stringify(members))) return unreadable("half of a surrogate pair is no text");
  if (mayHaveTwice(line, members) && hasTwice(line)) return broken("a member of the message stands there twice");
  return undefined;
}

const MEMBERS = ["id", "method", "jsonrpc", "params", "result", "error"];
const QUOTED = MEMBERS.map((name) => `"${name}"`);

/** How JSON.stringify writes a half surrogate, and writes nothing else: a backslash of the text itself is doubled. */
const LONE_SURROGATE = /(?<=(?:^|[^\\])(?:\\\\)*)\\ud[89a-f][0-9a-f]{2}/;
const LONE_SURROGATES = new RegExp(LONE_SURROGATE, "g");

/** Whether the name of a member that is there stands in the line again, be it inside of a value. */
function mayHaveTwice(line: string, members: Record<string, unknown>): boolean {
  return QUOTED.some((quoted, at) => {
    if (members[MEMBERS[at] as string] === undefined) return false;
    return line.indexOf(quoted, line.indexOf(quoted) + quoted.length) >= 0;
  });
}

const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const BACKSLASH = 92;
const OPEN = new Set([91, 123]);
const CLOSE = new Set([93, 125]);

const TOO_DEEP = `nested deeper than ${DEPTH_MAX} levels`;

function isDeep(line: string): boolean {
  // Too many levels need that many brackets on each side; nearly every frame has fewer, or is shorter.
  if (line.length <= 2 * DEPTH_MAX) return false;
  let brackets = 0;
  for (const bracket of ["{", "["]) {
    for (let at = line.indexOf(bracket); at >= 0 && brackets <= DEPTH_MAX; at = line.indexOf(bracket, at + 1)) brackets++;
  }
  if (brackets <= DEPTH_MAX) return false;
  let deepest = 0;
  walk(line, (depth) => (deepest = Math.max(deepest, depth)));
  return deepest > DEPTH_MAX;
}

/** Whether a member of the envelope stands twice; only for JSON that was read. */
function hasTwice(line: string): boolean {
  const names: string[] = [];
  let start = 1;
  walk(line, (depth, at) => {
    const char = line.charCodeAt(at);
    if (depth !== 1) return;
    if (char === COMMA) start = at + 1;
    else if (char === COLON) names.push(line.slice(start, at).trim());
  });
  const known = names.filter((name) => QUOTED.includes(name));
  return new Set(known).size < known.length;
}

/** Follows JSON text without reading it: tells of each character outside of strings, and the level on which it stands. */
function walk(line: string, each: (depth: number, at: number) => void): void {
  let depth = 0;
  for (let at = 0; at < line.length; at++) {
    const char = line.charCodeAt(at);
    if (char === QUOTE) at = endOfString(line, at);
    else if (OPEN.has(char)) depth++;
    else if (CLOSE.has(char)) depth--;
    each(depth, at);
  }
}

function endOfString(line: string, start: number): number {
  let at = start + 1;
  for (let char = line.charCodeAt(at); char !== QUOTE && at < line.length; char = line.charCodeAt(++at)) if (char === BACKSLASH) at++;
  return at;
}

function broken(message: string): Message {
  return { kind: "broken", error: CallError.of("invalid_request", message) };
}

function unreadable(message: string): Message {
  return { kind: "broken", error: CallError.of("parse_error", message) };
}

/** A request as one line, without its end. Throws a {@link CallError} where it cannot be sent. */
export function writeRequest(id: CallId, method: string, params: unknown): string {
  return checked(JSON.stringify({ jsonrpc: "2.0", id, method, params }), method);
}

/** A notification as one line. */
export function writeNotification(method: string, params: unknown): string {
  return checked(JSON.stringify({ jsonrpc: "2.0", method, params }), method);
}

/** The answer to a call as one line. */
export function writeResult(id: CallId, result: unknown): string {
  return checked(JSON.stringify({ jsonrpc: "2.0", id, result }), "the answer");
}

/** Longest message of an error that could not be sent whole, in characters. */
const MESSAGE_MAX = 4096;

/** An error answer as one line; null where it is not known which call it is about. Always gives one. */
export function writeError(id: CallId | null, error: WireError): string {
  try {
    return checked(JSON.stringify({ jsonrpc: "2.0", id, error }), "the error");
  } catch {
    // Its `data` is no JSON, or too much: the code and the text still reach the caller.
    const { code, message } = error;
    return checked(JSON.stringify({ jsonrpc: "2.0", id, error: { code, message: message.slice(0, MESSAGE_MAX) } }), "the error");
  }
}

function checked(frame: string, what: string): string {
  if (isDeep(frame)) throw CallError.of("invalid_params", `${what} is ${TOO_DEEP}`);
  // A half surrogate, as cutting a text in two makes it: no receiver could read it.
  const line = frame.includes("\\ud") ? frame.replace(LONE_SURROGATES, "\ufffd") : frame;
  // A character is at most three bytes of UTF-8, so short frames need no counting.
  const bytes = line.length * 3 <= FRAME_MAX ? 0 : Buffer.byteLength(line);
  if (bytes > FRAME_MAX) {
    throw CallError.of("limit_exceeded", `${what} is ${bytes} bytes long, over the limit of ${FRAME_MAX}; send bulk data over HTTP`);
  }
  return line;
}

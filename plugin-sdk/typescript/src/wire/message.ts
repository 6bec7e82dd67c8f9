//! The JSON-RPC 2.0 envelope: one line to one message, and messages to lines. Called by the peer on each side of a session;
//! keeps the verdicts of the golden vectors. Must not know any method.

import type { CallId } from "../generated/protocol.js";
import { CallError, type WireError } from "./error.js";
import { FRAME_MAX } from "./lines.js";
import { members, walk } from "./salvage.js";

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

/** Reads one line. `utf8` is false where its bytes were not UTF-8. */
export function parse(line: string, utf8 = true): Message {
  const first = line[0];
  if ((first !== "{" && (first !== "[" || !utf8)) || !line.includes('"jsonrpc"')) return NOISE;
  if (!utf8) return unreadable("the frame is not UTF-8");
  if (first === "[") return broken("batches are not supported; send one message a line");
  let envelope: Record<string, unknown>;
  try {
    envelope = JSON.parse(line) as Record<string, unknown>;
  } catch (error) {
    return /^\{\s*"/.test(line) ? unreadable(`the frame is not JSON: ${(error as Error).message}`) : NOISE;
  }
  if (envelope["jsonrpc"] === undefined) return NOISE;
  const fault = faultOf(line, envelope);
  if (fault) return fault;
  if (envelope["jsonrpc"] !== "2.0") return broken('`jsonrpc` must be "2.0"');
  return sort(envelope);
}

function sort(envelope: Record<string, unknown>): Message {
  const { id, method, params, result, error } = envelope;
  const failed = error !== undefined && error !== null;
  if (method !== undefined) {
    if (typeof method !== "string") return broken("`method` must be a string");
    if (result !== undefined || failed) return broken(ONE_OF);
    if (id === undefined) return { kind: "notification", method, params: params ?? undefined };
    return isId(id) ? { kind: "request", id, method, params: params ?? undefined } : broken(BAD_ID);
  }
  if (result === undefined && !failed) return broken("it has neither `method`, nor `result`, nor `error`");
  if (result !== undefined && failed) return broken(ONE_OF);
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
function faultOf(line: string, envelope: Record<string, unknown>): Message | undefined {
  if (isDeep(line)) return broken(TOO_DEEP);
  if (line.includes("\\u") && LONE_SURROGATE.test(JSON.stringify(envelope))) return unreadable("half of a surrogate pair is not text");
  if (mayHaveTwice(line, envelope) && hasTwice(line)) return broken("a member of the message appears twice");
  return undefined;
}

const MEMBERS = ["id", "method", "jsonrpc", "params", "result", "error"];
const QUOTED = MEMBERS.map((name) => `"${name}"`);

/** How JSON.stringify writes a half surrogate, and writes nothing else: a backslash of the text itself is doubled. */
const LONE_SURROGATE = /(?<=(?:^|[^\\])(?:\\\\)*)\\ud[89a-f][0-9a-f]{2}/;
const LONE_SURROGATES = new RegExp(LONE_SURROGATE, "g");

/** Whether the name of a member that is there stands in the line again, be it inside of a value. */
function mayHaveTwice(line: string, envelope: Record<string, unknown>): boolean {
  return QUOTED.some((quoted, at) => {
    if (envelope[MEMBERS[at] as string] === undefined) return false;
    return line.indexOf(quoted, line.indexOf(quoted) + quoted.length) >= 0;
  });
}

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
  const known = members(line).filter(({ name }) => QUOTED.includes(name));
  return new Set(known.map(({ name }) => name)).size < known.length;
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
    // Its `data` is not JSON, or too much: the code and the text still reach the caller.
    const { code, message } = error;
    return checked(JSON.stringify({ jsonrpc: "2.0", id, error: { code, message: `${message}`.slice(0, MESSAGE_MAX) } }), "the error");
  }
}

/** What is itself too large stays so: the same call fails again whenever it is made. */
export const LASTING = { retryable: false };

function checked(frame: string, what: string): string {
  if (isDeep(frame)) throw CallError.of("invalid_params", `${what} is ${TOO_DEEP}`);
  // A half surrogate, as cutting a text in two makes it: no receiver could read it.
  const line = frame.includes("\\ud") ? frame.replace(LONE_SURROGATES, "\ufffd") : frame;
  // A character is at most three bytes of UTF-8, so short frames need no counting.
  const bytes = line.length * 3 <= FRAME_MAX ? 0 : Buffer.byteLength(line);
  if (bytes > FRAME_MAX) {
    throw CallError.of("limit_exceeded", `${what} is ${bytes} bytes long, over the limit of ${FRAME_MAX}; send bulk data over HTTP`, LASTING);
  }
  return line;
}

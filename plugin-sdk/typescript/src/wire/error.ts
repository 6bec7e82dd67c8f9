//! The error of a call that crossed the wire. Made by the peer from an error object and by whoever refuses a call on this
//! side. Must not know who failed.

import { ERRORS, type ErrorData, type RpcError } from "../generated/protocol.js";

/** The stable word of a failure. */
export type Reason = keyof typeof ERRORS;

/** The error object as it is made here: with a message, and details of its kind beside the common data. */
export interface WireError extends RpcError {
  message: string;
  data?: ErrorData & { [detail: string]: unknown };
}

/** A call to the host, or to a plugin, that failed. */
export class CallError extends Error {
  override readonly name = "CallError";
  /** The code that the plugin's error had, text or number; else that of JSON-RPC. */
  readonly code: number | string;
  readonly #wireCode: number;
  /** The stable word of JSON-RPC's code; what programs should look at. */
  readonly reason: string;
  /** Whether the same call may succeed if it is simply made again later. */
  readonly retryable: boolean;
  /** Further members, which belong to one kind of failure. */
  readonly data: Record<string, unknown>;

  constructor(error: WireError) {
    super(error.message);
    this.#wireCode = error.code;
    this.data = error.data ?? {};
    const own = this.data["code"];
    this.code = typeof own === "string" || typeof own === "number" ? own : error.code;
    this.reason = error.data?.reason ?? reasonOf(error.code) ?? "";
    this.retryable = error.data?.retryable ?? false;
  }

  /** The error that an answer carries. One that is not quite in order still ends its call. */
  static fromWire(given: unknown): CallError {
    const { code, message, data } = (typeof given === "object" && given !== null ? given : { message: given }) as Record<string, unknown>;
    const details = typeof data === "object" && !Array.isArray(data) ? data : { value: data };
    return new CallError({
      code: Number.isInteger(code) ? (code as number) : ERRORS.internal_error[0],
      message: typeof message === "string" ? message : (JSON.stringify(message) ?? ""),
      ...(data === undefined || details === null ? {} : { data: details as NonNullable<WireError["data"]> }),
    });
  }

  /** An error from the table, with the row's own code and retryability. */
  static of(reason: Reason, message: string, details: Record<string, unknown> = {}): CallError {
    const [code, retryable] = ERRORS[reason];
    return new CallError({ code, message, data: { reason, retryable, ...details } });
  }

  /** The error object for the wire. */
  toWire(): WireError {
    return { code: this.#wireCode, message: this.message, data: { ...this.data, reason: this.reason, retryable: this.retryable } };
  }
}

function reasonOf(code: number): Reason | undefined {
  return (Object.keys(ERRORS) as Reason[]).find((reason) => ERRORS[reason][0] === code);
}

/** Longest code of a plugin's own, in characters. */
const CODE_MAX = 256;

/**
 * Whatever was thrown, as the error object of an answer: a stack goes along for the crash and refusal reports, and the error's own
 * `code`, as those of Node and of most libraries have one. A whole number is the answer's code, text goes beside it. Never throws.
 */
export function toWireError(thrown: unknown): WireError {
  const known = attempt(() => (thrown instanceof CallError ? thrown.toWire() : undefined));
  if (known) return known;
  const error = asError(thrown);
  const own = (error as { code?: unknown }).code;
  const numbered = typeof own === "number" && Object.is(own | 0, own);
  const code = numbered ? own : ERRORS.internal_error[0];
  const reason = reasonOf(code);
  const data: NonNullable<WireError["data"]> = { reason: reason ?? "", retryable: reason ? ERRORS[reason][1] : false, name: error.name };
  if (typeof own === "string") data["code"] = own.slice(0, CODE_MAX);
  if (error.stack) data["stack"] = error.stack;
  return { code, message: error.message || error.name, data };
}

/** What is said of a thrown value whose own words cannot be read. */
const UNREADABLE = "its message cannot be read";

/**
 * Whatever was thrown, as an Error whose message, name and stack are text. The author's own error where it is one; a getter of it, or
 * its `toString`, may throw or give something else, and then a plain Error takes its place with what can be read. Never throws.
 */
export function asError(thrown: unknown): Error {
  const isError = attempt(() => thrown instanceof Error) ?? false;
  const read = (member: string): unknown => attempt(() => (thrown as Record<string, unknown>)[member]);
  if (isError && attempt(() => isPlain(thrown as Error))) return thrown as Error;
  const isLike = isError || (typeof thrown === "object" && thrown !== null && (attempt(() => "message" in thrown) ?? false));
  if (!isLike) return new Error(`a value that is not an Error was thrown: ${textOf(thrown)}`);
  const error = new Error(textOf(read("message") ?? (isError ? UNREADABLE : undefined)));
  for (const member of ["name", "stack"]) {
    const value = read(member);
    if (value !== undefined) Object.defineProperty(error, member, { value: textOf(value), configurable: true, writable: true });
  }
  return Object.assign(error, { code: read("code") });
}

/** Whether all that is read of an error can be read, and is what its type says. */
function isPlain(error: Error & { code?: unknown }): boolean {
  const { message, name, stack, code: _code, cause: _cause } = error;
  return typeof message === "string" && typeof name === "string" && (stack === undefined || typeof stack === "string");
}

function textOf(value: unknown): string {
  return attempt(() => String(value)) ?? UNREADABLE;
}

/** What is found, or nothing where looking throws: the value is an author's, and anything can be behind a member of it. */
function attempt<Found>(look: () => Found): Found | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}

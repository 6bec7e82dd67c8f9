//! What can go wrong, as errors that a program can tell apart and a person can act upon.
//!
//! Thrown by every other file here. Must not know what was being done.

/** What went wrong, for programs. */
export type HostErrorCode =
  /** No program `outboard` was found, or it cannot be run. */
  | "no-binary"
  /** An option cannot be used as it is. */
  | "bad-option"
  /** The supervisor ended before it was ready, or did not become ready in time. */
  | "not-started"
  /** What lies in the runtime folder is not ours alone, so nothing was sent there. */
  | "refused"
  /** No answer came in time; what was asked for may still happen. */
  | "no-answer"
  /** The connection was lost while an answer was awaited; what was asked for may have happened. */
  | "lost"
  /** The supervisor was stopped. */
  | "stopped"
  /** It was restarted too often, and given up. */
  | "gave-up";

/** Something that went wrong between this application and the supervisor. */
export class HostError extends Error {
  override readonly name: string = "HostError";

  constructor(
    readonly code: HostErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** An error that the supervisor, or a plugin behind it, answered. */
export class ControlError extends Error {
  override readonly name = "ControlError";

  constructor(
    /** Which call was answered so. */
    readonly method: string,
    /** The number on the wire. */
    readonly code: number,
    message: string,
    /** What came with it; of the supervisor's own errors at least `reason` and `retryable`. */
    readonly data: unknown,
  ) {
    super(message);
  }

  /** The stable word of the supervisor's own errors, such as `not_found`; undefined for a plugin's. */
  get reason(): string | undefined {
    const reason = member(this.data, "reason");
    return typeof reason === "string" ? reason : undefined;
  }

  /** Whether the same call may succeed later. */
  get retryable(): boolean {
    return member(this.data, "retryable") === true;
  }
}

function member(of: unknown, name: string): unknown {
  return typeof of === "object" && of !== null ? (of as Record<string, unknown>)[name] : undefined;
}

/** The sentence of anything that was thrown. */
export function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

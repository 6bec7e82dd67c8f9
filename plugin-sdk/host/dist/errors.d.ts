/** What went wrong, for programs. */
export type HostErrorCode = 
/** No program `outboard` was found, or it cannot be run. */
"no-binary"
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
export declare class HostError extends Error {
    readonly code: HostErrorCode;
    readonly name: string;
    constructor(code: HostErrorCode, message: string, options?: ErrorOptions);
}
/** An error that the supervisor, or a plugin behind it, answered. */
export declare class ControlError extends Error {
    /** Which call was answered so. */
    readonly method: string;
    /** The number on the wire. */
    readonly code: number;
    /** What came with it; of the supervisor's own errors at least `reason` and `retryable`. */
    readonly data: unknown;
    readonly name = "ControlError";
    constructor(
    /** Which call was answered so. */
    method: string, 
    /** The number on the wire. */
    code: number, message: string, 
    /** What came with it; of the supervisor's own errors at least `reason` and `retryable`. */
    data: unknown);
    /** The stable word of the supervisor's own errors, such as `not_found`; undefined for a plugin's. */
    get reason(): string | undefined;
    /** Whether the same call may succeed later. */
    get retryable(): boolean;
}
/** The sentence of anything that was thrown. */
export declare function sentence(error: unknown): string;

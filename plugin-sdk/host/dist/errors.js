//! What can go wrong, as errors that a program can tell apart and a person can act upon.
//!
//! Thrown by every other file here. Must not know what was being done.
/** Something that went wrong between this application and the supervisor. */
export class HostError extends Error {
    code;
    name = "HostError";
    constructor(code, message, options) {
        super(message, options);
        this.code = code;
    }
}
/** An error that the supervisor, or a plugin behind it, answered. */
export class ControlError extends Error {
    method;
    code;
    data;
    name = "ControlError";
    constructor(
    /** Which call was answered so. */
    method, 
    /** The number on the wire. */
    code, message, 
    /** What came with it; of the supervisor's own errors at least `reason` and `retryable`. */
    data) {
        super(message);
        this.method = method;
        this.code = code;
        this.data = data;
    }
    /** The stable word of the supervisor's own errors, such as `not_found`; undefined for a plugin's. */
    get reason() {
        const reason = member(this.data, "reason");
        return typeof reason === "string" ? reason : undefined;
    }
    /** Whether the same call may succeed later. */
    get retryable() {
        return member(this.data, "retryable") === true;
    }
}
function member(of, name) {
    return typeof of === "object" && of !== null ? of[name] : undefined;
}
/** The sentence of anything that was thrown. */
export function sentence(error) {
    return error instanceof Error ? error.message : String(error);
}
//# sourceMappingURL=errors.js.map
//! Where the supervisor answers HTTP. Read by plugins' UIs and background modules alike.

declare const __OUTBOARD_SHELL__: boolean | undefined;

/** The origin that prebuilt bundles of the original shell have baked in, and so the supervisor's default. */
const DEFAULT_BASE = "http://127.0.0.1:2066";

/**
 * Origin of the supervisor's HTTP server, without a slash at the end. In the shell page it is the page's own origin, in a
 * background module what the supervisor said at start; elsewhere the default.
 */
export const STRATOS_APP_BASE: string = base();

function base(): string {
  if (typeof __OUTBOARD_SHELL__ !== "undefined") return globalThis.location.origin;
  if (typeof process !== "undefined") return process.env?.["OUTBOARD_BASE_URL"] ?? DEFAULT_BASE;
  return DEFAULT_BASE;
}

//! What happens when the plugin's code fails outside any call: a report with a source-mapped stack on standard error, which
//! the host keeps with the exit, and the end of the process.

import { writeSync } from "node:fs";
import { withoutSecrets } from "../secrets.js";
import { asError } from "../wire/error.js";

/** The exit status of a crash; Node's own for an uncaught exception. */
const CRASHED = 1;

/**
 * Makes unhandled rejections and exceptions end the process with a report. `logError` makes a record of it, since what stands
 * on standard error has no level; `lastWords` sends what still waits; `loading` is the import of the module, whose failure is
 * told at `start`; `before` says what goes before an error.
 */
export function reportCrashes(
  id: string,
  logError: (message: string, error: Error) => void,
  lastWords: () => void,
  loading: Promise<unknown>,
  before: (error: Error) => string,
): void {
  const crash = (kind: string) => (thrown: unknown) => {
    const error = asError(thrown);
    const what = `${before(error)}${kind}`;
    const stack = error.stack?.includes(error.message) ? error.stack : `${error.name}: ${error.message}\n${error.stack ?? ""}`;
    logError(`${what}: ${error.message}`, error);
    lastWords();
    writeAll(withoutSecrets(`plugin "${id}" crashed: ${what}\n${stack}${causes(error)}\n`));
    process.exit(CRASHED);
  };
  process.on("uncaughtException", crash("uncaught exception"));
  process.on("unhandledRejection", (reason) => {
    const report = () => crash("unhandled rejection")(reason);
    // Node rejects a second, hidden promise where a CommonJS file that an ES module imports throws.
    loading.then(report, (failure: Error) => (failure === reason || failure.cause === reason ? undefined : report()));
  });
}

function causes(error: Error): string {
  let text = "";
  // Five causes are more than anybody reads, and a circle of them would never end.
  try {
    for (let cause = error.cause, i = 0; cause instanceof Error && i < 5; cause = cause.cause, i++) text += `\ncaused by ${cause.stack}`;
  } catch {
    // A getter of the author's throws: the report ends with the causes before it.
  }
  return text;
}

/** Standard error may be a full pipe that does not block: then the rest of the report is lost, not the exit. */
export function writeAll(text: string): void {
  try {
    writeSync(2, text);
  } catch {
    // Nobody reads; there is nobody to tell.
  }
}

//! The runner's `console`: prints what it always does, without secrets. What is printed ends in the log, and an error of an HTTP
//! client shows its whole request, bearer included. Called once by `main`, before the plugin's module is loaded.

import { withoutSecrets } from "../secrets.js";

/** The methods that print what they are given. */
const PRINTING = ["log", "info", "debug", "warn", "error", "trace", "dir", "dirxml", "table", "group", "groupCollapsed", "assert", "timeLog"] as const;

/**
 * From now on nothing that the global console prints shows a secret. The console formats as before, and its text is looked at on its
 * way to the stream; what is written to the streams otherwise is not touched.
 */
export function keepSecretsOutOfConsole(): void {
  let printing = 0;
  let watching = false;
  // At the first print: to look at these streams is to open them.
  const watch = () => {
    watching = true;
    for (const stream of [process.stdout, process.stderr]) {
      const write = stream.write.bind(stream) as (chunk: unknown, ...rest: unknown[]) => boolean;
      stream.write = (chunk: unknown, ...rest: unknown[]) => write(printing > 0 && typeof chunk === "string" ? withoutSecrets(chunk) : chunk, ...rest);
    }
  };
  for (const name of PRINTING) {
    const print = console[name] as (...args: unknown[]) => void;
    console[name] = (...args: unknown[]) => {
      if (!watching) watch();
      printing++;
      try {
        print(...args);
      } finally {
        printing--;
      }
    };
  }
}

//! What an author registers without waiting (routers, channels) and the host must confirm. `start` is answered only after
//! everything that was pending has been confirmed; a refusal after that is logged, since nobody is left to throw at.

import type { PluginLogger } from "../types.js";

/** Registrations of one session. */
export class Registrations {
  readonly #pending = new Set<Promise<unknown>>();
  #refused: Error | undefined;
  #started = false;

  constructor(private readonly logger: PluginLogger) {}

  /** Keeps an eye on a registration. */
  add(what: string, confirmed: Promise<unknown>): void {
    const watched = confirmed
      .catch((error: Error) => {
        error.message = `${what}: ${error.message}`;
        if (this.#started) this.logger.error("outboard", error.message);
        else this.#refused ??= error;
      })
      .finally(() => this.#pending.delete(watched));
    this.#pending.add(watched);
  }

  /** Resolves when nothing is pending; throws the first refusal. */
  async settled(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
    this.#started = true;
    if (this.#refused) throw this.#refused;
  }
}

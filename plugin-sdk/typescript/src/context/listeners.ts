//! A set of listeners for one of the host's notifications. A listener that throws is an unhandled exception of the plugin,
//! not of the session that tells it.

import type { Unsubscribe } from "../types.js";

/** Listeners of one kind of event. */
export class Listeners<Args extends unknown[]> {
  readonly #listeners = new Set<(...args: Args) => void>();

  /** Adds a listener. */
  add(listener: (...args: Args) => void): Unsubscribe {
    const own = (...args: Args) => listener(...args);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** Tells every listener, each in its own turn. One that is taken back before its turn hears nothing. */
  tell(...args: Args): void {
    for (const listener of this.#listeners) queueMicrotask(() => this.#listeners.has(listener) && listener(...args));
  }

  /** Takes back all of them. */
  clear(): void {
    this.#listeners.clear();
  }
}

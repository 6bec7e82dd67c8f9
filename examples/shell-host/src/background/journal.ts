//! The log of one flight: what the flight itself enters, and what plugins and the pilot add. Bounded.

import type { FlightLogEntry, FlightLogEvent, FlightPhase } from "@outboard/shell/types";

/** As many entries are kept; the oldest go. */
export const ENTRIES = 500;
/** As long may a message be. */
const LONGEST = 1000;

const CATEGORIES: readonly string[] = ["system", "phase", "controls", "warning", "landing"];

export class Journal {
  #entries: FlightLogEvent[] = [];
  #next = 1;

  constructor(
    readonly flightId: string,
    readonly startedAt: number,
  ) {}

  list(): FlightLogEvent[] {
    return [...this.#entries];
  }

  add({ category, condition, message }: FlightLogEntry, phase: FlightPhase): FlightLogEvent {
    const now = Date.now();
    const event: FlightLogEvent = {
      eventId: `${this.flightId}-${this.#next++}`,
      category: CATEGORIES.includes(category) ? category : "system",
      message: String(message ?? "").slice(0, LONGEST),
      timestamp: now,
      phase,
      eventTimestamp: new Date(now).toISOString(),
      eventElapsedTime: Math.max(0, Math.round((now - this.startedAt) / 1000)),
      eventCondition: String(condition ?? "").slice(0, LONGEST),
      flightId: this.flightId,
    };
    this.#entries.push(event);
    if (this.#entries.length > ENTRIES) this.#entries.shift();
    return event;
  }

  /** The changed entry, or null where there is none of this id. */
  update(eventId: string, message: string | undefined): FlightLogEvent | null {
    const at = this.#entries.findIndex((event) => event.eventId === eventId);
    const found = this.#entries[at];
    if (!found) return null;
    const changed = message === undefined ? found : { ...found, message: message.slice(0, LONGEST) };
    this.#entries[at] = changed;
    return changed;
  }

  /** Whether there was one. */
  remove(eventId: string): boolean {
    const before = this.#entries.length;
    this.#entries = this.#entries.filter((event) => event.eventId !== eventId);
    return this.#entries.length < before;
  }
}

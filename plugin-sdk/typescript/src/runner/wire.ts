//! The descriptors that carry the protocol. Reads frames as they come, writes them in batches, and keeps what waits bounded:
//! log records and events are dropped with a count when the host does not read, calls and answers never.

import { writeSync } from "node:fs";
import { Socket } from "node:net";
import { LineDecoder } from "../wire/lines.js";

/** Waiting bytes beyond which log records and events are dropped: the host reads in time unless it is stuck. */
const DROP_ABOVE = 4 * 1024 * 1024;
/** Tries to write the last frames before the process ends; each is a few microseconds. */
const LAST_TRIES = 10_000;

const DROPPABLE = /^\{"jsonrpc":"2\.0","method":"(log|ipc\.send)"/;

/** Where frames go and come from. */
export class DescriptorWire {
  readonly #out: Socket;
  #queue: string[] = [];
  #queued = 0;
  #dropped = 0;
  #scheduled = false;
  #blocked = false;

  constructor(
    private readonly fds: { input: number; output: number },
    hooks: { line(line: string): void; oversized(limit: number): void; closed(): void },
  ) {
    const decoder = new LineDecoder(hooks.line, hooks.oversized);
    const input = new Socket({ fd: fds.input, readable: true, writable: false });
    input.on("data", (chunk: Buffer) => decoder.push(chunk));
    input.once("end", hooks.closed).once("error", hooks.closed);
    this.#out = new Socket({ fd: fds.output, readable: false, writable: true });
    this.#out.once("error", hooks.closed);
    this.#out.on("drain", () => {
      this.#blocked = false;
      this.#flush();
    });
  }

  /** Sends a frame, together with whatever else is sent in this turn of the event loop. */
  send(frame: string): void {
    if (this.#queued > DROP_ABOVE && DROPPABLE.test(frame)) {
      this.#dropped++;
      return;
    }
    this.#queue.push(frame, "\n");
    this.#queued += frame.length;
    if (this.#scheduled || this.#blocked) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  /** Calls `done` when everything has gone out. */
  finish(done: () => void): void {
    this.#flush();
    this.#out.end(done);
  }

  /** Writes what waits, at once and without the event loop: for a process that is about to end. */
  flushNow(): void {
    let rest = Buffer.from(this.#queue.join(""));
    this.#queue = [];
    for (let tries = 0; rest.length > 0 && tries < LAST_TRIES; tries++) {
      try {
        rest = rest.subarray(writeSync(this.fds.output, rest));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EAGAIN") return;
      }
    }
  }

  #flush(): void {
    if (this.#blocked || this.#queue.length === 0) return;
    if (this.#dropped > 0) {
      const message = `${this.#dropped} log records and events were dropped: the host did not read in time`;
      this.#queue.push(JSON.stringify({ jsonrpc: "2.0", method: "log", params: { level: "warn", tag: "outboard", message } }), "\n");
      this.#dropped = 0;
    }
    const batch = this.#queue.join("");
    this.#queue = [];
    this.#queued = 0;
    if (!this.#out.write(batch)) {
      this.#blocked = true;
      this.#queued = batch.length;
    }
  }
}

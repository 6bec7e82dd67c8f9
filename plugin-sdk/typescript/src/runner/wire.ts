//! The descriptors that carry the protocol. Reads frames as they come, writes them in batches, and keeps what waits bounded:
//! log records and events are dropped with a count when the host does not read, calls and answers never.

import { writeSync } from "node:fs";
import { Socket } from "node:net";
import type { ContextNotices, LogParams } from "../generated/protocol.js";
import { LineDecoder, type LineHooks } from "../wire/lines.js";
import { writeNotification } from "../wire/message.js";

/** Waiting bytes beyond which log records and events are dropped: the host reads in time unless it is stuck. */
const DROP_ABOVE = 4 * 1024 * 1024;
/** Waiting bytes beyond which the other side's calls are refused: their answers would wait too. */
const SERVE_BELOW = 16 * 1024 * 1024;
/** Tries to write the last frames before the process ends; each is a few microseconds. */
const LAST_TRIES = 10_000;

/** How frames begin that nobody waits for: all that a plugin tells without being asked. */
const DROPPABLE = (["log", "ipc.send"] satisfies (keyof ContextNotices)[]).map((method) => `{"jsonrpc":"2.0","method":"${method}"`);

/** Where frames go and come from. */
export class DescriptorWire {
  readonly #in: Socket;
  readonly #out: Socket;
  #queue: string[] = [];
  /** Characters that wait in all, and those of them that the stream has taken and not yet written. */
  #queued = 0;
  #writing = 0;
  #dropped = 0;
  #scheduled = false;
  #blocked = false;

  constructor(
    private readonly fds: { input: number; output: number },
    hooks: LineHooks & { closed(): void },
  ) {
    const decoder = new LineDecoder(hooks);
    this.#in = new Socket({ fd: fds.input, readable: true, writable: false });
    this.#in.on("data", (chunk: Buffer) => decoder.push(chunk));
    this.#in.once("end", hooks.closed).once("error", hooks.closed);
    this.#out = new Socket({ fd: fds.output, readable: false, writable: true });
    this.#out.once("error", hooks.closed);
    this.#out.on("drain", () => {
      this.#blocked = false;
      this.#queued -= this.#writing;
      this.#writing = 0;
      this.#flush();
    });
  }

  /** Whether so much waits that there is no room for answers. It is read on all the same: two sides that each wait for the other to read first wait for ever. */
  get clogged(): boolean {
    return this.#queued > SERVE_BELOW;
  }

  /** Sends a frame, together with whatever else is sent in this turn of the event loop. */
  send(frame: string): void {
    if (this.#queued > DROP_ABOVE && DROPPABLE.some((beginning) => frame.startsWith(beginning))) {
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
    // The stream keeps what it cannot write yet, and ends after it.
    this.#blocked = false;
    this.#flush();
    this.#out.end(done);
  }

  /** Writes what waits, at once and without the event loop: for a process that is about to end. */
  flushNow(): void {
    // The stream may have half a frame out: nothing can go between it and its other half.
    if (this.#out.writableLength > 0) return;
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
      this.#queue.push(writeNotification("log", { level: "warn", tag: "outboard", message } satisfies LogParams), "\n");
      this.#dropped = 0;
    }
    const batch = this.#queue.join("");
    this.#queue = [];
    this.#blocked = !this.#out.write(batch);
    if (this.#blocked) this.#writing = this.#queued;
    else this.#queued = 0;
  }
}

//! One side of a JSON-RPC 2.0 conversation, without any I/O: lines in, lines out. Used by the session of a plugin and, on
//! the other side, by the in-memory host of the testing harness. Must not know any method but cancellation.

import { CallError, toWireError, type WireError } from "./error.js";
import { FRAME_MAX } from "./lines.js";

/** Calls that may wait for an answer at once. More would mean that the answers have stopped coming. */
export const CALLS_MAX = 16_384;

/** What a peer does with what the other side says. */
export interface PeerHooks {
  /** A request: the value returned, or what is thrown, becomes the answer. */
  request(method: string, params: unknown, signal: AbortSignal): unknown;
  /** A notification. */
  notification(method: string, params: unknown): void;
  /** A line that is no message. Told, never fatal. */
  noise?(line: string): void;
}

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

interface Envelope {
  jsonrpc?: unknown;
  id?: number | string | null;
  method?: unknown;
  params?: unknown;
  result?: unknown;
  error?: WireError;
}

/** A peer: asks, tells, and answers. */
export class Peer {
  #nextId = 1;
  #ended: Error | undefined;
  readonly #waiting = new Map<number, Waiting>();
  readonly #answering = new Map<number | string, AbortController>();

  /** `send` takes one frame without its line end. */
  constructor(
    private readonly send: (frame: string) => void,
    private readonly hooks: PeerHooks,
  ) {}

  /** Asks. The other side bounds how long an answer takes; the end of the wire rejects what still waits. */
  request<Result>(method: string, params: unknown = {}): Promise<Result> {
    if (this.#ended) return Promise.reject(this.#ended);
    if (this.#waiting.size >= CALLS_MAX) {
      return Promise.reject(CallError.of("limit_exceeded", `${method}: ${CALLS_MAX} calls already wait for an answer; await some of them first`));
    }
    const id = this.#nextId++;
    return new Promise<Result>((resolve, reject) => {
      const frame = JSON.stringify({ jsonrpc: "2.0", id, method, params });
      refuseOversized(method, frame);
      this.#waiting.set(id, { resolve: resolve as (result: unknown) => void, reject });
      this.send(frame);
    });
  }

  /** Tells. */
  notify(method: string, params: unknown): void {
    if (this.#ended) return;
    const frame = JSON.stringify({ jsonrpc: "2.0", method, params });
    refuseOversized(method, frame);
    this.send(frame);
  }

  /** Takes one line from the other side. */
  receive(line: string): void {
    let message: Envelope;
    try {
      message = JSON.parse(line) as Envelope;
    } catch {
      this.hooks.noise?.(line);
      return;
    }
    if (typeof message !== "object" || message === null || message.jsonrpc !== "2.0") {
      this.hooks.noise?.(line);
    } else if (typeof message.method !== "string") {
      this.#settle(message);
    } else if (message.id === undefined) {
      this.#told(message.method, message.params);
    } else {
      void this.#answer(message.id as number | string, message.method, message.params);
    }
  }

  /** Ends the conversation: every call that still waits fails with this error, and no new one is sent. */
  end(error: Error): void {
    if (this.#ended) return;
    this.#ended = error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
    for (const controller of this.#answering.values()) controller.abort(error);
  }

  #settle(message: Envelope): void {
    const waiting = typeof message.id === "number" ? this.#waiting.get(message.id) : undefined;
    if (!waiting) return; // a late or unknown answer changes nothing
    this.#waiting.delete(message.id as number);
    if (message.error) waiting.reject(new CallError(message.error));
    else waiting.resolve(message.result);
  }

  #told(method: string, params: unknown): void {
    if (method === "$/cancelRequest") {
      const { id } = (params ?? {}) as { id?: number | string };
      if (id !== undefined) this.#answering.get(id)?.abort(CallError.of("cancelled", "the caller withdrew the call"));
      return;
    }
    this.hooks.notification(method, params);
  }

  async #answer(id: number | string, method: string, params: unknown): Promise<void> {
    const controller = new AbortController();
    this.#answering.set(id, controller);
    let frame: string;
    try {
      const result = (await this.hooks.request(method, params, controller.signal)) ?? {};
      frame = JSON.stringify({ jsonrpc: "2.0", id, result });
      refuseOversized(`the answer to ${method}`, frame);
    } catch (thrown) {
      frame = JSON.stringify({ jsonrpc: "2.0", id, error: toWireError(thrown) });
    } finally {
      this.#answering.delete(id);
    }
    if (!this.#ended) this.send(frame);
  }
}

function refuseOversized(what: string, frame: string): void {
  // A character is at most three bytes of UTF-8, so short frames need no counting.
  if (frame.length * 3 <= FRAME_MAX) return;
  const bytes = new TextEncoder().encode(frame).length;
  if (bytes > FRAME_MAX) {
    throw CallError.of("limit_exceeded", `${what} is ${bytes} bytes long, over the limit of ${FRAME_MAX}; send bulk data over HTTP`);
  }
}

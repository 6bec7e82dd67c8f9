//! One side of a JSON-RPC 2.0 conversation, without any I/O: lines in, lines out. Used by the session of a plugin and, on
//! the other side, by the in-memory host of the testing harness. Every call that is made ends exactly once: answered, timed
//! out, or failed with the end of the conversation; every call that is taken is answered exactly once. Must not know any
//! method but those about calls.

import type { BothNotices, CallId } from "../generated/protocol.js";
import { CallError, toWireError } from "./error.js";
import { FRAME_MAX } from "./lines.js";
import { type Answered, answered, answeredAtEnd } from "./salvage.js";
import { LASTING, parse, writeError, writeNotification, writeRequest, writeResult } from "./message.js";

/** Calls that may wait for an answer at once. More would mean that the answers have stopped coming. */
export const CALLS_MAX = 16_384;
/** Calls of a plugin that a host works on at once, unless it is set otherwise: it refuses those beyond. */
export const UNDER_WAY_MAX = 256;
/** Calls of the other side that may be under way at once: a flood of them cannot fill the memory. */
export const SERVED_MAX = 1024;
/** How long an answer may take; `$/progress` starts it anew. The protocol's own figure. */
export const CALL_TIMEOUT_MS = 30_000;

const CANCEL = "$/cancelRequest" satisfies keyof BothNotices;
const PROGRESS = "$/progress" satisfies keyof BothNotices;

const TOO_LONG = CallError.of("limit_exceeded", `a frame was longer than ${FRAME_MAX} bytes and was skipped; send bulk data over HTTP`, LASTING);

/** What a peer does with what the other side says. */
export interface PeerHooks {
  /** A request: the value returned, or what is thrown, becomes the answer, unless the caller has withdrawn the call before. */
  request(method: string, params: object, call: ServedCall): unknown;
  /** A notification. */
  notification(method: string, params: object): void;
  /** A line that is not a message. Told, never fatal. */
  noise?(line: string): void;
  /** Whether there is no room for further answers; absent: there always is. */
  clogged?(): boolean;
  /** Methods that are served whatever is under way or waits. */
  urgent?: ReadonlySet<string>;
  /** How many calls are sent before one of them is answered; further ones wait here for their turn. Absent: all are sent. */
  underWay?: number;
}

/** A call of the other side, while it is worked on. */
export class ServedCall {
  #controller: AbortController | undefined;
  /** Why nobody waits for the answer any more. */
  #withdrawn: Error | undefined;

  /** Aborted when nobody waits for the answer any more. Made when somebody asks for it: few do. */
  get signal(): AbortSignal {
    const controller = (this.#controller ??= new AbortController());
    if (this.#withdrawn) controller.abort(this.#withdrawn);
    return controller.signal;
  }

  /** Whether nobody waits for the answer any more. */
  get withdrawn(): boolean {
    return this.#withdrawn !== undefined;
  }

  /** Tells whoever works on it. */
  withdraw(why: Error): void {
    this.#withdrawn ??= why;
    this.#controller?.abort(this.#withdrawn);
  }
}

/** What may be asked: parameters and result by method. */
type Calls<Table> = { [Method in keyof Table]: { params: unknown; result: unknown } };
/** What may be told: parameters by method. */
type Notices<Table> = { [Method in keyof Table]: { params: unknown } };
/** A method without parameters is called without them. */
type Given<Params> = Params extends Record<string, never> ? [params?: undefined, patience?: Patience] : [params: Params, patience?: Patience];

/** How long one call waits for its answer, where that differs from the others. */
export interface Patience {
  /** In milliseconds. */
  timeoutMs?: number;
  /** Withdraws the call: it fails with the signal's reason. */
  signal?: AbortSignal | undefined;
}

interface Waiting {
  method: string;
  /** Infinity: a timer of its own ends it. */
  expires: number;
  own?: NodeJS.Timeout;
  /** Starts that timer anew. */
  anew?(): void;
  /** No longer heard once the call has ended. */
  forget?(): void;
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/** A peer: asks what is in one table, tells what is in the other, and answers. */
export class Peer<Asks extends Calls<Asks>, Tells extends Notices<Tells>> {
  #nextId = 1;
  #ended: Error | undefined;
  /** In the order in which they expire: all have the same time, and who gets more goes to the end. */
  readonly #waiting = new Map<CallId, Waiting>();
  /** The frames of those among them that are not sent yet, in their order. */
  readonly #held = new Map<CallId, string>();
  #expiring = false;
  /** Those whose callers wait. */
  readonly #serving = new Map<CallId, ServedCall>();
  /** Those that are worked on: what was withdrawn may go on here, and counts until it has ended. */
  #running = 0;
  /** Whether the frame that is being skipped is an answer whose call is not known yet. */
  #unnamed = false;

  /** `send` takes one frame without its line end; `timeout` is how long an answer may take, in milliseconds. */
  constructor(
    private readonly send: (frame: string) => void,
    private readonly hooks: PeerHooks,
    private readonly timeout = CALL_TIMEOUT_MS,
  ) {}

  /** Asks. Rejects with the answer's error, when none came in time, or when the conversation ends. */
  request<Method extends keyof Asks & string>(method: Method, ...[params, patience]: Given<Asks[Method]["params"]>): Promise<Asks[Method]["result"]> {
    if (this.#ended) return Promise.reject(this.#ended);
    if (patience?.signal?.aborted) return Promise.reject(patience.signal.reason as Error);
    if (this.#waiting.size >= CALLS_MAX) {
      return Promise.reject(CallError.of("limit_exceeded", `${method}: ${CALLS_MAX} calls already wait for an answer; await some of them first`));
    }
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const frame = writeRequest(id, method, params ?? {});
      const waiting: Waiting = { method, expires: performance.now() + this.timeout, resolve, reject };
      this.#waiting.set(id, waiting);
      if (patience) this.#bound(id, waiting, patience);
      if (!this.#expiring) this.#expireIn(this.timeout);
      if (this.#held.size === 0 && this.#waiting.size <= this.#places) this.send(frame);
      else this.#held.set(id, frame);
    });
  }

  /** Gives a call its own limit, and lets its signal end it. */
  #bound(id: CallId, waiting: Waiting, { timeoutMs, signal }: Patience): void {
    if (timeoutMs !== undefined) {
      waiting.expires = Infinity;
      waiting.anew = () => {
        clearTimeout(waiting.own);
        // As with the others, what came while the process was busy is read first.
        const own = setTimeout(() => setImmediate(() => this.#waiting.has(id) && waiting.own === own && this.#giveUp(id, waiting, timeoutMs)), timeoutMs);
        waiting.own = own.unref();
      };
      waiting.anew();
    }
    if (!signal) return;
    const withdraw = () => {
      this.#drop(id, waiting);
      waiting.reject(signal.reason as Error);
      this.#sendOn();
    };
    signal.addEventListener("abort", withdraw, { once: true });
    waiting.forget = () => signal.removeEventListener("abort", withdraw);
  }

  /** Nobody waits for this call any more. True: it was sent, and the other side has been told. */
  #drop(id: CallId, waiting: Waiting): boolean {
    this.#waiting.delete(id);
    release(waiting);
    const sent = !this.#held.delete(id);
    if (sent && !this.#ended) this.send(writeNotification(CANCEL, { id } satisfies BothNotices[typeof CANCEL]["params"]));
    return sent;
  }

  #giveUp(id: CallId, waiting: Waiting, timeout: number): void {
    const what = this.#drop(id, waiting) ? "no answer" : `no turn behind ${this.#waiting.size} other calls`;
    waiting.reject(CallError.of("timeout", `${waiting.method}: ${what} within ${timeout / 1000} s`));
    this.#sendOn();
  }

  get #places(): number {
    return this.hooks.underWay ?? Infinity;
  }

  /** Sends what is held, as far as there are places for it. */
  #sendOn(): void {
    for (const [id, frame] of this.#held) {
      if (this.#waiting.size - this.#held.size >= this.#places) return;
      this.#held.delete(id);
      this.send(frame);
    }
  }

  /** Tells. */
  notify<Method extends keyof Tells & string>(method: Method, params: Tells[Method]["params"]): void {
    if (!this.#ended) this.send(writeNotification(method, params));
  }

  /** Takes one line from the other side; `utf8` is false where its bytes were not UTF-8. */
  receive(line: string, utf8 = true): void {
    const message = parse(line, utf8);
    switch (message.kind) {
      case "result":
        return this.#settle(message.id)?.resolve(message.result);
      case "error":
        return this.#settle(message.id)?.reject(message.error);
      case "request":
        return void this.#answer(message.id, message.method, message.params);
      case "notification":
        return this.#told(message.method, message.params ?? {});
      case "broken":
        this.#break(answered(line), message.error);
        return this.#refuse(message.error);
      case "noise":
        return this.hooks.noise?.(line);
    }
  }

  /** Takes the news that a frame which begins like this was too long to be read. */
  oversized(beginning = ""): void {
    const call = answered(beginning);
    this.#break(call, TOO_LONG);
    this.#unnamed = call === null;
    this.#refuse(TOO_LONG);
  }

  /** Takes the news that this frame has ended, and how. */
  skipped(ending: string): void {
    if (!this.#unnamed) return;
    this.#unnamed = false;
    const [only] = this.#waiting.size === 1 ? [...this.#waiting.keys()] : [];
    this.#break(answeredAtEnd(ending) ?? (only as number | undefined), TOO_LONG);
  }

  /** Ends the conversation: every call that still waits fails with this error, and nothing more is sent. */
  end(error: Error): void {
    if (this.#ended) return;
    this.#ended = error;
    for (const waiting of this.#waiting.values()) {
      release(waiting);
      waiting.reject(error);
    }
    this.#waiting.clear();
    this.#held.clear();
    for (const call of this.#serving.values()) call.withdraw(error);
  }

  /** The call that an answer is for. A late or unknown answer changes nothing. */
  #settle(id: CallId | null): Waiting | undefined {
    const waiting = this.#held.has(id as CallId) ? undefined : this.#waiting.get(id as CallId);
    if (waiting) {
      this.#waiting.delete(id as CallId);
      release(waiting);
      if (this.#held.size > 0) this.#sendOn();
    }
    return waiting;
  }

  /** A call whose answer is broken will get no other one. */
  #break(id: Answered, error: CallError): void {
    const waiting = typeof id === "number" ? this.#settle(id) : undefined;
    waiting?.reject(CallError.of("internal_error", `${waiting.method}: the answer is broken: ${error.message}`));
  }

  /** About no call in particular: the other side said something that is not a message. */
  #refuse(error: CallError): void {
    if (!this.#ended) this.send(writeError(null, error.toWire()));
  }

  #told(method: string, params: unknown): void {
    if (!isObject(params)) return;
    if (method === PROGRESS) this.#extend((params as { id?: CallId }).id);
    else if (method === CANCEL) this.#withdraw((params as { id?: CallId }).id);
    else this.hooks.notification(method, params);
  }

  /** Answers at once: nothing stops what is under way in JavaScript but itself, and its caller need not wait for that. */
  #withdraw(id: CallId | undefined): void {
    const call = this.#serving.get(id as CallId);
    if (!call) return;
    this.#serving.delete(id as CallId);
    const why = CallError.of("cancelled", "the caller withdrew the call");
    if (!this.#ended) this.send(writeError(id as CallId, why.toWire()));
    call.withdraw(why);
  }

  async #answer(id: CallId, method: string, params: unknown = {}): Promise<void> {
    const call = new ServedCall();
    let frame: string;
    try {
      if (!isObject(params)) throw CallError.of("invalid_params", `${method}: \`params\` must be an object`);
      if (this.#serving.has(id)) throw CallError.of("invalid_request", `${method}: a call with the id ${JSON.stringify(id)} is still under way`);
      if (this.#running >= SERVED_MAX && !this.hooks.urgent?.has(method)) throw CallError.of("limit_exceeded", `${method}: ${SERVED_MAX} calls are under way here already`);
      if (this.hooks.clogged?.() && !this.hooks.urgent?.has(method)) throw CallError.of("limit_exceeded", `${method}: answers wait unread; try again when they have been read`);
      frame = writeResult(id, await this.#serve(id, method, params, call));
    } catch (thrown) {
      frame = writeError(id, toWireError(thrown));
    }
    if (!this.#ended && !call.withdrawn) this.send(frame);
  }

  async #serve(id: CallId, method: string, params: object, call: ServedCall): Promise<unknown> {
    this.#serving.set(id, call);
    this.#running++;
    try {
      const result = await this.hooks.request(method, params, call);
      return result === undefined ? {} : result;
    } finally {
      this.#running--;
      // The id of a withdrawn call may be another one's by now.
      if (this.#serving.get(id) === call) this.#serving.delete(id);
    }
  }

  #extend(id: CallId | undefined): void {
    const waiting = this.#waiting.get(id as CallId);
    if (!waiting) return;
    if (waiting.anew) return waiting.anew();
    waiting.expires = performance.now() + this.timeout;
    // To the end.
    this.#waiting.delete(id as CallId);
    this.#waiting.set(id as CallId, waiting);
  }

  /** One timer serves all calls. Where the process was busy, answers may have come by then: they are read first. */
  #expireIn(delay: number): void {
    this.#expiring = true;
    setTimeout(() => setImmediate(() => this.#expire()), Math.ceil(delay)).unref();
  }

  #expire(): void {
    this.#expiring = false;
    const now = performance.now();
    for (const [id, waiting] of this.#waiting) {
      if (waiting.own) continue;
      if (waiting.expires > now) {
        this.#expireIn(waiting.expires - now);
        break;
      }
      this.#giveUp(id, waiting, this.timeout);
    }
  }
}

function release(waiting: Waiting): void {
  clearTimeout(waiting.own);
  waiting.forget?.();
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

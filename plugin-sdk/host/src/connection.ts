//! One connection to the control socket: JSON-RPC 2.0 over a WebSocket. Answers find their calls, items their subscriptions.
//!
//! Made by `outboard.ts` for each supervisor. Ends once and for all; whoever wants another makes another. Must not know any method.

import { connect } from "node:net";
import { WebSocket } from "ws";
import { ControlError, HostError, sentence } from "./errors.js";
import { deadline } from "./process.js";
import type { Way } from "./runtime-folder.js";

/** How a subscription is begun and ended, and what is done with what comes. */
export interface Wanted {
  readonly begin: string;
  readonly end: string;
  readonly params: unknown;
  readonly onItem: (item: unknown) => void;
  /** The supervisor ended it, and says why. */
  readonly onEnd: (why: string) => void;
}

/** Largest answer that is taken: more than the largest that is given. */
const ANSWER_MAX = 64 * 1024 * 1024;
/** Calls that may wait for their answers at once. */
const CALLS_OPEN = 1024;
/** The supervisor asks every 30 s whether we are there; one that has not asked for so long is not there itself. */
const SILENT_FOR = 120_000;

interface Waiting {
  readonly method: string;
  readonly answered: (result: unknown) => void;
  readonly failed: (error: Error) => void;
}

interface Message {
  id?: number;
  result?: unknown;
  error?: { code: number; message: string; data?: unknown };
  params?: { subscription?: number | string; result?: unknown; error?: unknown };
}

/** A connection. */
export class Connection {
  /** Resolved when it is over. */
  readonly closed: Promise<void>;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, Waiting>();
  readonly #followed = new Map<number | string, Wanted>();
  #lastId = 0;
  #silence: NodeJS.Timeout | undefined;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    this.#heard();
    socket.on("ping", () => this.#heard());
    socket.on("message", (data) => {
      this.#heard();
      this.#take(JSON.parse((data as Buffer).toString("utf8")) as Message);
    });
    // What is wrong with a connection ends it, and its end is what is acted upon.
    socket.on("error", () => {});
    this.closed = new Promise((resolve) => {
      socket.once("close", () => {
        clearTimeout(this.#silence);
        for (const { method, failed } of this.#waiting.values()) failed(lost(method));
        this.#waiting.clear();
        this.#followed.clear();
        resolve();
      });
    });
  }

  /** Connects within the limit. */
  static async open(way: Way, limit: number): Promise<Connection> {
    const late = deadline(limit, () => new HostError("no-answer", `the supervisor did not answer at ${way.socket} within ${limit / 1000} s (\`limits.connect\`)`));
    const socket = new WebSocket("ws://outboard/", {
      createConnection: () => connect(way.socket),
      headers: { authorization: way.authorization },
      perMessageDeflate: false,
      maxPayload: ANSWER_MAX,
    });
    const greeted = new Promise<void>((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", (error) => reject(new HostError("refused", `cannot talk with the supervisor at ${way.socket}: ${sentence(error)}`, { cause: error })));
    });
    try {
      // Before anything that was sent with the greeting is handed on.
      const connection = new Connection(socket);
      await Promise.race([greeted, late.passed]);
      return connection;
    } catch (error) {
      socket.terminate();
      throw error;
    } finally {
      late.clear();
      greeted.catch(() => {});
    }
  }

  /** Asks, and waits for the answer no longer than `limit`. */
  call(method: string, params: unknown, limit: number): Promise<unknown> {
    return this.#ask(method, params, limit, (result) => result);
  }

  /** Begins a subscription; gives what ends it. */
  async follow(wanted: Wanted, limit: number): Promise<() => void> {
    const id = await this.#ask(wanted.begin, wanted.params, limit, (result) => {
      // Before the next message is looked at, which may be its first item.
      this.#followed.set(result as number | string, wanted);
      return result as number | string;
    });
    return () => {
      if (!this.#followed.delete(id)) return;
      // Its answer decides nothing.
      this.call(wanted.end, [id], limit).catch(() => {});
    };
  }

  /** Ends it. */
  close(): void {
    this.#socket.terminate();
  }

  #ask<T>(method: string, params: unknown, limit: number, taken: (result: unknown) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#socket.readyState !== WebSocket.OPEN) return reject(lost(method));
      if (this.#waiting.size >= CALLS_OPEN) return reject(new HostError("bad-option", `\`${method}\` was not asked: ${CALLS_OPEN} calls wait for their answers already`));
      const id = ++this.#lastId;
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new HostError("no-answer", `no answer to \`${method}\` within ${limit / 1000} s; what was asked for may still happen`));
      }, limit);
      const over = () => {
        clearTimeout(timer);
        this.#waiting.delete(id);
      };
      this.#waiting.set(id, {
        method,
        answered: (result) => (over(), resolve(taken(result))),
        failed: (error) => (over(), reject(error)),
      });
      this.#socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    });
  }

  #take(message: Message): void {
    if (message.id !== undefined) {
      const waiting = this.#waiting.get(message.id);
      // It came too late, and nobody waits any more.
      if (waiting === undefined) return;
      const { error } = message;
      if (error) waiting.failed(new ControlError(waiting.method, error.code, error.message, error.data));
      else waiting.answered(message.result);
      return;
    }
    const { subscription, result, error } = message.params ?? {};
    const wanted = subscription === undefined ? undefined : this.#followed.get(subscription);
    if (subscription === undefined || wanted === undefined) return;
    if (error === undefined) return wanted.onItem(result);
    this.#followed.delete(subscription);
    wanted.onEnd(typeof error === "string" ? error : JSON.stringify(error));
  }

  #heard(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#socket.terminate(), SILENT_FOR).unref();
  }
}

function lost(method: string): HostError {
  return new HostError("lost", `the connection was lost before \`${method}\` was answered; what was asked for may have happened`);
}

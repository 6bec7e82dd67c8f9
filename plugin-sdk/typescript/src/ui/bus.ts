//! The connection to the supervisor's UI bus: one WebSocket a page, however many plugins it shows. Reconnects by itself and
//! subscribes anew. Must not know React, nor what events mean.

import { CallError, type WireError } from "../wire/error.js";

/** Waits before reconnecting: doubled from the first to the last, each shortened at random so that pages do not come at once. */
const RETRY_FIRST_MS = 200;
const RETRY_LAST_MS = 5_000;
/** A connection that is silent for this long is asked whether it lives, and given up after the same time again. */
const SILENCE_MS = 15_000;

/** A frame from the supervisor. */
export interface ServerFrame {
  type: string;
  plugin?: string;
  id?: number;
  state?: string;
  config?: Record<string, unknown>;
  channel?: string;
  payload?: unknown;
  key?: string;
  value?: unknown;
  deleted?: boolean;
  result?: unknown;
  error?: WireError;
  authenticated?: boolean;
  fault?: object | null;
  reload?: boolean;
  service?: string;
  event?: string;
  airline?: { id: string; baseUrl: string } | null;
}

/** Who is told of frames about one plugin, and of the connection. */
export interface Subscriber {
  frame(frame: ServerFrame): void;
  connection(connected: boolean): void;
}

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/** The bus of one supervisor. */
export class Bus {
  readonly #subscribers = new Map<string, Set<Subscriber>>();
  readonly #waiting = new Map<number, Waiting>();
  #socket: WebSocket | undefined;
  #open = false;
  #attempt = 0;
  #nextId = 1;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly url: string) {}

  /** Adds a subscriber of a plugin; the supervisor is asked once for each plugin. */
  subscribe(plugin: string, subscriber: Subscriber): () => void {
    const known = this.#subscribers.get(plugin);
    const all = known ?? new Set();
    all.add(subscriber);
    this.#subscribers.set(plugin, all);
    if (!this.#socket) this.#connect();
    // A later subscriber asks again, to be told the state and the configuration.
    else if (this.#open) this.#send({ type: "subscribe", plugin });
    return () => this.#unsubscribe(plugin, subscriber);
  }

  /** Calls a plugin's channel. */
  invoke(plugin: string, channel: string, args: unknown[]): Promise<unknown> {
    return this.ask({ type: "invoke", plugin, channel, args });
  }

  /** Sends a frame that is answered. Fails at once where the supervisor is not reached: nothing is ever sent twice. */
  ask(frame: { type: string; plugin: string; [member: string]: unknown }): Promise<unknown> {
    if (!this.#open) return Promise.reject(CallError.of("shutting_down", "the supervisor is not reached at this moment; try again when `connected` is true"));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#send({ ...frame, id });
    });
  }

  /** Sends a frame that is not answered; where the supervisor is not reached, nothing. */
  tell(frame: { type: string; [member: string]: unknown }): void {
    if (this.#open) this.#send(frame);
  }

  #unsubscribe(plugin: string, subscriber: Subscriber): void {
    const all = this.#subscribers.get(plugin);
    if (!all?.delete(subscriber) || all.size > 0) return;
    this.#subscribers.delete(plugin);
    if (this.#open) this.#send({ type: "unsubscribe", plugin });
    if (this.#subscribers.size === 0) this.#close();
  }

  #close(): void {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = undefined;
    this.#open = false;
    socket?.close();
  }

  #connect(): void {
    const socket = new WebSocket(this.url);
    this.#socket = socket;
    // Browsers wait for minutes.
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#giveUp(socket), SILENCE_MS);
    socket.addEventListener("open", () => {
      if (socket !== this.#socket) return;
      this.#open = true;
      this.#attempt = 0;
      for (const plugin of this.#subscribers.keys()) this.#send({ type: "subscribe", plugin });
      this.#listenForSilence(socket, false);
    });
    socket.addEventListener("message", (event: MessageEvent) => {
      if (socket !== this.#socket) return;
      this.#listenForSilence(socket, false);
      this.#receive(JSON.parse(String(event.data)) as ServerFrame);
    });
    socket.addEventListener("close", () => this.#lost(socket));
  }

  #lost(socket: WebSocket): void {
    if (socket !== this.#socket) return;
    const was = this.#open;
    this.#open = false;
    clearTimeout(this.#timer);
    for (const { reject } of this.#waiting.values()) reject(CallError.of("shutting_down", "the connection to the supervisor was lost before the answer came"));
    this.#waiting.clear();
    if (was) this.#tellAll(false);
    const longest = Math.min(RETRY_LAST_MS, RETRY_FIRST_MS * 2 ** this.#attempt++);
    this.#timer = setTimeout(() => this.#connect(), longest * (0.5 + Math.random() / 2));
  }

  #listenForSilence(socket: WebSocket, asked: boolean): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (asked) return this.#giveUp(socket);
      this.#send({ type: "ping" });
      this.#listenForSilence(socket, true);
    }, SILENCE_MS);
  }

  #giveUp(socket: WebSocket): void {
    socket.close();
    this.#lost(socket); // a dead peer's close would take the browser minutes
  }

  #receive(frame: ServerFrame): void {
    if (frame.type === "result" || frame.type === "error") return this.#settle(frame);
    if (frame.type === "subscribed") this.#tell(frame.plugin, (subscriber) => subscriber.connection(true));
    if (frame.plugin === undefined) this.#tell(undefined, (subscriber) => subscriber.frame(frame));
    else this.#tell(frame.plugin, (subscriber) => subscriber.frame(frame));
  }

  #settle(frame: ServerFrame): void {
    const waiting = this.#waiting.get(frame.id ?? -1);
    if (!waiting) {
      if (frame.error) console.error(`outboard: the supervisor refused a frame: ${frame.error.message}`);
      return;
    }
    this.#waiting.delete(frame.id as number);
    if (frame.error) waiting.reject(new CallError(frame.error));
    else waiting.resolve(frame.result);
  }

  #tellAll(connected: boolean): void {
    this.#tell(undefined, (subscriber) => subscriber.connection(connected));
  }

  #tell(plugin: string | undefined, what: (subscriber: Subscriber) => void): void {
    const sets = plugin === undefined ? [...this.#subscribers.values()] : [this.#subscribers.get(plugin) ?? []];
    for (const set of sets) for (const subscriber of [...set]) what(subscriber);
  }

  #send(frame: object): void {
    this.#socket?.send(JSON.stringify(frame));
  }
}

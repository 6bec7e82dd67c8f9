//! A service that this application provides: calls come in and are answered by plain functions, events go out. Values travel tagged, as
//! plugins send them: dates, maps, sets, big integers and bytes arrive as what they are.
//!
//! Made by `outboard.ts`, which stands it before each supervisor. Must not know how a connection comes about.

import { decode, encode } from "../../typescript/src/tagged.js";
import { ControlError, HostError, sentence } from "./errors.js";
import type { Connection } from "./connection.js";
import type { ControlSubscriptions, ProvidedHttp, ServiceAskResult } from "./generated/control.js";

/** What is known of a call. */
export interface ServiceCall {
  /** Which method is called. */
  readonly method: string;
  /** The id of the plugin that calls. The supervisor says it, never the plugin. */
  readonly caller: string;
  /** How long the plugin waits, in milliseconds. */
  readonly timeoutMs: number;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** The methods of a service, by name. What one gives back, or resolves to, is the answer: whatever can be cloned. What it throws is the plugin's error. */
 
export type ServiceMethods = Record<string, (params: any, call: ServiceCall) => unknown>;

/** What an application may want to hear of its service. */
export interface ProvideOptions {
  /** The HTTP that comes with it: paths of the original shell, such as `/api/config`, and the port of 127.0.0.1 or the Unix socket where this application answers them. */
  http?: ProvidedHttp;
  /** Who is subscribed to one of its events, whenever that changes: nobody needs to fly a simulator to which nobody listens. */
  onSubscribed?: (event: string, consumers: readonly string[]) => void;
  /** Whether this application is the one that is asked: undefined where it is, else who is asked in its place. */
  onHolds?: (instead: string | undefined) => void;
  /** It is provided no longer, although nobody here ended it. */
  onEnd?: (why: string) => void;
}

/** How an event is sent. */
export interface EmitOptions {
  /** Only the newest counts: it takes the place of one that still waits for a slow plugin. */
  latest?: boolean;
  /** The one plugin that gets it, if it is subscribed. */
  to?: string;
}

/** How one plugin is asked. */
export interface AskOptions {
  /** What counts as the answer where none comes. */
  default?: unknown;
  /** How long to wait, in milliseconds: 5 s unless said, an hour at most. */
  timeoutMs?: number;
}

/** A service that this application provides. It goes on with the next supervisor. */
export interface Provided {
  /** Who is asked in this application's place; undefined where it is the one. */
  readonly instead: string | undefined;
  /**
   * Sends an event to the plugins that are subscribed, in the order of the calls of this function. False where it went nowhere: the supervisor is being started
   * again, and its plugins with it.
   */
  emit(event: string, payload?: unknown, options?: EmitOptions): boolean;
  /** Asks one plugin, by an event that it has to answer. */
  ask(to: string, event: string, payload?: unknown, options?: AskOptions): Promise<ServiceAskResult>;
  /** Provides it no longer. Calls that are open end as `unavailable`. */
  end(): void;
}

type Item = ControlSubscriptions["service.provide"]["item"];

/** What the supervisor may take beyond a wait that it was told. */
const MARGIN = 5_000;
/** How long it waits where it is told nothing. */
const ASK_FOR = 5_000;
const INTERNAL_ERROR = -32603;
const METHOD_NOT_FOUND = -32601;

/** What may stand in {@link ProvideOptions}. */
const OPTIONS: readonly string[] = ["http", "onSubscribed", "onHolds", "onEnd"] satisfies (keyof ProvideOptions)[];

/** A slip in a program without types would be noticed at the first call, or never. */
function refuseOthers(service: string, methods: unknown, options: object): void {
  const refuse = (what: string) => new HostError("bad-option", `${service} cannot be provided: ${what}`);
  if (typeof methods !== "object" || methods === null) throw refuse("give its methods, an object of functions; an empty one where there are only events");
  for (const [name, method] of Object.entries(methods)) if (typeof method !== "function") throw refuse(`the method ${JSON.stringify(name)} is a ${typeof method}, and not a function`);
  for (const name of Object.keys(options)) if (!OPTIONS.includes(name)) throw refuse(`there is no option ${JSON.stringify(name)}; there are ${OPTIONS.join(", ")}`);
}

/** See {@link Provided}; without the end, which its owner knows. */
export class Provision {
  instead: string | undefined;
  /** Resolved when it is known who is asked. */
  readonly known: Promise<void>;
  readonly #open = new Map<string, AbortController>();
  #connection: Connection | undefined;
  #tellKnown = () => {};

  constructor(
    readonly service: string,
    readonly methods: ServiceMethods,
    readonly options: ProvideOptions,
    /** For the answer to an answer. */
    readonly limit: number,
  ) {
    refuseOthers(service, methods, options);
    this.known = new Promise((resolve) => (this.#tellKnown = resolve));
  }

  /** Takes what the supervisor says to the provider. */
  take(item: Item, connection: Connection): void {
    if (connection !== this.#connection) this.#meet(connection);
    switch (item.type) {
      case "holds":
        this.instead = item.instead ?? undefined;
        this.#tellKnown();
        return this.options.onHolds?.(this.instead);
      case "call":
        return void this.#answer(item, connection);
      case "cancelled":
        this.#open.get(item.call)?.abort(new Error("nobody waits for the answer any more"));
        return;
      case "subscribed":
        return this.options.onSubscribed?.(item.event, item.consumers);
    }
  }

  emit(event: string, payload: unknown, { latest, to }: EmitOptions = {}): boolean {
    const connection = this.#connection;
    if (connection === undefined) return false;
    connection.call("service.emit", { service: this.service, event, payload: encode(payload), latest, to }, this.limit).catch((error: unknown) => {
      // What goes with the connection goes with the plugins that would have heard it.
      if (!(error instanceof HostError && error.code === "lost")) process.emitWarning(`the event ${event} of the service ${this.service} was not sent: ${sentence(error)}`);
    });
    return true;
  }

  async ask(to: string, event: string, payload: unknown, options: AskOptions = {}): Promise<ServiceAskResult> {
    const connection = this.#connection;
    if (connection === undefined) return { value: options.default ?? null, because: "the supervisor is being started again" };
    const { timeoutMs, default: otherwise } = options;
    const answer = (await connection.call("service.ask", { service: this.service, event, payload: encode(payload), to, timeoutMs, default: encode(otherwise) }, (timeoutMs ?? ASK_FOR) + MARGIN)) as ServiceAskResult;
    return { ...answer, value: decode(answer.value) };
  }

  /** Nobody waits for an answer any more. */
  end(): void {
    this.#connection = undefined;
    for (const open of this.#open.values()) open.abort(new Error("the service is provided no longer"));
    this.#open.clear();
  }

  #meet(connection: Connection): void {
    this.#connection = connection;
    void connection.closed.then(() => {
      if (this.#connection === connection) this.end();
    });
  }

  async #answer({ call, method, params, caller, timeoutMs }: Item & { type: "call" }, connection: Connection): Promise<void> {
    const open = new AbortController();
    this.#open.set(call, open);
    const outcome = await this.#outcome(params, { method, caller, timeoutMs, signal: open.signal });
    this.#open.delete(call);
    if (open.signal.aborted) return;
    try {
      await connection.call("service.answer", { call, ...outcome }, this.limit);
    } catch (error) {
      // Nobody waits any more, or the connection went; either is what the signal says, too late.
      if (error instanceof HostError || (error instanceof ControlError && error.reason === "not_found")) return;
      process.emitWarning(`a call of ${this.service}.${method} was not answered: ${sentence(error)}`);
    }
  }

  async #outcome(params: unknown, call: ServiceCall): Promise<{ result: unknown } | { error: unknown }> {
    const known = Object.hasOwn(this.methods, call.method) ? this.methods[call.method] : undefined;
    if (known === undefined) {
      const names = Object.keys(this.methods).join(", ");
      return { error: { code: METHOD_NOT_FOUND, message: `the service ${this.service} has no method ${JSON.stringify(call.method)}; it has ${names || "none"}`, data: { reason: "method_not_found", retryable: false } } };
    }
    try {
      // What cannot be carried is the method's error, and no connection's.
      return { result: encode((await known(decode(params), call)) ?? null, "the answer") };
    } catch (error) {
      return { error: toWire(error) };
    }
  }
}

/** A whole number as `code` is the error's own, text goes beside it; what is thrown otherwise is an error without one. */
function toWire(thrown: unknown): unknown {
  const { code, data } = (typeof thrown === "object" && thrown !== null ? thrown : {}) as { code?: unknown; data?: unknown };
  const numbered = typeof code === "number" && Object.is(code | 0, code);
  const further = typeof data === "object" && data !== null && !Array.isArray(data) ? data : {};
  return { code: numbered ? code : INTERNAL_ERROR, message: sentence(thrown), data: { reason: numbered ? "" : "internal_error", retryable: false, ...(typeof code === "string" ? { code } : {}), ...further } };
}

//! The types of `ctx.service`: what a consumer does with a service, and what its provider does. Types only. Must not know any service.

import type { ServiceAskResult, ServiceChangedParams, ServiceSubscribedParams } from "./generated/protocol.js";
import type { Unsubscribe } from "./types.js";

/**
 * What a service is, for the compiler: its methods as functions of one parameter or none, and its events with their payloads.
 * `interface Flight { methods: { getState(): State }; events: { phase: Phase } }`.
 */
export interface ServiceShape {
  methods?: object;
  events?: object;
}

/** A service of which nothing is known: every name is taken. */
export interface AnyService {
  // `any`: an author types them as he knows them.
  methods: Record<string, (params?: any) => any>;
  events: Record<string, any>;
}

type Methods<Shape extends ServiceShape> = NonNullable<Shape["methods"]>;
type Events<Shape extends ServiceShape> = NonNullable<Shape["events"]>;
type MethodOf<Shape extends ServiceShape> = keyof Methods<Shape> & string;
type EventOf<Shape extends ServiceShape> = keyof Events<Shape> & string;
type ParamsOf<Method> = Method extends (...given: infer Given) => unknown ? Given : never;
type ResultOf<Method> = Method extends (...given: never[]) => infer Result ? Awaited<Result> : never;
/** A method without a parameter, or with one that may be left out, is called without it. */
type Asked<Method> = ParamsOf<Method> extends [infer Params] ? [params: Params, options?: ServiceCallOptions] : [params?: ParamsOf<Method>[0], options?: ServiceCallOptions];

/** How a call of a service is made. */
export interface ServiceCallOptions {
  /** How long to wait, in milliseconds: 30 s unless said, an hour at most. Say it where an answer waits for a person. */
  timeoutMs?: number;
  /** Withdraws the call: it fails with the signal's reason, and the provider is told. */
  signal?: AbortSignal;
}

/** What is known of an event beside its payload. */
export interface ServiceEventAbout {
  /** How many events of this name were left out before this one, because too much waited for this plugin. */
  missed: number;
}

/** What a provider knows of a call. */
export interface ServiceCallAbout {
  /** The plugin that calls: the host says who it is. */
  caller: string;
  /** Aborted when the caller no longer waits. */
  readonly signal: AbortSignal;
}

/** How a service is now, and why. */
export type ServiceChange = Pick<ServiceChangedParams, "state" | "because">;

/** Who listens to an event. */
export type ServiceSubscribers = Pick<ServiceSubscribedParams, "event" | "consumers">;

/** What a consumer that was asked has answered. */
export type ServiceAnswer = ServiceAskResult;

/** How an event is told. */
export interface ServiceEmitOptions {
  /** One plugin that gets it, if it listens; absent: all that do. */
  to?: string;
  /** Only the newest counts: it takes the place of one that a slow consumer has not read. */
  latest?: boolean;
}

/** How a consumer is asked. */
export interface ServiceAskOptions {
  /** How long to wait for its answer, in milliseconds: 5 s unless said, an hour at most. */
  timeoutMs?: number;
  /** What counts as the answer where none comes. Absent: null. */
  default?: unknown;
}

/** What a provider answers with: a function for each method. */
export type ServiceMethods<Shape extends ServiceShape> = {
  [Method in MethodOf<Shape>]?: (params: ParamsOf<Methods<Shape>[Method]>[0], about: ServiceCallAbout) => ResultOf<Methods<Shape>[Method]> | Promise<ResultOf<Methods<Shape>[Method]>>;
};

/** A service by its name. */
export interface Service<Shape extends ServiceShape = AnyService> {
  readonly name: string;
  /**
   * Calls a method. Rejects with a `CallError`: the provider's own, or `no_provider` where nobody provides the service, `unavailable`
   * (retryable) where its provider is gone or does not come, `timeout`, `limit_exceeded`.
   */
  call<Method extends MethodOf<Shape>>(method: Method, ...given: Asked<Methods<Shape>[Method]>): Promise<ResultOf<Methods<Shape>[Method]>>;
  /** Calls `listener` with every event of this name, whoever provides the service, now or later, until the plugin stops. */
  on<Event extends EventOf<Shape>>(event: Event, listener: (payload: Events<Shape>[Event], about: ServiceEventAbout) => void): Unsubscribe;
  /** Answers where the provider asks this plugin by an event. A throw counts as no answer: the provider's own default holds. */
  answer<Event extends EventOf<Shape>>(event: Event, answer: (payload: Events<Shape>[Event]) => unknown): Unsubscribe;
  /** Calls `listener` when the service is answered, is answered no longer, or will be soon. */
  onChange(listener: (change: ServiceChange) => void): Unsubscribe;

  /**
   * Answers these methods for every consumer; a later function for a method takes the place of an earlier one. The manifest has to name
   * the service in `provides`. Call it in onStart: consumers are let in when that is over.
   */
  provide(methods: ServiceMethods<Shape>): void;
  /** As the provider: tells an event to those who listen. */
  emit<Event extends EventOf<Shape>>(event: Event, payload?: Events<Shape>[Event], options?: ServiceEmitOptions): void;
  /** As the provider: asks one consumer by an event. Where it does not answer in time, the value is the default, and `because` says why. */
  ask<Event extends EventOf<Shape>>(to: string, event: Event, payload?: Events<Shape>[Event], options?: ServiceAskOptions): Promise<ServiceAnswer>;
  /** As the provider: calls `listener` when those who listen to an event change. What nobody hears need not be made. */
  onSubscribed(listener: (subscribers: ServiceSubscribers) => void): Unsubscribe;
}

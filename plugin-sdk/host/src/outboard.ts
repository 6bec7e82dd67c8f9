//! Outboard inside this application: one supervisor after another, and what the application wants of each of them.
//!
//! ```text
//!   startOutboard ─▶ binary, options ─▶ Run ── ready ──▶ wayTo ─▶ Connection ─▶ subscriptions made (again)
//!                                        │                            │
//!                                        └── its end: a pause, and from the start ◀── lost: connected again while the run lives
//! ```
//!
//! Must not know how a message looks, nor how a program is found.

import { EventEmitter } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { findBinary } from "./binary.js";
import { Connection } from "./connection.js";
import { HostError, sentence } from "./errors.js";
import { SUBSCRIPTIONS, type AuthStatus, type ControlCalls, type ControlSubscriptions, type StatusReport } from "./generated/control.js";
import { decide, decideConnection, type ConnectOptions, type Decided, type StartOptions } from "./options.js";
import { Provision, type Provided, type ProvideOptions, type ServiceMethods } from "./provision.js";
import { deadline, howEnded, Run, type Ended, type Ready } from "./process.js";
import { wayTo } from "./runtime-folder.js";

/** The parameters of a call, which may be left out where every member may. */
export type CallArguments<P> = Record<never, never> extends P ? [params?: P, options?: CallOptions] : [params: P, options?: CallOptions];

/** How one call is made. */
export interface CallOptions {
  /** How long to wait for the answer, in milliseconds, a restart of the supervisor included; `limits.call` otherwise. */
  timeoutMs?: number;
}

/** What {@link Outboard} tells, by name. */
export interface OutboardEvents {
  /** The supervisor died. It is started again after the pause, in milliseconds. */
  died: [{ how: string; pause: number }];
  /** It is there again, and so are the subscriptions. */
  restored: [Ready];
  /** It was given up. Nothing runs any more. */
  failed: [HostError];
  /** It was stopped: by `stop()`, or by somebody's orderly signal. Nothing runs any more. */
  stopped: [];
}

/** A subscription that outlives the supervisor. */
export interface Subscription {
  /** Ends it. */
  end(): void;
}

interface Followed {
  readonly begin: keyof ControlSubscriptions;
  readonly params: unknown;
  readonly onItem: (item: unknown, connection: Connection) => void;
  readonly onEnd: ((why: string) => void) | undefined;
  /** Ends it at the present supervisor. */
  stop: (() => void) | undefined;
}

/** Between two tries to connect to a supervisor that runs. */
const TRY_AGAIN = 250;
/** How many subscriptions there may be: as many as the supervisor allows on one connection. */
const SUBSCRIPTIONS_MAX = 256;

/** Starts Outboard, and resolves when every plugin runs or has failed. */
export async function startOutboard(options: StartOptions): Promise<Outboard> {
  const outboard = new Outboard(findBinary(options.binary), decide(options));
  await outboard.begin();
  return outboard;
}

/**
 * Connects to a supervisor that runs already, such as a service of the machine: everything is as with one of one's own, but that it is somebody else's to start and to
 * stop. Where it goes, this waits for the next one.
 */
export async function connectOutboard(options: ConnectOptions = {}): Promise<Outboard> {
  const outboard = new Outboard(undefined, decideConnection(options));
  await outboard.begin();
  return outboard;
}

/** A supervisor that somebody else starts and stops. */
const ELSEWHERE = { pid: undefined, isOver: false, stop: async () => {} };

type Supervised = Pick<Run, "isOver"> & { pid: number | undefined; stop(limit: number): Promise<unknown> };

/** Outboard, as long as this application wants it. */
export class Outboard extends EventEmitter<OutboardEvents> {
  readonly #binary: string | undefined;
  readonly #decided: Decided;
  readonly #followed = new Set<Followed>();
  #listen: string;
  #run: Supervised | undefined;
  #ready: Ready | undefined;
  #connection: Connection | undefined;
  /** When the latest deaths were, those within the window. */
  #deaths: number[] = [];
  /** Why nothing runs any more, once that is so. */
  #over: HostError | undefined;
  #stopping = false;
  readonly #waiting = new Set<() => void>();

  /** For {@link startOutboard}. Without a program it is somebody else who starts the supervisor. */
  constructor(binary: string | undefined, decided: Decided) {
    super();
    this.#binary = binary;
    this.#decided = decided;
    this.#listen = decided.listen;
  }

  /** For {@link startOutboard}. */
  async begin(): Promise<void> {
    try {
      await this.#start();
    } catch (error) {
      this.#end(error instanceof HostError ? error : new HostError("not-started", sentence(error)));
      await this.#run?.stop(this.#decided.limits.stop);
      throw error;
    }
  }

  /** What the present supervisor said when it was ready. */
  get ready(): Ready {
    if (this.#ready === undefined) throw new HostError("not-started", "the supervisor has not been ready yet");
    return this.#ready;
  }

  /** Whether calls are answered at this moment; those that are made meanwhile wait. */
  get connected(): boolean {
    return this.#connection !== undefined;
  }

  /** Asks anything of docs/CONTROL.md. While the supervisor is started again, this waits. */
  async call<M extends keyof ControlCalls>(method: M, ...[params, options]: CallArguments<ControlCalls[M]["params"]>): Promise<ControlCalls[M]["result"]> {
    const limit = options?.timeoutMs ?? this.#decided.limits.call;
    const until = Date.now() + limit;
    const connection = await this.#connected(method, limit);
    return (await connection.call(method, params ?? {}, Math.max(1, until - Date.now())));
  }

  /**
   * Follows anything of docs/CONTROL.md that can be subscribed to, and goes on with each supervisor that follows. `onEnd` is called where the
   * supervisor ends it, most often since it was not read fast enough; it is not begun again then.
   */
  async subscribe<S extends keyof ControlSubscriptions>(
    begin: S,
    params: ControlSubscriptions[S]["params"],
    onItem: (item: ControlSubscriptions[S]["item"]) => void,
    onEnd?: (why: string) => void,
  ): Promise<Subscription> {
    if (this.#followed.size >= SUBSCRIPTIONS_MAX) throw new HostError("bad-option", `\`${begin}\` was not begun: there are ${SUBSCRIPTIONS_MAX} subscriptions already; end some`);
    return this.#begin({ begin, params, onItem: guarded(onItem as (item: unknown) => void), onEnd, stop: undefined });
  }

  /**
   * Provides a service to plugins, by plain functions, and goes on with each supervisor that follows. Resolves when it is known who is asked: where somebody else
   * provides it already, `instead` says who, and this application takes over as soon as its turn comes.
   */
  async provide(service: string, methods: ServiceMethods, options: ProvideOptions = {}): Promise<Provided> {
    const provision = new Provision(service, methods, options, this.#decided.limits.call);
    const onItem = guarded((item, connection) => provision.take(item as ControlSubscriptions["service.provide"]["item"], connection as Connection));
    const onEnd = (why: string) => {
      provision.end();
      options.onEnd?.(why);
    };
    const subscription = await this.#begin({ begin: "service.provide", params: { service, ...(options.http && { http: options.http }) }, onItem, onEnd, stop: undefined });
    const { call } = this.#decided.limits;
    const late = deadline(call, () => new HostError("no-answer", `who provides ${service} was not said within ${call / 1000} s (\`limits.call\`)`));
    try {
      await Promise.race([provision.known, late.passed]);
    } catch (error) {
      subscription.end();
      throw error;
    } finally {
      late.clear();
    }
    return {
      get instead() {
        return provision.instead;
      },
      emit: (event, payload, how) => provision.emit(event, payload, how),
      ask: (to, event, payload, how) => provision.ask(to, event, payload, how),
      end: () => {
        subscription.end();
        provision.end();
      },
    };
  }

  async #begin(followed: Followed): Promise<Subscription> {
    const connection = await this.#connected(followed.begin, this.#decided.limits.call);
    await this.#follow(connection, followed);
    this.#followed.add(followed);
    return {
      end: () => {
        this.#followed.delete(followed);
        followed.stop?.();
      },
    };
  }

  /** Signs in: plugins read the token from now on, and it is kept for the next start. */
  signIn(token: string): Promise<AuthStatus> {
    return this.call("auth.set", { token });
  }

  /** Signs out. */
  signOut(): Promise<AuthStatus> {
    return this.call("auth.clear");
  }

  /** The address at which a browser on this machine shows a plugin's UI. */
  async uiUrl(id: string): Promise<string> {
    const { plugins, pages } = await this.call("status", { id });
    const ui = plugins[0]?.ui;
    if (typeof ui === "string") return ui;
    throw new HostError("bad-option", pages === null ? `no browser is served at ${this.ready.listen}; let it listen at 127.0.0.1 for pages` : `the plugin ${id} has no UI: there is no ui/index.js in its folder`);
  }

  /** Drops the connection and makes another, as after a machine has slept; subscriptions go on. Calls that wait for an answer fail as `lost`. */
  reconnect(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }

  /** Stops every plugin in good order, then the supervisor. Resolves when nothing runs any more. A supervisor of somebody else's is left as it is. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const run = this.#run;
    if (run !== undefined) await run.stop(this.#decided.limits.stop);
    this.#end(new HostError("stopped", "Outboard was stopped by this application"));
  }

  async #start(): Promise<void> {
    if (this.#binary === undefined) return this.#connect((this.#run = ELSEWHERE));
    const { run, ready } = await Run.start(this.#binary, this.#decided, this.#listen, (run) => (this.#run = run));
    this.#ready = ready;
    // Pages keep what they store by their origin, so the next supervisor gets the same.
    this.#listen = ready.listen;
    await this.#connect(run);
    void run.ended.then((ended) => this.#hasEnded(ended));
  }

  /** Connects, and makes every subscription again. */
  async #connect(run: Supervised): Promise<void> {
    const { connect } = this.#decided.limits;
    const late = deadline(connect, () => new HostError("no-answer", `the runtime folder ${this.#decided.runtimeDir} could not be looked at within ${connect / 1000} s`));
    const way = await Promise.race([wayTo(this.#decided.runtimeDir, run.pid), late.passed]).finally(late.clear);
    const connection = await Connection.open(way, connect);
    if (run === ELSEWHERE) this.#ready = readyOf((await connection.call("status", {}, connect)) as StatusReport, this.#decided.runtimeDir);
    for (const followed of this.#followed) {
      await this.#follow(connection, followed).catch((error: unknown) => {
        this.#followed.delete(followed);
        followed.onEnd?.(sentence(error));
      });
    }
    this.#connection = connection;
    for (const wake of this.#waiting) wake();
    void connection.closed.then(() => {
      if (this.#connection === connection) this.#connection = undefined;
      if (run.isOver || this.#stopping) return;
      if (run === ELSEWHERE) this.emit("died", { how: "the connection to the supervisor was lost", pause: TRY_AGAIN });
      void this.#connectAgain(run);
    });
  }

  /** The supervisor lives, and a connection to it was lost. */
  async #connectAgain(run: Supervised): Promise<void> {
    while (!run.isOver && !this.#stopping) {
      try {
        await this.#connect(run);
        if (run === ELSEWHERE) this.emit("restored", this.ready);
        return;
      } catch {
        // Calls that wait have limits of their own, and the supervisor's end is seen elsewhere.
        await pause(TRY_AGAIN);
      }
    }
  }

  async #hasEnded(ended: Ended): Promise<void> {
    if (this.#stopping) return;
    if (ended.code === 0) return this.#end(new HostError("stopped", "the supervisor was told to stop by somebody else"));
    let how = howEnded(ended);
    for (;;) {
      const policy = this.#decided.restart;
      const now = Date.now();
      this.#deaths = [...this.#deaths.filter((then) => policy !== undefined && now - then < policy.within), now];
      if (policy === undefined || this.#deaths.length > policy.deaths) {
        return this.#end(new HostError("gave-up", `the supervisor is not started again after ${this.#deaths.length} deaths${policy ? ` within ${policy.within / 1000} s (\`restart\`)` : ""}: ${how}`));
      }
      const wait = Math.min(policy.longestPause, policy.firstPause * 2 ** (this.#deaths.length - 1));
      this.emit("died", { how, pause: wait });
      await pause(wait);
      if (this.#stopping) return;
      try {
        await this.#start();
        this.emit("restored", this.ready);
        return;
      } catch (error) {
        if (this.#stopping) return;
        how = sentence(error);
        await this.#run?.stop(this.#decided.limits.stop);
        // Somebody else may have taken the port meanwhile.
        this.#listen = this.#decided.listen;
      }
    }
  }

  /** The present connection, or the next one if it comes in time. */
  async #connected(what: string, limit: number): Promise<Connection> {
    const late = deadline(limit, () => new HostError("no-answer", `\`${what}\` was not asked within ${limit / 1000} s: the supervisor is being started again`));
    let wake = () => {};
    try {
      for (;;) {
        if (this.#over !== undefined) throw new HostError(this.#over.code, `\`${what}\` was not asked: ${this.#over.message}`, { cause: this.#over });
        if (this.#connection !== undefined) return this.#connection;
        const woken = new Promise<void>((resolve) => (wake = resolve));
        this.#waiting.add(wake);
        await Promise.race([woken, late.passed]);
        this.#waiting.delete(wake);
      }
    } finally {
      this.#waiting.delete(wake);
      late.clear();
    }
  }

  async #follow(connection: Connection, followed: Followed): Promise<void> {
    const { begin, params, onItem } = followed;
    const onEnd = (why: string) => {
      this.#followed.delete(followed);
      followed.onEnd?.(why);
    };
    followed.stop = await connection.follow({ begin, end: SUBSCRIPTIONS[begin].unsubscribe, params, onItem: (item) => onItem(item, connection), onEnd }, this.#decided.limits.call);
  }

  #end(why: HostError): void {
    if (this.#over !== undefined) return;
    this.#over = why;
    this.#connection?.close();
    this.#connection = undefined;
    this.#followed.clear();
    for (const wake of this.#waiting) wake();
    if (why.code === "stopped") this.emit("stopped");
    else this.emit("failed", why);
  }
}

/** What a supervisor of somebody else's would have said when it was ready. */
function readyOf({ listen, pid, keeperPid, version, pages, dataDir, waitingForSignIn, plugins }: StatusReport, runtimeDir: string): Ready {
  return { listen, pid, keeperPid: keeperPid ?? pid, version, pages, runtimeDir, dataDir, waitingForSignIn, plugins: plugins.map(({ id, state, cause }) => ({ id, state, cause })) };
}

/** A listener that throws is the application's error, and takes no message of others' with it. */
function guarded<Rest extends unknown[]>(listener: (item: unknown, ...rest: Rest) => void): (item: unknown, ...rest: Rest) => void {
  return (item, ...rest) => {
    try {
      listener(item, ...rest);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  };
}

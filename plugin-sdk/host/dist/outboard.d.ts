import { EventEmitter } from "node:events";
import { HostError } from "./errors.js";
import { type AuthStatus, type ControlCalls, type ControlSubscriptions } from "./generated/control.js";
import { type Decided, type StartOptions } from "./options.js";
import { type Ready } from "./process.js";
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
    died: [{
        how: string;
        pause: number;
    }];
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
/** Starts Outboard, and resolves when every plugin runs or has failed. */
export declare function startOutboard(options: StartOptions): Promise<Outboard>;
/** Outboard, as long as this application wants it. */
export declare class Outboard extends EventEmitter<OutboardEvents> {
    #private;
    /** For {@link startOutboard}. */
    constructor(binary: string, decided: Decided);
    /** For {@link startOutboard}. */
    begin(): Promise<void>;
    /** What the present supervisor said when it was ready. */
    get ready(): Ready;
    /** Whether calls are answered at this moment; those that are made meanwhile wait. */
    get connected(): boolean;
    /** Asks anything of docs/CONTROL.md. While the supervisor is started again, this waits. */
    call<M extends keyof ControlCalls>(method: M, ...[params, options]: CallArguments<ControlCalls[M]["params"]>): Promise<ControlCalls[M]["result"]>;
    /**
     * Follows anything of docs/CONTROL.md that can be subscribed to, and goes on with each supervisor that follows. `onEnd` is called where the
     * supervisor ends it, most often since it was not read fast enough; it is not begun again then.
     */
    subscribe<S extends keyof ControlSubscriptions>(begin: S, params: ControlSubscriptions[S]["params"], onItem: (item: ControlSubscriptions[S]["item"]) => void, onEnd?: (why: string) => void): Promise<Subscription>;
    /** Signs in: plugins read the token from now on, and it is kept for the next start. */
    signIn(token: string): Promise<AuthStatus>;
    /** Signs out. */
    signOut(): Promise<AuthStatus>;
    /** The address at which a browser on this machine shows a plugin's UI. */
    uiUrl(id: string): Promise<string>;
    /** Drops the connection and makes another, as after a machine has slept; subscriptions go on. Calls that wait for an answer fail as `lost`. */
    reconnect(): void;
    /** Stops every plugin in good order, then the supervisor. Resolves when nothing runs any more. */
    stop(): Promise<void>;
}

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
/** A connection. */
export declare class Connection {
    #private;
    /** Resolved when it is over. */
    readonly closed: Promise<void>;
    private constructor();
    /** Connects within the limit. */
    static open(way: Way, limit: number): Promise<Connection>;
    /** Asks, and waits for the answer no longer than `limit`. */
    call(method: string, params: unknown, limit: number): Promise<unknown>;
    /** Begins a subscription; gives what ends it. */
    follow(wanted: Wanted, limit: number): Promise<() => void>;
    /** Ends it. */
    close(): void;
}

import type { PluginState } from "./generated/control.js";
import type { Decided } from "./options.js";
/** What the supervisor says when every plugin runs or has failed. */
export interface Ready {
    /** Where it listens, with the real port. */
    readonly listen: string;
    readonly pid: number;
    readonly keeperPid: number;
    readonly version: string;
    /** The origin of the operator's pages; null where browsers are served none. */
    readonly pages: string | null;
    readonly runtimeDir: string;
    readonly dataDir: string;
    /** Whether plugins are held back until somebody signs in. */
    readonly waitingForSignIn: boolean;
    readonly plugins: readonly {
        readonly id: string;
        readonly state: PluginState;
        readonly cause: string | null;
    }[];
}
/** How a run ended. */
export interface Ended {
    /** The exit code; null where a signal ended it. */
    readonly code: number | null;
    readonly signal: NodeJS.Signals | null;
    /** What it wrote last. */
    readonly lastLines: readonly string[];
}
/** A run of the program. */
export declare class Run {
    #private;
    readonly ended: Promise<Ended>;
    private constructor();
    /** Starts it, and waits until it is ready. Gives the run at once to `begun`, so that it can be stopped on the way. */
    static start(binary: string, decided: Decided, listen: string, begun: (run: Run) => void): Promise<{
        run: Run;
        ready: Ready;
    }>;
    /** The keeper's process, which is the one that we started. */
    get pid(): number;
    get isOver(): boolean;
    /** Stops it in good order: each plugin's `onStop` runs. What is not over after `limit` is ended at once. */
    stop(limit: number): Promise<Ended>;
    /** Ends it at once. The supervisor sees its keeper go, and ends every plugin. */
    kill(): void;
}
/** How a run ended, in words. */
export declare function howEnded({ code, signal, lastLines }: Ended): string;
/** A promise that is rejected in time. */
export declare function deadline(limit: number, error: () => Error): {
    passed: Promise<never>;
    clear: () => void;
};

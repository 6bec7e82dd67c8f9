/** How to reach a supervisor. */
export interface Way {
    readonly socket: string;
    /** Value of the header that lets us in. */
    readonly authorization: string;
}
/**
 * How to reach the supervisor whose keeper is the process `keeper`. Nothing is sent before the folder is known to be ours: the kernel does
 * not tell Node who serves a socket, so a folder that nobody else may enter, and the record of our own child in it, say so.
 */
export declare function wayTo(folder: string, keeper: number): Promise<Way>;

/**
 * The program to run. One that is named, in the options or in the environment, is the only one that is looked at.
 */
export declare function findBinary(named: string | undefined): string;

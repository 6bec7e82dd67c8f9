import type { Settings } from "./options.js";
/** The file's text. */
export declare function written(settings: Settings): string;

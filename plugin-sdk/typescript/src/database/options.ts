//! Options as better-sqlite3 takes them: null and undefined are none, and what is there has to be of the right type.

/** Options that were given, or none. */
export function optionsOf<T extends object>(options: T | null | undefined, which = "second"): T {
  if (options != null && typeof options !== "object") throw new TypeError(`Expected ${which} argument to be an options object`);
  return options ?? ({} as T);
}

/** An option that is on or off. */
export function flagOf<T extends object>(options: T, name: keyof T & string, otherwise = false): boolean {
  const value: unknown = name in options ? options[name] : otherwise;
  if (typeof value !== "boolean") throw new TypeError(`Expected the "${name}" option to be a boolean`);
  return value;
}

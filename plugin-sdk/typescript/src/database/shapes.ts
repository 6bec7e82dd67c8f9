//! What a row is made into: an object, its first column, an array, or an object of tables. Gives functions that take a row's
//! values; they are made once for a list of columns, since making one costs as much as some ten rows.

import type { MakeRow } from "./engine.js";
import type { ColumnDefinition, SqlValue } from "./types.js";

/** How rows are shaped. */
export type Mode = "object" | "pluck" | "raw" | "expand";

/** Lists of columns whose functions are kept; then all are forgotten. */
const KEPT_MAX = 512;

const kept = new Map<string, MakeRow>();

/** The function that makes rows of these columns. */
export function rowMaker(mode: Mode, columns: () => ColumnDefinition[]): MakeRow {
  if (mode === "pluck") return null;
  if (mode === "raw") return (...values) => values;
  const places = columns().map(({ name, table }): [string, string] => [mode === "expand" ? (table ?? "$") : "", name]);
  const key = JSON.stringify([mode, places]);
  const known = kept.get(key);
  if (known) return known;
  const made = mode === "object" ? objects(places.map(([, name]) => name)) : tables(places);
  if (kept.size >= KEPT_MAX) kept.clear();
  kept.set(key, made);
  return made;
}

/**
 * Makes objects of one shape, by a literal: `(v0, v1) => ({ "id": v0, "name": v1 })`. Where Node was told to compile nothing at
 * run time, they are put together instead.
 */
function objects(names: string[]): MakeRow {
  try {
    const values = names.map((_, i) => `v${i}`);
    const members = names.map((name, i) => `[${JSON.stringify(name)}]: v${i}`.replace(/^\[("\w+")\]/, name === "__proto__" ? "[$1]" : "$1"));
    // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the names are quoted, and a literal is a third of the time
    return new Function(...values, `return { ${members.join(", ")} };`) as MakeRow;
  } catch {
    return (...values) => Object.fromEntries(names.map((name, i) => [name, values[i]]));
  }
}

function tables(places: [string, string][]): MakeRow {
  return (...values) => {
    const row = Object.create(null) as Record<string, Record<string, SqlValue>>;
    places.forEach(([table, name], i) => ((row[table] ??= {})[name] = values[i] ?? null));
    return { ...row };
  };
}

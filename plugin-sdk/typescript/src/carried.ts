//! What holds for every value that goes to the host, in `ctx.config` and in `ctx.ipc` alike: how deep it is nested, what a text is, and
//! how the place of a fault is told. The other SDKs have the same rules, held by the vectors. Must not know the wire.

/** How deep a value may be nested, counted in the JSON that it becomes: a frame has 100 levels, and three of them are around it. */
export const LEVELS_MAX = 97;

/** Half of a surrogate pair, as cutting a text in two makes it. */
export const HALF_A_PAIR = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

/** Longest path that is told whole, in characters. */
const PATH_MAX = 200;

/** A path as it is told. */
export const told = (path: string): string => (path.length > PATH_MAX ? `${path.slice(0, PATH_MAX)}…` : path);

/** A name with its article. */
export const withArticle = (name: string): string => `${/^[aeio]/i.test(name) ? "an" : "a"} ${name}`;

/** What is wrong with an array or object that becomes `levels` levels of JSON; nothing where it can be looked into. */
export function placeFault(value: object, path: string, above: object[], depth: number, levels: number): string | undefined {
  if (above.includes(value)) return `${told(path)} refers back to what contains it`;
  return depth + levels > LEVELS_MAX ? `${told(path)} is nested deeper than ${LEVELS_MAX} levels` : undefined;
}

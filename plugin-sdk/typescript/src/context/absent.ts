//! What a plugin reads of `ctx` that this host does not have: it gets `undefined`, so that `ctx.x?.y()` tells whether there is one. The
//! first reading of a name is told, and what fails because of it says so first. Made by the session; must not know what `ctx` holds.

/** Names that are remembered: more than any plugin reads, and a bound for one that makes them up. */
const NAMES_MAX = 32;
/** Read by the language and by JSON of any object, and never meant as a namespace. */
const NOT_MEANT = new Set(["then", "toJSON"]);
/** Letters by which a name may differ from the one that was meant. */
const SLIP = 2;
/** What V8 says of a value that is not there. */
const OF_UNDEFINED = /\bundefined\b|is not a function|is not iterable|is not a constructor/;

/** The names that were read and are not there. */
export class Absences {
  readonly #names = new Set<string>();

  /** `tell` gets a sentence at the first reading of each name. */
  constructor(private readonly tell: (message: string) => void) {}

  /** The same object, whose absent members are told of. */
  watch<Context extends object>(ctx: Context): Context {
    return new Proxy(ctx, {
      get: (target, name, receiver) => {
        if (typeof name === "string" && !(name in target) && !NOT_MEANT.has(name)) this.#read(name, Object.keys(target));
        return Reflect.get(target, name, receiver) as unknown;
      },
    });
  }

  #read(name: string, names: string[]): void {
    if (this.#names.has(name) || this.#names.size >= NAMES_MAX) return;
    this.#names.add(name);
    const near = names.find((other) => distance(other.toLowerCase(), name.toLowerCase()) <= SLIP);
    const meant = near ? `did you mean ctx.${near}?` : `ctx has ${names.join(", ")}`;
    this.tell(`this host has no ctx.${name}: reading it gives undefined, and ctx.${name}?.… does without it; ${meant}`);
  }

  /** "this host has no ctx.flight; " where that may be why something failed, else nothing. */
  before(error: Error): string {
    if (this.#names.size === 0) return "";
    const said = messages(error);
    if (!OF_UNDEFINED.test(said)) return "";
    // "ctx.teleport is not a function" names the one; most errors name what was wanted of it.
    const named = [...this.#names].filter((name) => said.includes(`.${name} is not`));
    return `this host has no ${list((named.length > 0 ? named : [...this.#names]).map((name) => `ctx.${name}`))}; `;
  }
}

/** What an error says, and what lies behind it. */
function messages(error: Error): string {
  let text = error.message;
  // As many causes as a report shows.
  for (let cause = error.cause, i = 0; cause instanceof Error && i < 5; cause = cause.cause, i++) text += `\n${cause.message}`;
  return text;
}

function list(names: string[]): string {
  return names.length > 1 ? `${names.slice(0, -1).join(", ")} and no ${names.at(-1)}` : names.join("");
}

/** How many letters have to be added, removed or changed. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let i = 1; i <= one.length; i++) {
    const next = [i];
    for (let j = 1; j <= other.length; j++) {
      next[j] = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (one[i - 1] === other[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}

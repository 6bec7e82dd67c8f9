//! What a plugin counts on and this host lacks, read from its text before anything runs: parts of `ctx`, and names of the SDK.
//!
//! Asked by the check. Follows `ctx` from the hooks through variables, destructuring, members of `this` and functions that are called with it;
//! what it cannot follow it leaves out, so that whatever it names is there. Must not run any of it.

import { packageOf } from "./surroundings.js";
import type { Parser } from "./constructs.js";

/** A file's text as its author wrote it. */
export interface Source {
  path: string;
  text: string;
}

/** A name that is not there, and where it is wanted first. */
export interface Lack {
  place: string;
  /** `ctx.teleport`, or `useTeleport of "@skyvexsoftware/stratos-sdk"`. */
  name: string;
  /** Whether the plugin asks before it counts on it. */
  asks: boolean;
}

/** What this host has. */
export interface Has {
  context: ReadonlySet<string>;
  /** Names that the SDK exports to a background module. */
  sdk: ReadonlySet<string>;
}

const HOOKS = new Set(["onStart", "onStop", "onResume"]);
const SDK = new Set(["@skyvexsoftware/stratos-sdk", "@outboard/plugin-sdk", "@outboard/shell"]);
/** Entries of the SDK that hold these names; the others are for builds and tests. */
const ENTRIES = /^@[\w-]+\/[\w-]+(\/helpers|\/types)?$/;
/** What every object has. */
const OF_OBJECTS = new Set(["then", "toJSON", ...Object.getOwnPropertyNames(Object.prototype)]);
/** Larger files are bundles of more than one author. */
const TEXT_MAX = 8 * 1024 * 1024;
const NAME = /^[A-Za-z_$][\w$]*$/;
const DECLARES = new Set(["const", "let", "var"]);

/** Everything that is lacking, in the order of files and lines, each name once. */
export function lackingIn(sources: Source[], parser: Parser, has: Has): Lack[] {
  const files = sources.filter(({ text }) => text.length <= TEXT_MAX).flatMap((source) => {
    try {
      return [new File(source, parser)];
    } catch {
      return []; // the check says what is wrong with it
    }
  });
  const lacks = files.flatMap((file) => file.imports()).filter(({ name }) => !has.sdk.has(name.split(" ")[0] ?? ""));
  for (const { name, place, asks } of new Reads(files).all()) {
    if (!has.context.has(name) && !OF_OBJECTS.has(name)) lacks.push({ name: `ctx.${name}`, place, asks });
  }
  const first = new Map<string, Lack>();
  for (const lack of lacks) {
    const known = first.get(lack.name);
    // One reading that does not ask is what fails.
    if (!known || (known.asks && !lack.asks)) first.set(lack.name, lack);
  }
  return [...first.values()];
}

/** A file as its tokens. */
class File {
  readonly words: string[];
  readonly #starts: number[];

  constructor(private readonly source: Source, parser: Parser) {
    const typescript = /\.[cm]?tsx?$/.test(source.path);
    const { tokens } = parser.parse(source.text, source.path.endsWith("x"), typescript, false);
    this.words = tokens.map(({ start, end }) => source.text.slice(start, end));
    this.#starts = tokens.map(({ start }) => start);
  }

  word(at: number): string {
    return this.words[at] ?? "";
  }

  place(at: number): string {
    return `${this.source.path}:${this.source.text.slice(0, this.#starts[at]).split("\n").length}`;
  }

  /** Where the bracket closes that opens here. */
  closing(open: number): number {
    let depth = 0;
    for (let at = open; at < this.words.length; at++) {
      if (/^([([{]|\$\{)$/.test(this.word(at))) depth++;
      else if (/^[)\]}]$/.test(this.word(at)) && --depth === 0) return at;
    }
    return this.words.length;
  }

  /** Where the bracket opens that closes here. */
  opening(close: number): number {
    let depth = 0;
    for (let at = close; at >= 0; at--) {
      if (/^[)\]}]$/.test(this.word(at))) depth++;
      else if (/^([([{]|\$\{)$/.test(this.word(at)) && --depth === 0) return at;
    }
    return -1;
  }

  /** The names that a pattern takes out of an object: `{ a, b: c, ...rest }` takes a and b. */
  taken(open: number): number[] {
    const [found, end] = [[] as number[], this.closing(open)];
    for (let at = open + 1; at < end; at++) {
      const before = this.word(at - 1);
      if (NAME.test(this.word(at)) && (before === "{" || before === ",") && this.word(at) !== "type") found.push(at);
      else if (before === "type" && NAME.test(this.word(at))) continue;
      else if (this.word(at) === "{" || this.word(at) === "[" || this.word(at) === "(") at = this.closing(at);
    }
    return found;
  }

  /** What it imports of the SDK by name. */
  imports(): Lack[] {
    const found: Lack[] = [];
    const take = (open: number, module: string) => {
      for (const at of this.taken(open)) found.push({ name: `${this.word(at)} of ${JSON.stringify(module)}`, place: this.place(at), asks: false });
    };
    for (let at = 0; at < this.words.length; at++) {
      if (this.word(at) === "import" && this.word(at + 1) !== "(" && this.word(at + 1) !== "type" && this.word(at - 1) !== ".") {
        const open = this.words.indexOf("{", at);
        const from = this.words.indexOf("from", at);
        const module = ofSdk(this.word(from + 1));
        if (module && open > 0 && open < from) take(open, module);
      }
      if (this.word(at) === "require" && this.word(at + 1) === "(" && this.word(at - 1) === "=" && this.word(at - 2) === "}") {
        const module = ofSdk(this.word(at + 2));
        if (module) take(this.opening(at - 2), module);
      }
    }
    return found;
  }
}

/** The module that a quoted word names, where it is an entry of the SDK. */
function ofSdk(quoted: string): string | undefined {
  const module = quoted.slice(1, -1);
  const name = /^["']/.test(quoted) ? packageOf(module) : undefined;
  return name && SDK.has(name) && ENTRIES.test(module) ? module : undefined;
}

/** A part of a file in which a name stands for `ctx`. */
interface Scope {
  file: File;
  name: string;
  from: number;
  to: number;
}

/** Follows `ctx` through the files. */
class Reads {
  readonly #found: Lack[] = [];
  readonly #scopes: Scope[] = [];
  readonly #seen = new Set<string>();

  constructor(private readonly files: File[]) {}

  all(): Lack[] {
    for (const file of this.files) {
      for (let at = 0; at < file.words.length; at++) {
        if (HOOKS.has(file.word(at)) && !/^\??\.$/.test(file.word(at - 1))) this.#enter(file, at, 0);
      }
    }
    for (let scope = this.#scopes.shift(); scope; scope = this.#scopes.shift()) this.#follow(scope);
    return this.#found;
  }

  /** Takes the parameter of the function that is declared under the name here. */
  #enter(file: File, at: number, parameter: number): void {
    let open = at + 1;
    while ([":", "=", "async", "function", "*"].includes(file.word(open))) open++;
    // `onStart: function begin(ctx)`, and `ctx => …`
    if (NAME.test(file.word(open)) && file.word(open + 1) === "(" && file.word(open - 1) === "function") open++;
    if (NAME.test(file.word(open)) && file.word(open + 1) === "=>") return this.#scope(file, open, this.#body(file, open + 1));
    if (file.word(open) !== "(") return;
    const close = file.closing(open);
    let first = open + 1;
    for (let left = parameter; left > 0 && first < close; first++) {
      if (/^[([{]$/.test(file.word(first))) first = file.closing(first);
      else if (file.word(first) === ",") left--;
    }
    const body = this.#body(file, close + 1);
    if (!body || first >= close) return;
    if (file.word(first) === "{") for (const name of file.taken(first)) this.#read(file, name, name, false);
    else if (NAME.test(file.word(first))) this.#scope(file, first, body);
  }

  /** The tokens of a function's body; none where what stands here is a call. */
  #body(file: File, after: number): [number, number] | undefined {
    let at = after;
    // The type of what it returns.
    if (file.word(at) === ":") while (at < file.words.length && !["{", "=>", ";"].includes(file.word(at))) at++;
    const arrow = file.word(at) === "=>";
    if (arrow) at++;
    if (file.word(at) === "{") return [at, file.closing(at)];
    if (!arrow) return undefined;
    let end = at;
    for (; end < file.words.length && !/^[,;)\]}]$/.test(file.word(end)); end++) if (/^[([{]$/.test(file.word(end))) end = file.closing(end);
    return [at, end];
  }

  #scope(file: File, name: number, body: [number, number] | undefined): void {
    const key = `${this.files.indexOf(file)} ${body?.[0]} ${file.word(name)}`;
    if (!body || this.#seen.has(key)) return;
    this.#seen.add(key);
    this.#scopes.push({ file, name: file.word(name), from: body[0], to: body[1] });
  }

  #follow({ file, name, from, to }: Scope): void {
    for (let at = from; at < to; at++) {
      if (file.word(at) !== name || /^\??\.$/.test(file.word(at - 1))) continue;
      this.#member(file, at);
      const [before, target] = [file.word(at - 1), file.word(at - 2)];
      if (before === "=" && target === "}") for (const taken of file.taken(file.opening(at - 2))) this.#read(file, taken, taken, false);
      else if (before === "=" && NAME.test(target)) {
        if (DECLARES.has(file.word(at - 3))) this.#scope(file, at - 2, [at, to]);
        else if (file.word(at - 3) === "." && file.word(at - 4) === "this") this.#kept(target);
      } else if (/^[(,]$/.test(before) && /^[),]$/.test(file.word(at + 1))) this.#handed(file, at);
    }
  }

  /** `ctx.x`, which begins here. */
  #member(file: File, at: number): void {
    if (/^\??\.$/.test(file.word(at + 1)) && NAME.test(file.word(at + 2))) this.#read(file, at, at + 2, file.word(at + 1) === "?.");
  }

  #read(file: File, place: number, name: number, asked: boolean): void {
    const before = file.word(place - 1);
    const asks = asked || ["?.", "&&", "??", "||", "?"].includes(file.word(name + 1)) || before === "typeof" || before === "!" || (before === "(" && file.word(place - 2) === "if" && file.word(name + 1) === ")");
    this.#found.push({ name: file.word(name), place: file.place(name), asks });
  }

  /** `this.ctx`, wherever it is read. */
  #kept(member: string): void {
    if (this.#seen.has(`this ${member}`)) return;
    this.#seen.add(`this ${member}`);
    for (const file of this.files) {
      for (let at = 2; at < file.words.length; at++) {
        if (file.word(at) === member && file.word(at - 1) === "." && file.word(at - 2) === "this") this.#member(file, at);
      }
    }
  }

  /** `setup(a, ctx)`: the function's own name for it. */
  #handed(file: File, at: number): void {
    let [open, index, depth] = [at - 1, 0, 0];
    for (; open > 0; open--) {
      if (/^[)\]}]$/.test(file.word(open))) depth++;
      else if (/^[([{]$/.test(file.word(open)) && depth-- === 0) break;
      else if (file.word(open) === "," && depth === 0) index++;
    }
    const callee = file.word(open - 1);
    if (file.word(open) !== "(" || !NAME.test(callee) || callee.length < 2) return;
    for (const other of this.files) {
      for (let declared = 0; declared < other.words.length; declared++) {
        if (other.word(declared) !== callee || /^\??\.$/.test(other.word(declared - 1))) continue;
        // `new Keeper(ctx)`: the class has it from its constructor.
        const made = other.word(declared - 1) === "class" ? other.words.indexOf("constructor", declared) : declared;
        if (made >= 0) this.#enter(other, made, index);
      }
    }
  }
}

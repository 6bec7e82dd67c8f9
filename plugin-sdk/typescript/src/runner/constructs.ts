//! Finds what stripping types cannot translate, so that its place can be told: stripped all the same, it would be missing or broken at
//! run time. Reads the tokens of sucrase's parser, which mark what belongs to a type.

/** The part of sucrase that its package does not export by name. */
export interface Parser {
  parse(source: string, jsx: boolean, typescript: boolean, flow: boolean): { tokens: Token[] };
  TokenType: Record<string, number>;
  ContextualKeyword: Record<string, number>;
}

interface Token {
  type: number;
  contextualKeyword: number;
  start: number;
  end: number;
  isType: boolean;
}

/** A construct and its line; `instead` is what to write without it. */
export interface Construct {
  what: string;
  line: number;
  instead: string;
}

/** The first construct that only a compiler can translate. */
export function compiledConstruct(parser: Parser, source: string, jsx: boolean): Construct | undefined {
  const read = new Reader(parser, source, jsx);
  const { TokenType: is, ContextualKeyword: word } = parser;
  for (let at = 0; at < read.tokens.length; at++) {
    const token = read.token(at);
    if (token.contextualKeyword === word["_declare"] && token.isType) at = read.endOfBlock(at);
    else if (token.isType && (token.contextualKeyword === word["_namespace"] || token.contextualKeyword === word["_module"])) {
      const end = read.endOfBlock(at);
      if (read.holdsCode(at, end)) return read.construct(at, `the namespace ${read.text(at + 1)}`, "use a module of its own, or an object");
      at = end;
    } else if (token.type === is["at"]) return read.construct(at, `the decorator @${read.text(at + 1)}`, "call the function yourself");
    else if (token.contextualKeyword === word["_accessor"] && read.token(at + 1).type === is["name"] && read.isSpaced(at)) {
      return read.construct(at, `the accessor field ${read.text(at + 1)}`, "write get and set");
    }
  }
  return undefined;
}

/** The first construct that makes `require` or `module.exports`, which an ES module does not have. */
export function commonConstruct(parser: Parser, source: string, jsx: boolean): Construct | undefined {
  if (!/\bimport\s+(type\s+)?[\w$]+\s*=|\bexport\s*=/.test(source)) return undefined;
  const read = new Reader(parser, source, jsx);
  const { TokenType: is } = parser;
  for (let at = 0; at < read.tokens.length - 3; at++) {
    const token = read.token(at);
    if (token.isType) continue;
    if (token.type === is["_export"] && read.token(at + 1).type === is["eq"]) return read.construct(at, "`export =` in an ES module", "write `export default`");
    const imports = token.type === is["_import"] && read.token(at + 2).type === is["eq"] && read.text(at + 3) === "require";
    if (imports) return read.construct(at, `\`import ${read.text(at + 1)} = require(…)\` in an ES module`, `write \`import ${read.text(at + 1)} from …\``);
  }
  return undefined;
}

class Reader {
  readonly tokens: Token[];

  constructor(
    private readonly parser: Parser,
    private readonly source: string,
    jsx: boolean,
  ) {
    this.tokens = parser.parse(source, jsx, true, false).tokens;
  }

  /** A token; past the end the last one, which ends the file. */
  token(at: number): Token {
    return this.tokens[Math.min(at, this.tokens.length - 1)] as Token;
  }

  text(at: number): string {
    return this.source.slice(this.token(at).start, this.token(at).end);
  }

  /** Whether the next token stands on the same line: a name alone on its line is a field of that name. */
  isSpaced(at: number): boolean {
    return !this.source.slice(this.token(at).end, this.token(at + 1).start).includes("\n");
  }

  /** Where the block ends that begins after a token, or the statement where there is none. */
  endOfBlock(from: number): number {
    const { TokenType: is } = this.parser;
    let depth = 0;
    for (let at = from; at < this.tokens.length; at++) {
      const { type } = this.token(at);
      if (type === is["braceL"]) depth++;
      else if (type === is["braceR"] && --depth <= 0) return at;
      else if (type === is["semi"] && depth === 0) return at;
    }
    return this.tokens.length;
  }

  holdsCode(from: number, to: number): boolean {
    const { TokenType: is, ContextualKeyword: word } = this.parser;
    const code = ["_const", "_let", "_var", "_function", "_class", "_import"].map((name) => is[name]);
    return this.tokens.slice(from, to).some((token, index, all) => code.includes(token.type) || (token.contextualKeyword === word["_enum"] && all[index - 1] !== undefined));
  }

  construct(at: number, what: string, instead: string): Construct {
    return { what, line: this.source.slice(0, this.token(at).start).split("\n").length, instead };
  }
}

//! What Node's own SQLite does not tell of a statement, read from its text: its parameters, and whether it writes. Used by
//! `node-sqlite.ts`. Tokens are SQLite's own, so that what stands in a text, a name or a comment is neither.

const TOKENS = new RegExp(
  [
    "'(?:[^']|'')*'", '"(?:[^"]|"")*"', "`(?:[^`]|``)*`", "\\[[^\\]]*\\]", // texts and quoted names
    "--[^\\n]*", "/\\*[\\s\\S]*?(?:\\*/|$)", // comments
    "[A-Za-z0-9_\\u0080-\\uffff][\\w$\\u0080-\\uffff]*", // words and numbers; a `$` in them begins no parameter
    "\\?\\d*", "[@:$#](?:[\\w$\\u0080-\\uffff]|::)+(?:\\([^)\\s]*\\))?", // parameters
    "[\\s\\S]",
  ].join("|"),
  "g",
);

/** The tokens of a text, without blanks and comments. */
function tokensOf(sql: string): string[] {
  return (sql.match(TOKENS) ?? []).filter((token) => !/^(?:[ \t\n\f\r]|--|\/\*)/.test(token));
}

/** Whether a text holds no statement: comments and semicolons alone. */
export const isNothing = (sql: string): boolean => tokensOf(sql).every((token) => token === ";");

/** A statement's parameters by their number: the name with its sigil, or null where there is none. */
export function parametersOf(sql: string): (string | null)[] {
  const numbered: (string | null)[] = [];
  const place = (number: number): void => {
    while (numbered.length < number) numbered.push(null);
  };
  for (const name of tokensOf(sql)) {
    if (name === "?") numbered.push(null);
    else if (name.startsWith("?")) {
      const number = Number(name.slice(1));
      place(number);
      // A number may mean a parameter that has a name already.
      numbered[number - 1] ??= name;
    } else if (/^[@:$#]./.test(name) && !numbered.includes(name)) numbered.push(name);
  }
  return numbered;
}

/** Pragmas that write, and those that write where they are given a value; all others tell or set something of the connection. */
const WRITES = ["incremental_vacuum", "journal_mode", "wal_checkpoint"];
const WRITES_VALUE = ["application_id", "default_cache_size", "schema_version", "user_version"];

/** Whether SQLite calls a statement read-only: it cannot change a database. */
export function isReadonly(sql: string): boolean {
  const words = outside(tokensOf(sql).map((token) => token.toLowerCase()));
  if (words[0] === "explain") words.splice(0, words[1] === "query" ? 3 : 1);
  const [first, second = ""] = words;
  switch (first) {
    case "select":
    case "values":
    case "attach":
    case "detach":
    case "commit":
    case "end":
    case "rollback":
    case "savepoint":
    case "release":
      return true;
    case "begin":
      return second !== "immediate" && second !== "exclusive";
    case "with":
      return ["select", "values"].includes(afterWith(words));
    case "pragma":
      return !writes(words[2] === "." ? words.slice(3) : words.slice(1));
    default:
      return false;
  }
}

function writes([pragma = "", ...value]: string[]): boolean {
  return WRITES.includes(pragma) || (value.length > 0 && WRITES_VALUE.includes(pragma));
}

/** Tokens that are not in parentheses; of those, the opening ones. */
function outside(tokens: string[]): string[] {
  let depth = 0;
  return tokens.filter((token) => {
    if (token === ")") depth--;
    const is = depth === 0 && token !== ")" && token !== ";";
    if (token === "(") depth++;
    return is;
  });
}

/** What the statement behind `WITH name (…) AS (…), …` begins with. */
function afterWith(words: string[]): string {
  const rest = words.filter((word) => word !== "(");
  let at = rest[1] === "recursive" && rest[2] !== "as" ? 2 : 1;
  for (;;) {
    at += 2; // the name, and `AS`
    while (rest[at] === "not" || rest[at] === "materialized") at++;
    if (rest[at] !== ",") return rest[at] ?? "";
    at++;
  }
}

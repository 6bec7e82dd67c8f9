//! What has no place in a log: the credentials of requests, by their headers' names, and the tokens that the host gave to this
//! plugin, wherever they stand. One rule for `ctx.logger`, the runner's console and its reports. Must not know who prints.

/** What stands in the place of a secret. */
export const HIDDEN = "[not logged]";

/** Tokens that are remembered: those of now, and the last ones before them. */
const TOKENS_MAX = 16;
/** A shorter text may be part of any word. */
const TOKEN_MIN = 8;

const tokens = new Set<string>();

const NAME = "(?:proxy-)?authorization";
/** What colours add around a value. */
const COLOUR = "(?:\\x1b\\[\\d+m)*";
const QUOTED = "'(?:[^'\\\\\\n]|\\\\.)*'|\"(?:[^\"\\\\\\n]|\\\\.)*\"|`(?:[^`\\\\]|\\\\.)*`";

const IS_NAME = new RegExp(`^${NAME}$`, "i");
/** A member as it is printed, of a map too, or written as JSON; Node keeps headers as pairs and lists besides. */
const MEMBER = new RegExp(`((?:\\b${NAME}|['"]${NAME}['"]${COLOUR})\\s*(?::|=>)\\s*(?:\\[\\s*(?:${COLOUR}['"]${NAME}['"]${COLOUR}\\s*,\\s*)?)?${COLOUR}|['"]${NAME}['"]${COLOUR}\\s*,\\s*${COLOUR})(${QUOTED})`, "gi");
/** A member of JSON that is a text in JSON itself. No run of backslashes is longer, or it would be gone through again from each. */
const ESCAPED = new RegExp(`(\\\\{1,7}"${NAME}\\\\{1,7}"\\s*:\\s*)(\\\\{1,7}").*?\\2`, "gi");
/** A header in a text, whose scheme says that a credential follows. */
const HEADER = new RegExp(`\\b(${NAME}:[ \\t]*)(?:basic|bearer|digest|dpop|negotiate|oauth|token|apikey)[ \\t]+[^\\s'"\`\\\\]+`, "gi");
/** A header that is the line of a request, whatever its value; the line's end as such, or as Node and JSON write it. */
const LINE_END = /(\r\n|\\r\\n)/;
const LINE = new RegExp(`\\b${NAME}:[ \\t]*`, "i");

/** Remembers a token that the host gave. */
export function keepSecret(token: string | null | undefined): void {
  if (!token || token.length < TOKEN_MIN) return;
  tokens.delete(token);
  tokens.add(token);
  for (const oldest of tokens) {
    if (tokens.size <= TOKENS_MAX) break;
    tokens.delete(oldest);
  }
}

/** Whether a member holds credentials: by its name, or by what stands before it in a list. */
export function isCredential(holder: object, name: string): boolean {
  const before: unknown = Array.isArray(holder) ? holder[Number(name) - 1] : name;
  return typeof before === "string" && IS_NAME.test(before);
}

/** A text without the secrets in it; one that has none stays as it is. */
export function withoutSecrets(text: string): string {
  let shown = text;
  for (const token of tokens) if (shown.includes(token)) shown = shown.replaceAll(token, HIDDEN);
  if (!/authorization/i.test(shown)) return shown;
  const inQuotes = (_: string, before: string, value: string) => `${before}${value[0]}${HIDDEN}${value[0]}`;
  const parts = shown.replace(MEMBER, inQuotes).replace(ESCAPED, `$1$2${HIDDEN}$2`).replace(HEADER, `$1${HIDDEN}`).split(LINE_END);
  // Every other part is a line's end, and the last line has none.
  for (let i = 0; i + 1 < parts.length; i += 2) parts[i] = withoutHeader(parts[i] ?? "");
  return parts.join("");
}

/** A request's line without what follows the header's name, up to a quote; what is printed before the line stays. */
function withoutHeader(text: string): string {
  const start = text.lastIndexOf("\n") + 1;
  const line = text.slice(start);
  const found = LINE.exec(line);
  if (!found) return text;
  const value = line.slice(found.index + found[0].length);
  return `${text.slice(0, text.length - value.length)}${HIDDEN}${value.match(/[\\"'`].*$/)?.[0] ?? ""}`;
}

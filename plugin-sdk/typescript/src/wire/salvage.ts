//! What can still be told of a line that cannot be read, or that was too long to be kept: the call that it means to answer. For
//! whoever waits for that answer, since no other one will come. Follows the text without reading it.

const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const BACKSLASH = 92;
const OPEN = new Set([91, 123]);
const CLOSE = new Set([93, 125]);

/** Follows JSON text without reading it: tells of each character outside of strings, and the level on which it stands. */
export function walk(line: string, each: (depth: number, at: number) => void): void {
  let depth = 0;
  for (let at = 0; at < line.length; at++) {
    const char = line.charCodeAt(at);
    if (char === QUOTE) at = endOfString(line, at);
    else if (OPEN.has(char)) depth++;
    else if (CLOSE.has(char)) depth--;
    each(depth, at);
  }
}

function endOfString(line: string, start: number): number {
  let at = start + 1;
  for (let char = line.charCodeAt(at); char !== QUOTE && at < line.length; char = line.charCodeAt(++at)) if (char === BACKSLASH) at++;
  return at;
}

/** The outermost members of a line, or of its beginning: each name as it stands there, and where its value begins. */
export function members(line: string): { name: string; value: number }[] {
  const found: { name: string; value: number }[] = [];
  let start = 1;
  let named = false;
  walk(line, (depth, at) => {
    if (depth !== 1) return;
    const char = line.charCodeAt(at);
    if (char === COMMA) [start, named] = [at + 1, false];
    else if (char === COLON && !named) {
      found.push({ name: line.slice(start, at).trim(), value: at + 1 });
      named = true;
    }
  });
  return found;
}

/** The call that an answer is for: its id, `null` where it stands behind what is known, `undefined` where it is not an answer. */
export type Answered = number | null | undefined;

/** What a broken line, or the beginning of one that was skipped, says of the call that it answers. */
export function answered(line: string): Answered {
  const all = members(line);
  const has = (...names: string[]) => all.some(({ name }) => names.includes(name));
  const ids = all.filter(({ name }) => name === '"id"');
  if (has('"method"', '"params"') || ids.length > 1) return undefined;
  const [id] = ids;
  if (!id) return has('"result"', '"error"') ? null : undefined;
  const digits = /^\s*(\d+)[\s,}]/.exec(line.slice(id.value, id.value + 64))?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** The id at the end of an answer whose beginning had none: nothing but a member of the outermost object can stand there. */
export function answeredAtEnd(ending: string): number | undefined {
  const digits = /,\s*"id"\s*:\s*(\d+)\s*(?:,\s*"jsonrpc"\s*:\s*"2\.0"\s*)?\}\s*$/.exec(ending)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

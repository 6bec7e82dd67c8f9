//! `ctx.logger`: one structured record a call. Never blocks and never throws, whatever it is given.

import type { LogLevel, LogParams } from "../generated/protocol.js";
import type { PluginPeer } from "../sides.js";
import { HIDDEN, isCredential, withoutSecrets } from "../secrets.js";
import type { PluginLogger } from "../types.js";

/** Longest `extra`, in characters of JSON: a log record is for reading. */
const EXTRA_MAX = 64 * 1024;
/** Longest message, in characters. */
const MESSAGE_MAX = 64 * 1024;

/** Makes the logger of a session. */
export function createLogger(peer: PluginPeer): PluginLogger {
  const at = (level: LogLevel) => (tag: string, message?: string, extra?: unknown) => {
    try {
      // One argument is a message without a tag.
      const [shownTag, text] = message === undefined ? ["", tag] : [tag, message];
      const record: LogParams = { level, tag: shown(shownTag, String), message: cut(withoutSecrets(shown(text, words))) };
      if (extra !== undefined) record.extra = shown(extra, readable);
      peer.notify("log", record);
    } catch {
      // A record that cannot be sent is lost; the plugin goes on.
    }
  };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** A value as `show` shows it. A getter or a `toString` of it may throw: the rest of the record is kept. */
function shown<Shown>(value: unknown, show: (value: unknown) => Shown): Shown | string {
  try {
    return show(value);
  } catch {
    return "[cannot be shown: reading it throws]";
  }
}

function words(value: unknown): string {
  return typeof value === "string" ? value : value instanceof Error ? String(value) : (JSON.stringify(readable(value)) ?? String(value));
}

function cut(text: string): string {
  return text.length > MESSAGE_MAX ? `${text.slice(0, MESSAGE_MAX)}… (${text.length} characters)` : text;
}

/** Any value as JSON that a person can read: errors keep name, message, stack and cause; circles and strange types are named. */
export function readable(value: unknown): unknown {
  const above: object[] = [];
  const json = JSON.stringify(value, function (this: object, key: string, given: unknown) {
    while (above.length > 0 && above.at(-1) !== this) above.pop();
    if (isCredential(this, key)) return HIDDEN;
    // An error's own `toJSON` may tell more than is good in a log: axios's gives the request's headers, bearer included.
    const held: unknown = (this as Record<string, unknown>)[key];
    const member = held instanceof Error ? held : given;
    if (typeof member === "string") return withoutSecrets(member);
    if (typeof member === "bigint") return `${member}n`;
    if (typeof member === "function") return `[function ${member.name}]`;
    if (typeof member === "symbol") return String(member);
    if (typeof member !== "object" || member === null) return member;
    if (above.includes(member)) return "[circular]";
    const shown = member instanceof Error ? describeError(member) : member instanceof Map ? Object.fromEntries(member) : member instanceof Set ? [...member] : member;
    above.push(shown);
    return shown;
  });
  if (json === undefined) return null;
  return json.length > EXTRA_MAX ? `${json.slice(0, EXTRA_MAX)}… (${json.length} characters)` : JSON.parse(json);
}

function describeError(error: Error): object {
  const own = Object.fromEntries(Object.entries(error).filter(([, member]) => typeof member !== "object" && typeof member !== "function"));
  const cause = error.cause === undefined ? {} : { cause: error.cause };
  return { name: error.name, message: error.message, stack: error.stack, ...own, ...cause };
}

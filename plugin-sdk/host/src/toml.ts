//! Writes settings down as `outboard.toml` has them.
//!
//! Called for each start. Must not know any key: the program says what is wrong with one, and where.

import { HostError } from "./errors.js";
import type { Settings, SettingValue } from "./options.js";

/** The file's text. */
export function written(settings: Settings): string {
  return entries(settings, []).map((line) => `${line}\n`).join("");
}

function entries(table: Settings, above: readonly string[]): string[] {
  const given = Object.entries(table).filter((entry): entry is [string, SettingValue] => entry[1] !== undefined);
  return given.map(([key, value]) => `${text(key)} = ${one(value, [...above, key])}`);
}

function one(value: SettingValue, path: readonly string[]): string {
  if (typeof value === "string") return text(value);
  if (typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value))) return String(value);
  if (Array.isArray(value)) return `[${value.map((item: SettingValue) => one(item, path)).join(", ")}]`;
  if (typeof value === "object" && value !== null) return `{ ${entries(value as Settings, path).join(", ")} }`;
  throw new HostError("bad-option", `\`settings.${path.join(".")}\` is ${String(value)}, which a settings file cannot hold; give a text, a number, true or false, a list, or an object of these`);
}

/** As in JSON, with the one control character escaped that JSON lets pass. */
function text(value: string): string {
  return JSON.stringify(value).replaceAll("\u007f", "\\u007f");
}

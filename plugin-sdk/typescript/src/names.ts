//! The rules for names that authors choose, checked here so that a mistake is told at the line that makes it. The host
//! checks them again. Mirrors the protocol's rules; must not know what the names are used for.

/** Longest channel name or config key, in bytes. */
const TEXT_MAX = 256;
/** Longest database file name, in bytes. */
const FILE_MAX = 128;

const CONTROL = /[\u0000-\u001f\u007f]/;

/** Checks the leaf name of a channel. */
export function checkChannel(channel: string): string {
  if (typeof channel === "string" && channel.startsWith("plugin:")) {
    const leaf = channel.split(":").slice(2).join(":");
    throw new TypeError(`channel ${JSON.stringify(channel)}: give the leaf name alone${leaf ? ` (${JSON.stringify(leaf)})` : ""}; the prefix plugin:{id}: is added at both ends`);
  }
  return checkText("channel", channel);
}

/** Longest name of a service, in bytes. */
const SERVICE_MAX = 64;
/** Longest name of a service's method or event, in bytes. */
const MEMBER_MAX = 128;

/** Checks the name of a service. */
export function checkServiceName(name: string): string {
  if (typeof name !== "string" || name.length > SERVICE_MAX || !/^[a-z][a-z0-9]*(\.[a-z0-9-]+)*$/.test(name)) {
    throw new TypeError(
      `service ${JSON.stringify(name) ?? String(name)}: use lower-case letters and digits, beginning with a letter, with further parts after dots, as in "flight" or "acme.billing", at most ${SERVICE_MAX} long`,
    );
  }
  return name;
}

/** Checks the name of a service's method or event. */
export function checkServiceMember(kind: "method" | "event", name: string): string {
  return checkText(kind, name, MEMBER_MAX);
}

/** Checks a config key. */
export function checkConfigKey(key: string): string {
  return checkText("config key", key);
}

function checkText(kind: string, text: string, most = TEXT_MAX): string {
  // A character is at most three bytes, so that short names need no counting.
  const fits = typeof text === "string" && text.length > 0 && (text.length * 3 <= most || new TextEncoder().encode(text).length <= most) && !CONTROL.test(text);
  if (!fits) throw new TypeError(`${kind} ${JSON.stringify(text) ?? String(text)}: use a string of 1 to ${most} bytes without control characters`);
  return text;
}

/** Checks the name of a database file: one plain name, never a path. */
export function checkDatabaseFile(file: string): string {
  if (typeof file !== "string" || !/^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(file) || file.length > FILE_MAX) {
    throw new TypeError(
      `database file ${JSON.stringify(file) ?? String(file)}: give a plain file name of letters, digits, '.', '_' and '-', at most ${FILE_MAX} long; it is opened in the plugin's own data folder`,
    );
  }
  if (/-(wal|shm|journal)$/.test(file) || file.endsWith(".lock")) {
    throw new TypeError(`database file ${JSON.stringify(file)}: -wal, -shm, -journal and .lock are the names of SQLite's own side files`);
  }
  return file;
}

/** Checks a route prefix: the host refuses it as well, but this names the author's line. */
export function checkPrefix(prefix: string): string {
  if (typeof prefix !== "string" || !/^(\/[A-Za-z0-9][A-Za-z0-9._~-]*)+$/.test(prefix)) {
    throw new TypeError(`route prefix ${JSON.stringify(prefix) ?? String(prefix)}: begin with '/', do not end with one, and use plain segments of letters, digits, '-', '.', '_' and '~'`);
  }
  return prefix;
}

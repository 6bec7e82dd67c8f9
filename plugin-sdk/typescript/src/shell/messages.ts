//! What the operator's page and a plugin's page in its frame say to each other: docs/decisions/plugins-in-frames.md has the table. Both
//! ends read with what is here, so that whatever has another shape is nothing. Must not know who may say it.

/** What the page says to its frame. */
export type ToFrame = { outboard: "welcome" } | { outboard: "path"; path: string };

/** What the frame says to its page. */
export type ToPage =
  | { outboard: "here"; path: string }
  | { outboard: "path"; path: string; replace: boolean }
  | { outboard: "navigate"; plugin: string | null; path: string }
  | { outboard: "toast"; kind: ToastKind; text: string }
  | { outboard: "leave" };

export type ToastKind = "success" | "error" | "info" | "warning";

const KINDS: readonly string[] = ["success", "error", "info", "warning"];
/** Longest path and text that are taken: an address bar and a toast hold no more. */
const PATH_MAX = 2_000;
const TEXT_MAX = 1_000;
/** The id of a plugin, as every manifest has it. */
const ID = /^[a-z0-9][a-z0-9-]{0,63}$/;

const isPath = (value: unknown): value is string => typeof value === "string" && value.startsWith("/") && value.length <= PATH_MAX;

/** What the page has said; nothing where it is something else. */
export function readInFrame(data: unknown): ToFrame | undefined {
  const { outboard, path } = members(data);
  if (outboard === "welcome") return { outboard };
  return outboard === "path" && isPath(path) ? { outboard, path } : undefined;
}

/** What the frame has said; nothing where it is something else. */
export function readInPage(data: unknown): ToPage | undefined {
  const { outboard, path, replace, plugin, kind, text } = members(data);
  if (outboard === "leave") return { outboard };
  if (outboard === "toast" && typeof text === "string" && KINDS.includes(kind as string)) return { outboard, kind: kind as ToastKind, text: text.slice(0, TEXT_MAX) };
  if (!isPath(path)) return undefined;
  if (outboard === "here") return { outboard, path };
  if (outboard === "path") return { outboard, path, replace: replace === true };
  // Two slashes begin another host's address.
  if (outboard === "navigate" && !path.startsWith("//") && (plugin === null || (typeof plugin === "string" && ID.test(plugin)))) return { outboard, plugin, path };
  return undefined;
}

function members(data: unknown): Record<string, unknown> {
  return typeof data === "object" && data !== null ? (data as Record<string, unknown>) : {};
}

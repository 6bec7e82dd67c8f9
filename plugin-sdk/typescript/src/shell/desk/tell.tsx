//! Messages that pass, of background programs and of UIs alike: with the plugin's name, and no more of one plugin than can be read.

import { toast } from "sonner";
import type { ToastKind } from "../messages.js";
import { pluginOf } from "./plugins.js";

/** As many of one plugin are shown in this time. */
const MOST = 20;
const WITHIN_MS = 10_000;
/** How long one may stay. */
const STAYS_MAX_MS = 60_000;

const shown = new Map<string, number[]>();

/** Shows a message of a plugin. */
export function tell(plugin: string, kind: ToastKind, text: string, more: { title?: string; description?: string; durationMs?: number } = {}): void {
  const now = Date.now();
  const lately = (shown.get(plugin) ?? []).filter((at) => now - at < WITHIN_MS);
  if (lately.length >= MOST) return;
  shown.set(plugin, [...lately, now]);
  const name = pluginOf(plugin)?.name ?? plugin;
  const below = [more.title ? text : "", more.description ?? ""].filter(Boolean);
  toast[kind](more.title || text, {
    description: (
      <>
        {below.map((line, at) => <span key={at} className="desk-toast-line">{line}</span>)}
        <span className="desk-toast-from">{name}</span>
      </>
    ),
    ...(more.durationMs && more.durationMs > 0 ? { duration: Math.min(more.durationMs, STAYS_MAX_MS) } : {}),
  });
}

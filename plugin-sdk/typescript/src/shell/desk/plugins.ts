//! What the operator's page knows of plugins: how the supervisor says they are, and what each would have its badge say. Read by everything
//! that is drawn. Must not know how it is heard, nor drawn.

import { useSyncExternalStore } from "react";
import type { Hearer, ShownPlugin } from "./line.js";

/** What a plugin would have its badge say. */
export interface Indicator {
  type: "notification" | "warning";
  tooltip?: string;
  /** Goes away when the plugin is opened. */
  dismissOnOpen?: boolean;
}

/** What a plugin's badge says. */
export interface Badge {
  kind: "notification" | "warning" | "error";
  text: string;
}

/** Everything at one moment; another object after each change. */
export interface Known {
  /** Undefined until the supervisor has told of them. */
  plugins: readonly ShownPlugin[] | undefined;
  indicators: Readonly<Record<string, Indicator>>;
  reached: boolean;
}

/** In these a plugin is broken, and its own badge has nothing to say. */
const BROKEN: Readonly<Record<string, string>> = { errored: "does not run", invalid: "cannot be used", "backing-off": "crashed, and is started again soon" };
/** In these nothing of it runs that could have a badge. */
const GONE = ["stopped", "errored", "invalid", "backing-off"];

let known: Known = { plugins: undefined, indicators: {}, reached: true };
const watchers = new Set<() => void>();

function become(change: Partial<Known>): void {
  known = { ...known, ...change };
  for (const watcher of [...watchers]) watcher();
}

/** How it is now. The component renders again when it is otherwise. */
export function useKnown(): Known {
  return useSyncExternalStore(
    (changed) => {
      watchers.add(changed);
      return () => void watchers.delete(changed);
    },
    () => known,
  );
}

/** A plugin that is known at this moment. */
export const pluginOf = (id: string): ShownPlugin | undefined => known.plugins?.find((plugin) => plugin.id === id);

/** Hears from the supervisor. */
export const hearer: Hearer = {
  all(plugins) {
    const indicators = Object.fromEntries(Object.entries(known.indicators).filter(([id]) => plugins.some((plugin) => plugin.id === id && !GONE.includes(plugin.state))));
    become({ plugins, indicators });
  },
  one(plugin) {
    const others = (known.plugins ?? []).filter(({ id }) => id !== plugin.id);
    if (GONE.includes(plugin.state)) showIndicator(plugin.id, null);
    become({ plugins: [...others, plugin].sort((one, other) => (one.id < other.id ? -1 : 1)) });
  },
  reached: (reached) => become({ reached }),
};

/** Gives a plugin its badge, or takes it. */
export function showIndicator(id: string, indicator: Indicator | null): void {
  const { [id]: _, ...others } = known.indicators;
  become({ indicators: indicator ? { ...others, [id]: indicator } : others });
}

/** The plugin was opened: a badge that said no more than "look" has been looked at. */
export function opened(id: string): void {
  if (known.indicators[id]?.dismissOnOpen) showIndicator(id, null);
}

/** What a plugin's badge says; what the supervisor says of it wins. */
export function badgeOf({ id, state }: ShownPlugin, { indicators }: Known): Badge | undefined {
  const broken = BROKEN[state];
  if (broken) return { kind: "error", text: broken };
  const indicator = indicators[id];
  return indicator && { kind: indicator.type, text: indicator.tooltip || (indicator.type === "warning" ? "warning" : "news") };
}

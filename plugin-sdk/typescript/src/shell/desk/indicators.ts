//! Badges of plugins in the operator's list. What is wrong with a plugin wins over what it says of itself.

/** What a plugin would have its badge say. */
export interface Indicator {
  type: "notification" | "warning";
  tooltip?: string;
  dismissOnOpen?: boolean;
}

const CLASS = "outboard-indicator";

/** Shows a plugin's badge in the list, or none. */
export function showIndicator(list: ParentNode, plugin: string, indicator: Indicator | null): void {
  const row = list.querySelector<HTMLElement>(`[data-plugin="${CSS.escape(plugin)}"]`);
  if (!row) return;
  row.querySelector(`.${CLASS}`)?.remove();
  const broken = row.querySelector(".state.errored, .state.crashed, .state.invalid, .state.failed");
  if (!indicator || broken) return;
  const badge = document.createElement("span");
  badge.className = `outboard-badge ${CLASS}`;
  badge.dataset["variant"] = indicator.type === "warning" ? "warning" : "default";
  badge.textContent = indicator.tooltip ?? (indicator.type === "warning" ? "warning" : "news");
  row.querySelector(".who")?.append(" ", badge);
  if (indicator.dismissOnOpen) row.querySelector("a")?.addEventListener("click", () => badge.remove(), { once: true });
}

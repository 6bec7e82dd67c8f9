//! What is amiss while the plugin is not running: a line above its UI, which stays as it is.

import type { ReactNode } from "react";
import { usePluginContext } from "../ui/react.js";
import { Notice } from "./notice.js";

/** Nothing where all is well. */
export function StateBar(): ReactNode {
  const { connected, state } = usePluginContext();
  if (!connected) return <Notice kind="wait" text="Outboard is not reached at this moment; connecting again…" />;
  return state === "running" || state === "ui-only" ? null : <Notice kind="wait" text={`The plugin is ${state}.`} />;
}

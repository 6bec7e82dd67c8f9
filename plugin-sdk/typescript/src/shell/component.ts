//! What a UI module shows. The page asks once it has loaded the module. Must not know where that came from.

import type { ComponentType } from "react";

/** A module's default export, else `App`, else its only component. */
export function componentOf(exports: Record<string, unknown>): ComponentType {
  const component = (value: unknown): value is ComponentType => typeof value === "function" || (typeof value === "object" && value !== null && "$$typeof" in value);
  const named = Object.entries(exports).filter(([name, value]) => /^[A-Z]/.test(name) && component(value));
  const found = [exports["default"], exports["App"], ...(named.length === 1 ? [named[0]?.[1]] : [])].find(component);
  if (!found) throw new Error(`ui/index.js must export a React component by default; it exports ${Object.keys(exports).join(", ") || "nothing"}`);
  return found;
}

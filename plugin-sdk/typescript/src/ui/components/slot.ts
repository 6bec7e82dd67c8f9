//! `asChild`: a component's looks on an element of the author's, such as a link. The button and the badge use it.

import { Children, cloneElement, isValidElement, type ReactElement, type ReactNode } from "react";
import { cn } from "./cn.js";

/** The only child, with these properties below its own. */
export function slotted(properties: Record<string, unknown>, children: ReactNode): ReactNode {
  const child = Children.only(children);
  if (!isValidElement(child)) throw new Error("asChild takes one element, such as <a>, and no text");
  const own = (child as ReactElement<Record<string, unknown>>).props;
  const merged: Record<string, unknown> = { ...properties, ...own, className: cn(properties["className"] as string, own["className"] as string) };
  for (const [name, ours] of Object.entries(properties)) {
    const theirs = own[name];
    if (!/^on[A-Z]/.test(name) || typeof ours !== "function" || typeof theirs !== "function") continue;
    merged[name] = (...given: unknown[]) => {
      (theirs as (...given: unknown[]) => void)(...given);
      (ours as (...given: unknown[]) => void)(...given);
    };
  }
  return cloneElement(child, merged);
}

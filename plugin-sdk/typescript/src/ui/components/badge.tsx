//! The badge: a word or a number beside something. Its looks are in the page's theme.css.

import type { ComponentProps, ReactNode } from "react";
import { cn } from "./cn.js";
import { slotted } from "./slot.js";

/** What a badge says of its word. */
export type BadgeVariant = "default" | "secondary" | "destructive" | "outline" | "success" | "warning";

/** Properties of {@link Badge}. */
export interface BadgeProps extends ComponentProps<"span"> {
  variant?: BadgeVariant | undefined;
  /** Put the looks on the only child instead. */
  asChild?: boolean | undefined;
}

/** A word or a number beside something. */
export function Badge({ className, variant = "default", asChild = false, children, ...rest }: BadgeProps): ReactNode {
  const properties = { "data-slot": "badge", "data-variant": variant, className: cn("outboard-badge", className), ...rest };
  return asChild ? slotted(properties, children) : <span {...properties}>{children}</span>;
}

//! The button. Its looks are in the page's theme.css.

import type { ComponentProps, ReactNode } from "react";
import { cn } from "./cn.js";
import { slotted } from "./slot.js";

/** How much a button stands out, and what it is for. */
export type ButtonVariant = "default" | "secondary" | "destructive" | "outline" | "ghost" | "link";
/** `icon` is for a button with nothing but a picture: give it an `aria-label`. */
export type ButtonSize = "default" | "sm" | "lg" | "icon";

/** Properties of {@link Button}. */
export interface ButtonProps extends ComponentProps<"button"> {
  variant?: ButtonVariant | undefined;
  size?: ButtonSize | undefined;
  /** Put the looks on the only child instead, such as a link. */
  asChild?: boolean | undefined;
}

/** Something to press. Does not send a form unless its `type` says so. */
export function Button({ className, variant = "default", size = "default", asChild = false, children, ...rest }: ButtonProps): ReactNode {
  const properties = { "data-slot": "button", "data-variant": variant, "data-size": size, className: cn("outboard-button", className), ...rest };
  return asChild ? slotted(properties, children) : <button type="button" {...properties}>{children}</button>;
}

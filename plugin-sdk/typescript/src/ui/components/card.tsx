//! The card and its parts. Their looks are in the page's theme.css; a plugin's own classes win over them.

import type { ComponentProps, ReactNode } from "react";
import { cn } from "./cn.js";

type Part = ComponentProps<"div">;

/** A framed part of a page. */
export function Card({ className, ...rest }: Part): ReactNode {
  return <div data-slot="card" className={cn("outboard-card", className)} {...rest} />;
}

/** Title, description and action of a card. */
export function CardHeader({ className, ...rest }: Part): ReactNode {
  return <div data-slot="card-header" className={cn("outboard-card-header", className)} {...rest} />;
}

/** What a card is about. */
export function CardTitle({ className, ...rest }: Part): ReactNode {
  return <div data-slot="card-title" className={cn("outboard-card-title", className)} {...rest} />;
}

/** A line below the title. */
export function CardDescription({ className, ...rest }: Part): ReactNode {
  return <div data-slot="card-description" className={cn("outboard-card-description", className)} {...rest} />;
}

/** What can be done with a card, at the end of its header. */
export function CardAction({ className, ...rest }: Part): ReactNode {
  return <div data-slot="card-action" className={cn("outboard-card-action", className)} {...rest} />;
}

/** The body of a card. */
export function CardContent({ className, ...rest }: Part): ReactNode {
  return <div data-slot="card-content" className={cn("outboard-card-content", className)} {...rest} />;
}

/** The end of a card. */
export function CardFooter({ className, ...rest }: Part): ReactNode {
  return <div data-slot="card-footer" className={cn("outboard-card-footer", className)} {...rest} />;
}

//! `cn`: class names put together as plugins of this ecosystem do it. The components beside it use it too.

import { clsx } from "clsx";
import { twMerge } from "tailwind-merge";

/** What stands for class names: texts, lists of them, and objects whose true members count. */
export type ClassValue = string | number | bigint | boolean | null | undefined | ClassValue[] | { [name: string]: unknown };

/** One text of all that is given. Of two Tailwind classes that set the same thing, the last one stays. */
export function cn(...classes: ClassValue[]): string {
  return twMerge(clsx(classes));
}

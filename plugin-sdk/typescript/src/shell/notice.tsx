//! A line of the page's own above a UI, or in its place. Everything of the shell that has something to say uses it.

import type { ReactNode } from "react";

/** Says one thing. An error is read out at once by a screen reader; what is waited for, when there is a pause. */
export function Notice({ kind, text, children }: { kind: "error" | "wait"; text: string; children?: ReactNode }): ReactNode {
  return (
    <div className={`outboard-notice outboard-${kind}`} role={kind === "error" ? "alert" : "status"}>
      <p>{text}</p>
      {children}
    </div>
  );
}

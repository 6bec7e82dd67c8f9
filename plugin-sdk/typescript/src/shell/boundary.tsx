//! Catches what a plugin's UI throws while it renders: the page stays, says what is wrong, and offers another try. The page puts one
//! around each UI. Must not know which plugin it is.

import { Component, type ErrorInfo, type ReactNode } from "react";
import { Button } from "../ui/components/button.js";
import { Notice } from "./notice.js";

interface State {
  failure: Failure | null;
}

interface Failure {
  error: unknown;
  /** The components in which it was thrown, the innermost first. */
  place: string;
}

/** As much of the components' names as is shown. */
const PLACE_MAX = 4_000;

/** What was thrown, in words. A UI may throw anything. */
export function wordsOf(error: unknown): string {
  if (error instanceof Error) return error.message || error.name;
  return typeof error === "string" && error !== "" ? error : `it threw ${JSON.stringify(error) ?? String(error)}, which is not an Error`;
}

/** Shows its children, or why it cannot. */
export class Boundary extends Component<{ children: ReactNode }, State> {
  override state: State = { failure: null };

  static getDerivedStateFromError(error: unknown): State {
    return { failure: { error, place: "" } };
  }

  override componentDidCatch(error: unknown, { componentStack }: ErrorInfo): void {
    this.setState({ failure: { error, place: (componentStack ?? "").trim().slice(0, PLACE_MAX) } });
  }

  override render(): ReactNode {
    const { failure } = this.state;
    if (!failure) return this.props.children;
    const stack = failure.error instanceof Error ? (failure.error.stack ?? "").slice(0, PLACE_MAX) : "";
    return (
      <Notice kind="error" text={`This plugin's UI failed: ${wordsOf(failure.error)}`}>
        <Button variant="outline" size="sm" onClick={() => this.setState({ failure: null })}>
          Try again
        </Button>
        <details>
          <summary>Where</summary>
          <pre>{[stack, failure.place].filter(Boolean).join("\n\n")}</pre>
        </details>
      </Notice>
    );
  }
}

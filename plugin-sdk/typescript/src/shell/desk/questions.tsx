//! Questions of plugins to whoever looks at the page: one at a time, modal, answered or let pass. Nobody is ever answered with an error:
//! what is cancelled, out of time or not wanted any more gives the empty answer.

import { useEffect, useRef, useState, type ReactNode } from "react";
import { Button } from "../../ui/components/button.js";

/** How long a question stays, unless it says so itself, and at most. */
const STAYS_MS = 5 * 60_000;
const LONGEST_MS = 60 * 60_000;

/** What is asked. */
export interface Question {
  caller: string;
  kind: "alert" | "confirm" | "text" | "number" | "select";
  title: string;
  message?: string;
  label?: string;
  placeholder?: string;
  required?: boolean;
  min?: number;
  max?: number;
  confirmLabel?: string;
  cancelLabel?: string;
  options?: { value: string; label?: string }[];
  timeoutMs?: number;
}

interface Waiting extends Question {
  number: number;
  settle(answer: unknown): void;
}

let queue: readonly Waiting[] = [];
let asked = 0;
let changed: () => void = () => {};

/** Asks; gives the answer, or `empty`. */
export function ask(question: Question, empty: unknown, signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve) => {
    const settle = (answer: unknown): void => {
      clearTimeout(timer);
      queue = queue.filter((waiting) => waiting !== waits);
      changed();
      resolve(answer === undefined ? empty : answer);
    };
    const timer = setTimeout(() => settle(undefined), Math.min(question.timeoutMs ?? STAYS_MS, LONGEST_MS));
    const waits = { ...question, number: asked++, settle };
    signal.addEventListener("abort", () => settle(undefined));
    queue = [...queue, waits];
    changed();
  });
}

/** The question that is asked now. */
export function Questions(): ReactNode {
  const [, again] = useState({});
  useEffect(() => {
    changed = () => again({});
    again({});
  }, []);
  const [first] = queue;
  return first ? <Asked key={first.number} question={first} /> : null;
}

function Asked({ question }: { question: Waiting }): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    return () => shown?.close();
  }, []);
  const { kind, title, message, caller, confirmLabel, cancelLabel, settle } = question;
  const submit = (form: HTMLFormElement): void => {
    const given = new FormData(form).get("answer");
    if (kind === "alert" || kind === "confirm") settle(kind === "confirm" ? true : null);
    else if (typeof given === "string") settle(kind === "number" ? Number(given) : given);
  };
  return (
    <dialog ref={dialog} className="outboard-dialog" aria-labelledby="outboard-question" onCancel={(event) => (event.preventDefault(), settle(undefined))}>
      <form onSubmit={(event) => (event.preventDefault(), submit(event.currentTarget))}>
        <h2 id="outboard-question">{title}</h2>
        {message && <p>{message}</p>}
        <Answer question={question} />
        <p className="outboard-dialog-end">
          <small>asked by {caller}</small>
          {kind !== "alert" && (
            <Button variant="outline" onClick={() => settle(undefined)}>
              {cancelLabel || "Cancel"}
            </Button>
          )}
          <Button type="submit">{confirmLabel || "OK"}</Button>
        </p>
      </form>
    </dialog>
  );
}

function Answer({ question: { kind, title, label, placeholder, required, min, max, options = [] } }: { question: Question }): ReactNode {
  const common = { name: "answer", required: required ?? kind === "number", "aria-label": label ?? title };
  switch (kind) {
    case "text":
      return <label>{label}<input {...common} type="text" placeholder={placeholder} /></label>;
    case "number":
      return <label>{label}<input {...common} type="number" step="any" placeholder={placeholder} min={min} max={max} /></label>;
    case "select":
      return <label>{label}<select {...common}>{options.map(({ value, label }) => <option key={value} value={value}>{label ?? value}</option>)}</select></label>;
    default:
      return null;
  }
}

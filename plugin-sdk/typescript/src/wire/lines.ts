//! Framing: one message a line. Fed by whoever reads the bytes; holds at most one frame and one read's worth of bytes. A line
//! over the limit is reported once and skipped to its end, so one bad line costs one line. Must not know what a line means.

import { isUtf8 } from "node:buffer";

/** Largest frame of the protocol, in bytes, the line end not counted. */
export const FRAME_MAX = 8 * 1024 * 1024;

const NEWLINE = 10;
const RETURN = 13;
const SPACE = 32;
const TAB = 9;
/** What stands in place of bytes that are no UTF-8. */
const REPLACEMENT = "\ufffd";
/** The memory that is kept for half a line; what a longer one needed is given back when it has ended. */
const KEPT = 64 * 1024;

/** What is found in the stream. */
export interface LineHooks {
  /** A line without the blanks around it, never empty. `utf8` is false where bytes of it had to be replaced. */
  line(text: string, utf8: boolean): void;
  /** A line longer than the limit began; the rest of it is skipped. */
  oversized?(): void;
}

/** Splits a byte stream into lines of bounded length. */
export class LineDecoder {
  /** Half a line: copied out of the reads, so that many small reads hold no more memory than their bytes. */
  #held = Buffer.alloc(0);
  #size = 0;
  #skipping = false;

  constructor(
    private readonly hooks: LineHooks,
    private readonly limit: number = FRAME_MAX,
  ) {}

  /** Takes the next bytes. They are kept no longer than this call, unless they end in half a line. */
  push(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      this.#finish(chunk, start, end);
      start = end + 1;
    }
    if (start < chunk.length) this.#hold(chunk, start, chunk.length);
  }

  #finish(chunk: Buffer, start: number, end: number): void {
    if (this.#size > 0) this.#hold(chunk, start, end);
    if (this.#skipping) {
      this.#skipping = false;
      return;
    }
    if (this.#size === 0) {
      this.#line(chunk, start, end);
      return;
    }
    const [held, size] = [this.#held, this.#size];
    this.#size = 0;
    if (held.length > KEPT) this.#held = Buffer.alloc(0);
    this.#line(held, 0, size);
  }

  #line(bytes: Buffer, start: number, end: number): void {
    const length = end - start - (bytes[end - 1] === RETURN ? 1 : 0);
    if (length > this.limit) {
      this.hooks.oversized?.();
      return;
    }
    while (start < end && isBlank(bytes[start])) start++;
    while (start < end && isBlank(bytes[end - 1])) end--;
    if (start === end) return;
    const text = bytes.toString("utf8", start, end);
    this.hooks.line(text, !text.includes(REPLACEMENT) || isUtf8(bytes.subarray(start, end)));
  }

  #hold(chunk: Buffer, start: number, end: number): void {
    if (this.#skipping) return;
    const size = this.#size + end - start;
    // One byte more may be the carriage return of a line of just the limit: the next byte will tell. So a line gets the
    // same verdict however the stream was cut.
    if (size > this.limit + 1) {
      this.#skipping = true;
      this.#size = 0;
      this.#held = Buffer.alloc(0);
      this.hooks.oversized?.();
      return;
    }
    if (size > this.#held.length) {
      const wider = Buffer.allocUnsafeSlow(Math.min(Math.max(size, 2 * this.#held.length), this.limit + 1));
      this.#held.copy(wider, 0, 0, this.#size);
      this.#held = wider;
    }
    chunk.copy(this.#held, this.#size, start, end);
    this.#size = size;
  }
}

function isBlank(byte: number | undefined): boolean {
  return byte === SPACE || byte === TAB || byte === RETURN;
}

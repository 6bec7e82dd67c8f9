//! Framing: one message a line. Fed by whoever reads the bytes; holds at most one frame and one read's worth of bytes. A line
//! over the limit is reported once and skipped to its end, so one bad line costs one line. Must not know what a line means.

import { isUtf8 } from "node:buffer";

/** Largest frame of the protocol, in bytes, the line end not counted. */
export const FRAME_MAX = 8 * 1024 * 1024;

const NEWLINE = 10;
const RETURN = 13;
const SPACE = 32;
const TAB = 9;
/** What stands in place of bytes that are not UTF-8. */
const REPLACEMENT = "\ufffd";
/** The memory that is kept for half a line; what a longer one needed is given back when it has ended. */
const KEPT = 64 * 1024;
/** How much of each end of a line over the limit is kept. */
const SHOWN = 256;
/** What some writers of UTF-8 put in front of a stream. It says nothing, and belongs to no line. */
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/** What is found in the stream. */
export interface LineHooks {
  /** A line without the blanks around it, never empty. `utf8` is false where bytes of it had to be replaced. */
  line(text: string, utf8: boolean): void;
  /** A line longer than the limit began, like this; the rest of it is skipped. */
  oversized?(beginning: string): void;
  /** That line has ended, like this. Its beginning may not tell what it was about. */
  skipped?(ending: string): void;
}

/** Splits a byte stream into lines of bounded length. */
export class LineDecoder {
  /** Half a line: copied out of the reads, so that many small reads hold no more memory than their bytes. */
  #held = Buffer.alloc(0);
  #size = 0;
  #skipping = false;
  /** The last bytes of the line that is skipped. */
  #ending = Buffer.alloc(0);
  /** The first bytes of the stream, as long as they may become a byte order mark. */
  #first: Buffer | undefined = Buffer.alloc(0);

  constructor(
    private readonly hooks: LineHooks,
    private readonly limit: number = FRAME_MAX,
  ) {}

  /** Takes the next bytes. They are kept no longer than this call, unless they end in half a line. */
  push(chunk: Buffer): void {
    if (this.#first) {
      chunk = Buffer.concat([this.#first, chunk]);
      const known = Math.min(chunk.length, BYTE_ORDER_MARK.length);
      const marked = chunk.compare(BYTE_ORDER_MARK, 0, known, 0, known) === 0;
      if (marked && known < BYTE_ORDER_MARK.length) {
        this.#first = chunk;
        return;
      }
      this.#first = undefined;
      if (marked) chunk = chunk.subarray(known);
    }
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
      this.#keepEnding(chunk, start, end);
      this.#skipped();
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
      this.hooks.oversized?.(bytes.toString("utf8", start, Math.min(end, start + SHOWN)));
      this.#keepEnding(bytes, start, end);
      this.#skipped();
      return;
    }
    while (start < end && isBlank(bytes[start])) start++;
    while (start < end && isBlank(bytes[end - 1])) end--;
    if (start === end) return;
    const text = bytes.toString("utf8", start, end);
    this.hooks.line(text, !text.includes(REPLACEMENT) || isUtf8(bytes.subarray(start, end)));
  }

  #hold(chunk: Buffer, start: number, end: number): void {
    if (this.#skipping) return this.#keepEnding(chunk, start, end);
    const size = this.#size + end - start;
    // One byte more may be the carriage return of a line of just the limit: the next byte will tell. So a line gets the
    // same verdict however the stream was cut.
    if (size > this.limit + 1) {
      const beginning = Buffer.concat([this.#held.subarray(0, Math.min(this.#size, SHOWN)), chunk.subarray(start, Math.min(end, start + SHOWN))]);
      this.#keepEnding(this.#held, 0, this.#size);
      this.#keepEnding(chunk, start, end);
      this.#skipping = true;
      this.#size = 0;
      this.#held = Buffer.alloc(0);
      this.hooks.oversized?.(beginning.toString("utf8", 0, SHOWN));
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

  #keepEnding(bytes: Buffer, start: number, end: number): void {
    this.#ending = Buffer.concat([this.#ending, bytes.subarray(Math.max(start, end - SHOWN), end)]).subarray(-SHOWN);
  }

  #skipped(): void {
    const ending = this.#ending.toString("utf8");
    this.#ending = Buffer.alloc(0);
    this.hooks.skipped?.(ending);
  }
}

function isBlank(byte: number | undefined): boolean {
  return byte === SPACE || byte === TAB || byte === RETURN;
}

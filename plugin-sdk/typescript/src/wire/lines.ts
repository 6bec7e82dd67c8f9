//! Framing: one message a line. Fed by whoever reads the bytes; must not know what a line means.

/** Largest frame of the protocol, in bytes; the host's default as well. */
export const FRAME_MAX = 8 * 1024 * 1024;

const NEWLINE = 10;
const RETURN = 13;

/** Splits a byte stream into lines of bounded length; a line over the limit is reported once and skipped to its end. */
export class LineDecoder {
  #pieces: Buffer[] = [];
  #held = 0;
  #skipping = false;

  constructor(
    private readonly onLine: (line: string) => void,
    private readonly onOversized: (limit: number) => void = () => {},
    private readonly limit: number = FRAME_MAX,
  ) {}

  /** Takes the next bytes. They are kept no longer than this call, unless they end in half a line. */
  push(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      this.#finish(chunk.subarray(start, end));
      start = end + 1;
    }
    if (start < chunk.length) this.#hold(chunk.subarray(start));
  }

  #finish(tail: Buffer): void {
    if (this.#skipping) {
      this.#skipping = false;
      return;
    }
    const line = this.#held === 0 ? tail : Buffer.concat([...this.#pieces, tail]);
    this.#pieces = [];
    this.#held = 0;
    if (line.length > this.limit) {
      this.onOversized(this.limit);
      return;
    }
    const end = line.at(-1) === RETURN ? line.length - 1 : line.length;
    if (end > 0) this.onLine(line.toString("utf8", 0, end));
  }

  #hold(piece: Buffer): void {
    if (this.#skipping) return;
    this.#held += piece.length;
    if (this.#held > this.limit) {
      this.#pieces = [];
      this.#held = 0;
      this.#skipping = true;
      this.onOversized(this.limit);
      return;
    }
    this.#pieces.push(Buffer.from(piece));
  }
}

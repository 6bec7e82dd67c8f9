"""Framing: one message a line. Fed by whoever reads the bytes; holds at most one frame and one read's worth of bytes.

Must not know what a frame means. A frame over the limit is reported once and skipped to its line end, so one bad line
costs one line.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from . import FRAME_MAX

# How much of an oversized line is kept to show where it came from.
OVERSIZED_SHOWN = 256
_BLANK = b" \t\r"


@dataclass(frozen=True)
class Oversized:
    """A line longer than the limit began; its beginning, for the log. The rest of it is skipped."""

    beginning: bytes


class Decoder:
    """Splits a byte stream into lines of bounded length."""

    def __init__(self, limit: int = FRAME_MAX) -> None:
        self._limit = limit
        self._pieces: list[bytes] = []
        # Of the pieces: all bytes, and those up to the last one that is no blank.
        self._size = 0
        self._lasting = 0
        self._skipping = False

    def feed(self, data: bytes) -> Iterator[bytes | Oversized]:
        """Takes bytes and gives the frames that they complete. Read it to its end before feeding again."""
        *lines, rest = data.split(b"\n")
        for line in lines:
            frame = self._finish(line)
            if frame is not None:
                yield frame
        if rest:
            yield from self._keep(rest)

    def _finish(self, line: bytes) -> bytes | Oversized | None:
        if self._skipping:
            self._skipping = False
            return None
        if self._pieces:
            self._pieces.append(line)
            line = b"".join(self._pieces)
            self._clear()
        line = line.strip(_BLANK)
        if len(line) > self._limit:
            return Oversized(line[:OVERSIZED_SHOWN])
        return line or None

    def _keep(self, rest: bytes) -> Iterator[Oversized]:
        if self._skipping:
            return
        if not self._pieces:
            rest = rest.lstrip(_BLANK)
        lasting = len(rest.rstrip(_BLANK))
        if lasting or self._size < self._limit:
            # Blanks past the limit are not kept: either the line ends after them, or it is too long.
            self._pieces.append(rest)
        if lasting:
            self._lasting = self._size + lasting
        self._size += len(rest)
        if self._lasting > self._limit:
            beginning = b"".join(self._pieces)[:OVERSIZED_SHOWN]
            self._clear()
            self._skipping = True
            yield Oversized(beginning)

    def _clear(self) -> None:
        self._pieces.clear()
        self._size = self._lasting = 0

"""Framing: one message a line. Fed by whoever reads the bytes; holds at most one frame and one read's worth of bytes.

Must not know what a frame means. A frame over the limit is reported once and skipped to its line end, so one bad line
costs one line.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from . import FRAME_MAX

# How much of an oversized line is kept to show where it came from, at each of its ends.
OVERSIZED_SHOWN = 256
# What some writers of UTF-8 put in front of a stream. It says nothing, and belongs to no line.
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_BLANK = b" \t\r"


@dataclass(frozen=True)
class Oversized:
    """A line longer than the limit began; its beginning, for the log. The rest of it is skipped."""

    beginning: bytes


@dataclass(frozen=True)
class Skipped:
    """That line has ended; how it ended. Its beginning may not tell what it was about."""

    ending: bytes


# What is found in the stream.
Found: TypeAlias = bytes | Oversized | Skipped


class Decoder:
    """Splits a byte stream into lines of bounded length."""

    def __init__(self, limit: int = FRAME_MAX) -> None:
        self._limit = limit
        self._pieces: list[bytes] = []
        # Of the pieces: all bytes, and those up to the last one that is not a blank.
        self._size = 0
        self._lasting = 0
        self._skipping = False
        # The last bytes of the line that is skipped.
        self._ending = b""
        # The first bytes of the stream, as long as they may become a byte order mark.
        self._first: bytes | None = b""

    def feed(self, data: bytes) -> Iterator[Found]:
        """Takes bytes and gives the frames that they complete. Read it to its end before feeding again."""
        if self._first is not None:
            data = self._first + data
            if len(data) < len(BYTE_ORDER_MARK) and BYTE_ORDER_MARK.startswith(data):
                self._first = data
                return
            self._first = None
            data = data.removeprefix(BYTE_ORDER_MARK)
        *lines, rest = data.split(b"\n")
        for line in lines:
            yield from self._finish(line)
        if rest:
            yield from self._keep(rest)

    def _finish(self, line: bytes) -> Iterator[Found]:
        if self._skipping:
            self._skipping = False
            yield Skipped((self._ending + line)[-OVERSIZED_SHOWN:])
            return
        if self._pieces:
            self._pieces.append(line)
            line = b"".join(self._pieces)
            self._clear()
        line = line.strip(_BLANK)
        if len(line) > self._limit:
            yield Oversized(line[:OVERSIZED_SHOWN])
            yield Skipped(line[-OVERSIZED_SHOWN:])
        elif line:
            yield line

    def _keep(self, rest: bytes) -> Iterator[Oversized]:
        if self._skipping:
            self._ending = (self._ending + rest)[-OVERSIZED_SHOWN:]
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
            line = b"".join(self._pieces)
            self._clear()
            self._skipping = True
            self._ending = line[-OVERSIZED_SHOWN:]
            yield Oversized(line[:OVERSIZED_SHOWN])

    def _clear(self) -> None:
        self._pieces.clear()
        self._size = self._lasting = 0

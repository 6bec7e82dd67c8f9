"""What can still be told of a frame that cannot be read, or that was too long to be kept: the call that it means to answer.

For whoever waits for that answer, since no other one will come. Follows the text without reading it.
"""

from __future__ import annotations

import enum
import re

# A string, with its escapes; or one that does not end.
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*("?)', re.DOTALL)
_NUMBER = re.compile(rb"\s*(\d+)[\s,}]")
_COLON = re.compile(rb"\s*:")
# Before the last brace, the version behind it at most: nothing but a member of the outermost object can stand there.
_AT_END = re.compile(rb',\s*"id"\s*:\s*(\d+)\s*(?:,\s*"jsonrpc"\s*:\s*"2\.0"\s*)?\}\s*\Z')
_MARKS = re.compile(rb'["{}\[\]]')


# As much of each end of a frame as is looked at: broken frames may be large, and ids stand at an end.
_LOOKED_AT = 256


class Unnamed(enum.Enum):
    """It is an answer, and its id may stand behind what is known."""

    YES = True


def answered(frame: bytes) -> int | None:
    """The call that a broken frame answers; ``None`` where it is not an answer, or does not tell."""
    call = answered_at_beginning(frame[:_LOOKED_AT])
    return answered_at_end(frame[-_LOOKED_AT:]) if isinstance(call, Unnamed) else call


def answered_at_beginning(frame: bytes) -> int | Unnamed | None:
    """The same by the beginning of a frame."""
    members = _members(frame)
    names = [name for name, _ in members]
    if b"method" in names or b"params" in names or names.count(b"id") > 1:
        return None
    if b"id" not in names:
        return Unnamed.YES if b"result" in names or b"error" in names else None
    value = _NUMBER.match(frame, next(at for name, at in members if name == b"id"))
    return int(value[1]) if value else None


def answered_at_end(ending: bytes) -> int | None:
    """The same by the end of an answer whose beginning had no id."""
    found = _AT_END.search(ending)
    return int(found[1]) if found else None


def _members(frame: bytes) -> list[tuple[bytes, int]]:
    """The outermost members: each name as it stands there, and where its value begins."""
    members: list[tuple[bytes, int]] = []
    depth = at = 0
    while mark := _MARKS.search(frame, at):
        at = mark.end()
        if mark[0] == b'"':
            string = _STRING.match(frame, mark.start())
            assert string is not None
            at = string.end()
            colon = _COLON.match(frame, at) if depth == 1 and string[1] else None
            if colon:
                members.append((string[0][1:-1], colon.end()))
        else:
            depth += 1 if mark[0] in b"{[" else -1
            if depth <= 0:
                break
    return members

"""What holds for every value that goes to the host, in ``ctx.config`` and in ``ctx.ipc`` alike: how deep it is nested, what a text is,
and how the place of a fault is told. The other SDKs have the same rules, held by the vectors. Must not know the wire.
"""

from __future__ import annotations

import re
from typing import Any

# How deep a value may be nested, counted in the JSON that it becomes: a frame has 100 levels, and three of them are around it.
LEVELS_MAX = 97
# As os.fsdecode and a text cut in two make them.
HALF_A_PAIR = re.compile("[\ud800-\udfff]")
# Longest path that is told whole, in characters.
PATH_MAX = 200


def told(path: str) -> str:
    """A path as it is told."""
    return f"{path[:PATH_MAX]}…" if len(path) > PATH_MAX else path


def kind_of(value: Any) -> str:
    """The name of a value's class, with its article."""
    name = type(value).__name__
    return f"{'an' if name[:1].lower() in tuple('aeio') else 'a'} {name}"


def name_of(number: float) -> str:
    """A number that JSON lacks, as all languages of the SDKs call it."""
    return "NaN" if number != number else "Infinity" if number > 0 else "-Infinity"


def place_fault(
    value: Any, path: str, above: tuple[int, ...], depth: int, limit: int = LEVELS_MAX
) -> str | None:
    """What is wrong with a container that reaches down to the level ``depth``; ``None`` where it can be looked into."""
    if id(value) in above:
        return f"{told(path)} refers back to what contains it"
    return f"{told(path)} is nested deeper than {limit} levels" if depth > limit else None

"""Tagged values: what UIs can clone and JSON does not have (dates, maps with any keys, sets, large integers, bytes, and
the numbers that JSON lacks), as JSON and back. Used at both ends of ``ctx.ipc``; the other SDKs use the same tags.
"""

from __future__ import annotations

import base64
import datetime
import math
from typing import Any

from .carried import HALF_A_PAIR, kind_of, name_of, place_fault, told
from .error import CallError, ErrorReason

# The member that marks a tagged value.
TAG = "$outboard"
# Integers beyond this are not exact in JavaScript, so they travel as its BigInt.
EXACT_MAX = 2**53 - 1


def encode(value: Any, path: str = "payload") -> Any:
    """The value as JSON; raises :class:`CallError` with the path of whatever cannot be carried."""
    return _encode(value, path, (), 0)


def decode(json: Any) -> Any:
    """The value that :func:`encode` was given, or its like from another language."""
    if isinstance(json, list):
        return [decode(item) for item in json]
    if not isinstance(json, dict):
        return json
    if isinstance(json.get(TAG), str):
        return _untag(json[TAG], json.get("value"), json)
    return {key: decode(value) for key, value in json.items()}


def _encode(value: Any, path: str, above: tuple[int, ...], depth: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        if HALF_A_PAIR.search(value):
            raise _unsendable(path, "holds half of a surrogate pair")
        return value
    if isinstance(value, int):
        return value if abs(value) <= EXACT_MAX else _leaf("bigint", str(value), path, depth)
    if isinstance(value, float):
        name = _name_of_float(value)
        return value if name is None else _leaf("number", name, path, depth)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _leaf("bytes", base64.b64encode(value).decode(), path, depth)
    if isinstance(value, datetime.date):
        return _leaf("date", _iso(value), path, depth)
    if not isinstance(value, (list, tuple, set, frozenset, dict)):
        raise _unsendable(path, f"is {kind_of(value)}", "; send its data as a dict")
    depth += _levels_of(value)
    fault = place_fault(value, path, above, depth)
    if fault is not None:
        raise _refuse(fault)
    above = (*above, id(value))
    if isinstance(value, (list, tuple)):
        return [_encode(item, f"{path}[{at}]", above, depth) for at, item in enumerate(value)]
    if isinstance(value, (set, frozenset)):
        return _tagged(
            "set", [_encode(item, f"{path}.item[{at}]", above, depth) for at, item in enumerate(value)]
        )
    return _encode_dict(value, path, above, depth)


def _levels_of(value: Any) -> int:
    """How many levels of JSON a container becomes: a map is a list of pairs in a tag."""
    if isinstance(value, dict):
        return 3 if _is_map(value) else 2 if TAG in value else 1
    return 2 if isinstance(value, (set, frozenset)) else 1


def _is_map(value: dict[Any, Any]) -> bool:
    return not all(isinstance(key, str) for key in value)


def _encode_dict(value: dict[Any, Any], path: str, above: tuple[int, ...], depth: int) -> Any:
    if _is_map(value):
        pairs = [
            [
                _encode(key, f"{path}.key[{at}]", above, depth),
                _encode(inner, f"{path}.value[{at}]", above, depth),
            ]
            for at, (key, inner) in enumerate(value.items())
        ]
        return _tagged("map", pairs)
    if any(HALF_A_PAIR.search(key) for key in value):
        raise _unsendable(path, "has a key with half of a surrogate pair")
    json = {key: _encode(inner, f"{path}.{key}", above, depth) for key, inner in value.items()}
    return _tagged("object", json) if TAG in json else json


def _leaf(tag: str, value: Any, path: str, depth: int) -> dict[str, Any]:
    """A tagged value with nothing in it, which is one level of JSON."""
    fault = place_fault(value, path, (), depth + 1)
    if fault is not None:
        raise _refuse(fault)
    return _tagged(tag, value)


def _name_of_float(value: float) -> str | None:
    """The name of a number that JSON lacks; JavaScript's writer makes 0 of -0."""
    if not math.isfinite(value):
        return name_of(value)
    return "-0" if value == 0 and math.copysign(1, value) < 0 else None


def _iso(value: datetime.date) -> str:
    """UTC to the millisecond, as JavaScript writes it. A time without a zone is local, as everywhere in Python."""
    if not isinstance(value, datetime.datetime):
        return f"{value.isoformat()}T00:00:00.000Z"
    in_utc = value.astimezone(datetime.timezone.utc).replace(tzinfo=None)
    return f"{in_utc.isoformat(timespec='milliseconds')}Z"


def _untag(tag: str, value: Any, whole: dict[str, Any]) -> Any:
    try:
        if tag == "date":
            return None if value is None else datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
        if tag == "bigint":
            return int(value)
        if tag == "number":
            return float(value)
        if tag == "bytes":
            return base64.b64decode(value)
        if tag == "object":
            return {key: decode(inner) for key, inner in value.items()}
        if tag == "set":
            return _as_set([decode(item) for item in value])
        if tag == "map":
            return _as_dict([(decode(key), decode(inner)) for key, inner in value])
    except (AttributeError, TypeError, ValueError) as error:
        raise _refuse(f"a value tagged {tag!r} is malformed: {error}") from error
    return whole  # A newer sender's tag: shown as it came.


def _as_set(items: list[Any]) -> Any:
    try:
        return set(items)
    except TypeError:
        return items  # Python's sets hold no lists and dicts; JavaScript's do.


def _as_dict(pairs: list[tuple[Any, Any]]) -> Any:
    try:
        return dict(pairs)
    except TypeError:
        return pairs


def _tagged(tag: str, value: Any) -> dict[str, Any]:
    return {TAG: tag, "value": value}


def _unsendable(path: str, what: str, advice: str = "") -> CallError:
    return _refuse(f"{told(path)} {what}, which cannot be sent{advice}")


def _refuse(message: str) -> CallError:
    return CallError(ErrorReason.INVALID_PARAMS, message)

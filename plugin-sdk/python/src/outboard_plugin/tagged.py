"""Tagged values: what UIs can clone and JSON does not have (dates, maps with any keys, sets, large integers, bytes, and
the numbers that JSON lacks), as JSON and back. Used at both ends of ``ctx.ipc``; the other SDKs use the same tags.
"""

from __future__ import annotations

import base64
import datetime
import math
from typing import Any

from .error import CallError, ErrorReason
from .wire import DEPTH_MAX

# The member that marks a tagged value.
TAG = "$outboard"
# Integers beyond this are not exact in JavaScript, so they travel as its BigInt.
EXACT_MAX = 2**53 - 1


def encode(value: Any, path: str = "payload") -> Any:
    """The value as JSON; raises :class:`CallError` with the path of whatever cannot be carried."""
    return _encode(value, path, 0)


def decode(json: Any) -> Any:
    """The value that :func:`encode` was given, or its like from another language."""
    if isinstance(json, list):
        return [decode(item) for item in json]
    if not isinstance(json, dict):
        return json
    if isinstance(json.get(TAG), str):
        return _untag(json[TAG], json.get("value"), json)
    return {key: decode(value) for key, value in json.items()}


def _encode(value: Any, path: str, depth: int) -> Any:
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, int):
        return value if abs(value) <= EXACT_MAX else _tagged("bigint", str(value))
    if isinstance(value, float):
        return _encode_float(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _tagged("bytes", base64.b64encode(value).decode())
    if isinstance(value, datetime.date):
        return _tagged("date", _iso(value))
    if depth >= DEPTH_MAX // 2:
        raise _refuse(f"{path[:200]} is nested more than {DEPTH_MAX // 2} levels deep, or contains itself")
    depth += 1
    if isinstance(value, (list, tuple)):
        return [_encode(item, f"{path}[{at}]", depth) for at, item in enumerate(value)]
    if isinstance(value, (set, frozenset)):
        return _tagged("set", [_encode(item, f"{path}.item[{at}]", depth) for at, item in enumerate(value)])
    if isinstance(value, dict):
        return _encode_dict(value, path, depth)
    raise _refuse(f"{path} is a {type(value).__name__}, which cannot be sent; send its data as a dict")


def _encode_dict(value: dict[Any, Any], path: str, depth: int) -> Any:
    if not all(isinstance(key, str) for key in value):
        return _tagged(
            "map",
            [
                [_encode(key, f"{path}.key[{at}]", depth), _encode(inner, f"{path}.value[{at}]", depth)]
                for at, (key, inner) in enumerate(value.items())
            ],
        )
    json = {key: _encode(inner, f"{path}.{key}", depth) for key, inner in value.items()}
    return _tagged("object", json) if TAG in json else json


def _encode_float(value: float) -> Any:
    if math.isnan(value):
        return _tagged("number", "NaN")
    if math.isinf(value):
        return _tagged("number", "Infinity" if value > 0 else "-Infinity")
    if value == 0 and math.copysign(1, value) < 0:
        return _tagged("number", "-0")
    return value


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


def _refuse(message: str) -> CallError:
    return CallError(ErrorReason.INVALID_PARAMS, message)

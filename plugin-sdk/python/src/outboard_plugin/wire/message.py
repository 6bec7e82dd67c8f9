"""The JSON-RPC 2.0 envelope: one frame to one message, and messages to frames.

Called by the peer on each side of a session. Must not know any method.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any, NoReturn

from ..carried import HALF_A_PAIR, kind_of, name_of, place_fault, told
from ..error import CallError, ErrorReason
from . import DEPTH_MAX, FRAME_MAX

_MEMBERS = ("jsonrpc", "id", "method", "params", "result", "error")
# Longest id text that a caller may use, in bytes. Ids are kept as long as their call runs.
ID_MAX = 128
# What is itself too large stays so: the same call fails again whenever it is made.
LASTING = {"retryable": False}


@dataclass(frozen=True)
class Request:
    """The other side asks and awaits an answer."""

    id: Any
    method: str
    params: Any


@dataclass(frozen=True)
class Notification:
    """The other side tells."""

    method: str
    params: Any


@dataclass(frozen=True)
class Response:
    """The other side answers. ``id`` is None where it could not tell which call it is about."""

    id: Any
    result: Any
    error: CallError | None


class Noise(Exception):
    """Nothing about the frame says JSON-RPC: text that somebody printed. Nothing is answered."""


class Broken(Exception):
    """The frame means to be JSON-RPC and is not. Answered with ``error`` and a null id."""

    def __init__(self, error: CallError) -> None:
        super().__init__(error.message)
        self.error = error


def parse(frame: bytes) -> Request | Notification | Response:
    """Reads one frame; raises :class:`Noise` or :class:`Broken`."""
    try:
        text = frame.decode()
    except UnicodeDecodeError as error:
        if frame[:1] == b"{" and b'"jsonrpc"' in frame:
            raise Broken(CallError(ErrorReason.PARSE_ERROR, "the frame is not UTF-8")) from error
        raise Noise from error
    if '"jsonrpc"' not in text or text[0] not in "{[":
        raise Noise
    if text[0] == "[":
        raise _broken("batches are not supported; send one message a line")
    try:
        message = json.loads(text, parse_constant=_no_constant)
    except RecursionError as error:
        raise _broken(f"nested deeper than {DEPTH_MAX} levels") from error
    except ValueError as error:
        if not text[1:].lstrip().startswith('"'):
            raise Noise from error
        raise Broken(CallError(ErrorReason.PARSE_ERROR, f"the frame is not JSON: {error}")) from error
    if not isinstance(message, dict) or "jsonrpc" not in message:
        raise Noise
    _check(text, message)
    if message["jsonrpc"] != "2.0":
        raise _broken('`jsonrpc` must be "2.0"')
    return _sort(message)


def _check(text: str, message: dict[str, Any]) -> None:
    """What Python's reader lets pass and others do not. The cheap looks come first: they are for each message."""
    if text.count("[") + text.count("{") > DEPTH_MAX and _is_deeper(message, DEPTH_MAX):
        raise _broken(f"nested deeper than {DEPTH_MAX} levels")
    if "\\ud" in text or "\\uD" in text:
        try:
            json.dumps(message, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise Broken(
                CallError(ErrorReason.PARSE_ERROR, "half of a surrogate pair is not text")
            ) from error
    if any(text.count(f'"{member}"') > 1 for member in _MEMBERS):
        outermost: list[tuple[str, Any]] = []
        json.loads(text, object_pairs_hook=lambda pairs: outermost.__setitem__(slice(None), pairs))
        names = [name for name, _ in outermost if name in _MEMBERS]
        if len(names) != len(set(names)):
            raise _broken("a member of the message appears twice")


def _is_deeper(message: Any, limit: int) -> bool:
    """Whether arrays and objects stand in one another on more than ``limit`` levels."""
    level = [message]
    for _ in range(limit):
        members = (item.values() if isinstance(item, dict) else item for item in level)
        level = [inner for inside in members for inner in inside if isinstance(inner, (dict, list))]
        if not level:
            return False
    return True


def _sort(message: dict[str, Any]) -> Request | Notification | Response:
    failed = message.get("error") is not None
    answers = ("result" in message) + failed
    if "method" in message:
        method = message["method"]
        if answers or not isinstance(method, str):
            raise _broken("a message has either `method`, or `result`, or `error`; `method` is a string")
        if "id" not in message:
            return Notification(method, message.get("params"))
        if not _is_id(message["id"]):
            raise _broken(f"`id` must be a string or a number of at most {ID_MAX} bytes")
        return Request(message["id"], method, message.get("params"))
    if answers == 0:
        raise _broken("it has neither `method`, nor `result`, nor `error`")
    if answers != 1:
        raise _broken("a message has either `method`, or `result`, or `error`")
    if "id" not in message:
        raise _broken("a response needs the `id` of its call")
    error = CallError.from_wire(message["error"]) if failed else None
    return Response(message["id"], message.get("result"), error)


def _is_id(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return False
    return len(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")) <= ID_MAX


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _broken(message: str) -> Broken:
    return Broken(CallError(ErrorReason.INVALID_REQUEST, message))


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def write_request(call_id: int, method: str, params: Any) -> bytes:
    """A request as one frame."""
    return _line({"jsonrpc": "2.0", "id": call_id, "method": method, "params": params}, method, "params")


def write_notification(method: str, params: Any) -> bytes:
    """A notification as one frame."""
    return _line({"jsonrpc": "2.0", "method": method, "params": params}, method, "params")


def write_result(call_id: Any, result: Any) -> bytes:
    """The answer to the call with this id as one frame."""
    return _line({"jsonrpc": "2.0", "id": call_id, "result": result}, "the answer", "result")


def write_error(call_id: Any, error: CallError) -> bytes:
    """An error answer as one frame; ``None`` as id where it is not known which call it is about."""
    try:
        return _line({"jsonrpc": "2.0", "id": call_id, "error": error.to_wire()}, "the error", "error")
    except CallError:
        # The plugin put something into `data` that is not JSON: the code and the text still reach the caller.
        plain = CallError(error.code, error.message[:4096])
        return _line({"jsonrpc": "2.0", "id": call_id, "error": plain.to_wire()}, "the error", "error")


def _line(message: dict[str, Any], of: str, member: str) -> bytes:
    try:
        text = _encode(message)
    except (TypeError, ValueError, RecursionError) as error:
        where = where_not_json(message[member])
        raise CallError(
            ErrorReason.INVALID_PARAMS, f"{of}: {where or f'it cannot be sent as JSON: {error}'}"
        ) from error
    try:
        line = text.encode()
    except UnicodeEncodeError:
        # Half of a surrogate pair: no receiver could read it.
        line = HALF_A_PAIR.sub("\ufffd", text).encode()
    if len(line) > FRAME_MAX:
        raise CallError(
            ErrorReason.LIMIT_EXCEEDED,
            f"{of} makes a frame of {len(line)} bytes; at most {FRAME_MAX} are taken, serve bulk data over HTTP",
            LASTING,
        )
    return line + b"\n"


def where_not_json(value: Any, root: str = "$", levels: int = DEPTH_MAX - 2) -> str | None:
    """The path of the first thing that JSON cannot hold, and what it is, as a sentence; ``None`` where it holds all of it. The encoder
    itself writes keys that are not text as text, and half of a surrogate pair as something else. ``levels`` is how deep it may be
    nested: the message and its parameters are two of those that a frame may have."""
    waiting: list[tuple[str, Any, tuple[int, ...]]] = [(root, value, ())]
    while waiting:
        path, item, above = waiting.pop()
        odd: str | None = None
        if isinstance(item, str):
            odd = "holds half of a surrogate pair" if HALF_A_PAIR.search(item) else None
        elif isinstance(item, float):
            odd = None if math.isfinite(item) else f"is {name_of(item)}"
        elif isinstance(item, (dict, list, tuple)):
            fault = place_fault(item, path, above, len(above) + 1, levels)
            if fault is not None:
                return fault
            inside = (*above, id(item))
            if isinstance(item, dict):
                odd = _odd_key(item)
                members = [(f"{path}.{key}", inner, inside) for key, inner in item.items()]
            else:
                members = [(f"{path}[{at}]", inner, inside) for at, inner in enumerate(item)]
            waiting.extend(reversed(members))
        elif not (item is None or isinstance(item, (bool, int))):
            odd = f"is {kind_of(item)}"
        if odd is not None:
            return f"{told(path)} {odd}, which JSON cannot hold"
    return None


def _odd_key(item: dict[Any, Any]) -> str | None:
    for key in item:
        if not isinstance(key, str):
            return f"has a key of type {type(key).__name__}"
        if HALF_A_PAIR.search(key):
            return "has a key with half of a surrogate pair"
    return None

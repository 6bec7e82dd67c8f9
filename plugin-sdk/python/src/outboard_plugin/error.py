"""The one table of error codes that cross the wire, and the exception that carries one.

Raised by every call of ``ctx`` that fails, and raised by a plugin that wants its caller to see a certain code. Knows how
failures are named, not what failed.
"""

from __future__ import annotations

import enum
import traceback
from collections.abc import Mapping
from typing import Any

# A traceback longer than this is cut in the middle: it has to fit a log line and a terminal.
STACK_MAX = 16 * 1024


class ErrorReason(enum.Enum):
    """Why a call failed: one row of the protocol's table of codes. The value is (code, word, retryable)."""

    PARSE_ERROR = (-32700, "parse_error", False)
    INVALID_REQUEST = (-32600, "invalid_request", False)
    METHOD_NOT_FOUND = (-32601, "method_not_found", False)
    INVALID_PARAMS = (-32602, "invalid_params", False)
    INTERNAL_ERROR = (-32603, "internal_error", False)
    SHUTTING_DOWN = (-32001, "shutting_down", True)
    TIMEOUT = (-32002, "timeout", True)
    LIMIT_EXCEEDED = (-32003, "limit_exceeded", True)
    DENIED = (-32004, "denied", False)
    STORAGE_FULL = (-32005, "storage_full", True)
    STORAGE_CORRUPT = (-32006, "storage_corrupt", False)
    AUTH_REQUIRED = (-32007, "auth_required", False)
    NOT_FOUND = (-32008, "not_found", False)
    CONFLICT = (-32009, "conflict", False)
    CANCELLED = (-32800, "cancelled", False)

    @property
    def code(self) -> int:
        """The JSON-RPC error code."""
        return self.value[0]

    @property
    def word(self) -> str:
        """The stable word in ``data.reason``."""
        return self.value[1]

    @property
    def retryable(self) -> bool:
        """Whether the same call may succeed if it is simply made again later."""
        return self.value[2]

    @classmethod
    def from_code(cls, code: int) -> ErrorReason | None:
        """The row with this code; ``None`` for a code that is a plugin's own."""
        return _BY_CODE.get(code)


_BY_CODE = {reason.code: reason for reason in ErrorReason}


class CallError(Exception):
    """A call was answered with an error, or could not be made.

    Raise one in an ``ipc`` handler to choose the code that the caller sees; any other exception reaches it as
    ``internal_error`` with the traceback.
    """

    def __init__(
        self,
        reason: ErrorReason | int,
        message: str,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = reason if isinstance(reason, int) else reason.code
        row = ErrorReason.from_code(self.code)
        given = dict(data or {})
        self.word: str = given.get("reason") or (row.word if row else "")
        self.retryable: bool = bool(given.get("retryable", row.retryable if row else False))
        self.data: dict[str, Any] = {**given, "reason": self.word, "retryable": self.retryable}

    @property
    def reason(self) -> ErrorReason | None:
        """The row of the table; ``None`` for a code that is a plugin's own."""
        return ErrorReason.from_code(self.code)

    def to_wire(self) -> dict[str, Any]:
        """The ``error`` member of a response."""
        return {"code": self.code, "message": self.message, "data": self.data}

    @classmethod
    def from_wire(cls, error: Any) -> CallError:
        """Reads an ``error`` member. One without the right shape becomes ``internal_error``, never an exception here."""
        if not isinstance(error, dict) or isinstance(error.get("code"), bool):
            return cls(ErrorReason.INTERNAL_ERROR, f"the host sent an error without a code: {error!r:.200}")
        code, message, data = error.get("code"), error.get("message"), error.get("data")
        if not isinstance(code, int):
            return cls(ErrorReason.INTERNAL_ERROR, f"the host sent an error without a code: {error!r:.200}")
        return cls(code, str(message or ""), data if isinstance(data, dict) else None)

    @classmethod
    def from_exception(cls, exception: BaseException) -> CallError:
        """What the caller gets when a plugin's own code raised: the text, and the traceback in ``data.stack``."""
        if isinstance(exception, CallError):
            return cls(exception.code, exception.message, exception.data)
        text = str(exception) or type(exception).__name__
        data = {"name": type(exception).__name__, "stack": stack_of(exception)}
        return cls(ErrorReason.INTERNAL_ERROR, text, data)


def stack_of(exception: BaseException) -> str:
    """The traceback as text, at most :data:`STACK_MAX` characters."""
    text = "".join(traceback.format_exception(exception)).rstrip()
    if len(text) <= STACK_MAX:
        return text
    half = STACK_MAX // 2
    return f"{text[:half]}\n  … {len(text) - STACK_MAX} characters left out …\n{text[-half:]}"

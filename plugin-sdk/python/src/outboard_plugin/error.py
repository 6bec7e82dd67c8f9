"""The one table of error codes that cross the wire, and the exception that carries one.

Raised by every call of ``ctx`` that fails, and raised by a plugin that wants its caller to see a certain code. Knows how
failures are named, not what failed.
"""

from __future__ import annotations

import enum
import traceback
from collections.abc import Mapping
from typing import Any

from .generated.protocol import ERRORS

# A traceback longer than this is cut in the middle: it has to fit a log line and a terminal.
STACK_MAX = 16 * 1024
# Longest code of a plugin's own, in characters.
CODE_MAX = 256


class ErrorReason(enum.Enum):
    """Why a call failed: the words of the protocol's table of codes, which has the rest of each row."""

    PARSE_ERROR = "parse_error"
    INVALID_REQUEST = "invalid_request"
    METHOD_NOT_FOUND = "method_not_found"
    INVALID_PARAMS = "invalid_params"
    INTERNAL_ERROR = "internal_error"
    SHUTTING_DOWN = "shutting_down"
    TIMEOUT = "timeout"
    LIMIT_EXCEEDED = "limit_exceeded"
    DENIED = "denied"
    STORAGE_FULL = "storage_full"
    STORAGE_CORRUPT = "storage_corrupt"
    AUTH_REQUIRED = "auth_required"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    UNAVAILABLE = "unavailable"
    NO_PROVIDER = "no_provider"
    CANCELLED = "cancelled"

    @property
    def code(self) -> int:
        """The JSON-RPC error code."""
        return ERRORS[self.value][0]

    @property
    def word(self) -> str:
        """The stable word in ``data.reason``."""
        return self.value

    @property
    def retryable(self) -> bool:
        """Whether the same call may succeed if it is simply made again later."""
        return ERRORS[self.value][1]

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
        """What the caller gets when a plugin's own code raised: the text, the traceback in ``data.stack``, and the exception's
        own ``code``. A whole number is the answer's code, text goes beside it."""
        if isinstance(exception, CallError):
            return cls(exception.code, exception.message, exception.data)
        text = text_of(exception)
        data: dict[str, Any] = {"name": type(exception).__name__, "stack": stack_of(exception)}
        try:
            own = getattr(exception, "code", None)
        except Exception:
            own = None  # A property of the author's that raises.
        if isinstance(own, str):
            data["code"] = own[:CODE_MAX]
        if isinstance(own, int) and not isinstance(own, bool) and -(2**31) <= own < 2**31:
            return cls(own, text, data)
        return cls(ErrorReason.INTERNAL_ERROR, text, data)


def text_of(exception: BaseException) -> str:
    """What an exception says, else its type's name. Never raises, whatever its ``__str__`` does."""
    name = type(exception).__name__
    try:
        return str(exception) or name
    except Exception:
        return f"{name}: its message cannot be read"


def stack_of(exception: BaseException) -> str:
    """The traceback as text, at most :data:`STACK_MAX` characters. Never raises."""
    try:
        text = "".join(traceback.format_exception(exception)).rstrip()
    except Exception:
        # Something that the traceback's module looks at raises: where it was raised can be told all the same.
        text = "".join(traceback.format_tb(exception.__traceback__)) + text_of(exception)
    if len(text) <= STACK_MAX:
        return text
    half = STACK_MAX // 2
    return f"{text[:half]}\n  … {len(text) - STACK_MAX} characters left out …\n{text[-half:]}"

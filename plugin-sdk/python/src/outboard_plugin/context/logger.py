"""``ctx.logger``: structured log records. Never blocks and never raises; what cannot be sent is counted.

Also a :class:`logging.Handler`, so that Python's own loggers, and the libraries that use them, end in the same place.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from ..error import stack_of, text_of
from ..generated.protocol import LogLevel, LogParams, PluginSide
from ..wire.message import where_not_json

# Longer messages are cut by the host; cutting them here saves the way.
MESSAGE_MAX = 64 * 1024


class PluginLogger:
    """Log records of this plugin; ``tag`` says which part of it speaks."""

    def __init__(self, peer: PluginSide) -> None:
        self._peer = peer
        self._lost = 0

    def debug(self, tag: str, message: str, extra: Any = None) -> None:
        """For the plugin's developer."""
        self._log("debug", tag, message, extra)

    def info(self, tag: str, message: str, extra: Any = None) -> None:
        """What happens in good order."""
        self._log("info", tag, message, extra)

    def warn(self, tag: str, message: str, extra: Any = None) -> None:
        """Something is off, and the plugin goes on."""
        self._log("warn", tag, message, extra)

    def error(self, tag: str, message: str, extra: Any = None) -> None:
        """Something failed. An exception as ``extra`` keeps its name, message and traceback."""
        self._log("error", tag, message, extra)

    def _log(self, level: LogLevel, tag: str, message: str, extra: Any) -> None:
        try:
            if self._lost:
                text = f"{self._lost} log records were dropped: the host did not take them fast enough"
                if self._peer.notify("log", {"level": "warn", "tag": "logger", "message": text}):
                    self._lost = 0
            record: LogParams = {
                "level": level,
                "tag": _shown(str, tag),
                "message": _shown(str, message)[:MESSAGE_MAX],
            }
            if extra is not None:
                record["extra"] = _shown(plain, extra)
            if not self._peer.notify("log", record):
                self._lost += 1
        except Exception:
            self._lost += 1


def _shown(show: Callable[[Any], Any], value: Any) -> Any:
    """The value as ``show`` shows it. Its ``__str__`` or ``__repr__`` may raise: the rest of the record is kept."""
    try:
        return show(value)
    except Exception:
        return f"[a {type(value).__name__} that cannot be shown]"


def plain(extra: Any) -> Any:
    """``extra`` as JSON: exceptions as name, message and stack; whatever else is not JSON as its text."""
    if isinstance(extra, BaseException):
        return {"name": type(extra).__name__, "message": text_of(extra), "stack": stack_of(extra)}
    if where_not_json(extra) is None:
        return extra
    if isinstance(extra, dict):
        return {str(key): plain(value) for key, value in extra.items()} if _shallow(extra) else repr(extra)
    if isinstance(extra, (list, tuple, set, frozenset)) and _shallow(extra):
        return [plain(item) for item in extra]
    return repr(extra)


def _shallow(container: Any) -> bool:
    """Whether nothing in it contains itself or is nested too deeply to be taken apart."""
    items = container.values() if isinstance(container, dict) else container
    where = where_not_json({str(at): item for at, item in enumerate(items)})
    return where is None or where.endswith("which JSON cannot hold")


class HostLogHandler(logging.Handler):
    """Sends Python's own log records to the host, with the logger's name as tag."""

    def __init__(self, logger: PluginLogger) -> None:
        super().__init__()
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        """Sends one record."""
        try:
            message = record.getMessage()
        except Exception as error:
            message = f"{_shown(repr, record.msg)} (its arguments do not fit: {text_of(error)})"
        failure = record.exc_info[1] if record.exc_info else None
        if record.levelno >= logging.ERROR:
            self._logger.error(record.name, message, failure)
        elif record.levelno >= logging.WARNING:
            self._logger.warn(record.name, message, failure)
        elif record.levelno >= logging.INFO:
            self._logger.info(record.name, message, failure)
        else:
            self._logger.debug(record.name, message, failure)

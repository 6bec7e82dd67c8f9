"""``ctx.database``: SQLite files in the plugin's own data folder, opened in this process."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from .. import id as names
from ..error import CallError, ErrorReason
from ..generated.protocol import DatabaseQuotaParams, PluginSide
from .bounded import BoundedConnection, Limit, bounded
from .changes import Changes
from .logger import PluginLogger

F = TypeVar("F", bound=Callable[..., Any])

# Files whose size is remembered, so that the next connection is bounded before the host has answered.
_REMEMBERED_MAX = 256


class PluginDatabase:
    """The folder of the handshake is the grant; the host is told of each file, since it measures what it knows."""

    def __init__(
        self,
        peer: PluginSide,
        logger: PluginLogger,
        data_dir: Path,
        create_task: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self._peer, self._logger, self._data_dir, self._create_task = peer, logger, data_dir, create_task
        self._changes = Changes()
        self._granted: dict[str, int] = {}

    def open(self, file: str, **options: Any) -> sqlite3.Connection:
        """Opens or creates the file ``file``; ``options`` go to :func:`sqlite3.connect`.

        The file grows as far as the quota of the plugin's data leaves room when it is opened; what goes beyond fails as
        ``sqlite3.OperationalError`` ("database or disk is full"). The connection may be used from any thread, since
        plain functions of a plugin run in several: SQLite serialises the calls, and transactions are the author's to
        keep apart.
        """
        path = self._data_dir / names.database_file(file)
        os.makedirs(self._data_dir, mode=0o700, exist_ok=True)
        options.setdefault("check_same_thread", False)
        limit = Limit(str(path), self._granted.get(file))
        options["factory"] = bounded(options.get("factory", sqlite3.Connection))
        connection: sqlite3.Connection = sqlite3.connect(path, **options)
        if isinstance(connection, BoundedConnection):
            connection.outboard_limit = limit
        self._create_task(self._tell(file, limit))
        return connection

    def on_quota(self, function: F) -> F:
        """Decorator: called as ``function(bytes, quota, full)`` when the data folder nears its quota, or has reached it."""
        return self._changes.add(function)

    async def _tell(self, file: str, limit: Limit) -> None:
        try:
            granted = (await self._peer.request("database.open", {"file": file})).get("maxBytes")
        except CallError as error:
            self._logger.warn("database", f"database.open({file!r}): {error}")
            # There is no room for a new file: it keeps what was written before the answer came, and grows no further.
            granted = 0 if error.reason is ErrorReason.STORAGE_FULL else None
        if granted is None:
            return
        limit.granted = granted
        if file in self._granted or len(self._granted) < _REMEMBERED_MAX:
            self._granted[file] = granted

    def _quota(self, params: DatabaseQuotaParams) -> None:
        self._changes.publish(params["bytes"], params["quota"], params["full"])

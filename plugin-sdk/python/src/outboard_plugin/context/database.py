"""``ctx.database``: SQLite files in the plugin's own data folder, opened in this process."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

from .. import id as names


class PluginDatabase:
    """The folder of the handshake is the grant; no call to the host is needed."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir

    def open(self, file: str, **options: Any) -> sqlite3.Connection:
        """Opens or creates the file ``file``; ``options`` go to :func:`sqlite3.connect`.

        The connection may be used from any thread, since plain functions of a plugin run in several: SQLite serialises
        the calls, and transactions are the author's to keep apart.
        """
        path = self._data_dir / names.database_file(file)
        os.makedirs(self._data_dir, mode=0o700, exist_ok=True)
        options.setdefault("check_same_thread", False)
        connection: sqlite3.Connection = sqlite3.connect(path, **options)
        return connection

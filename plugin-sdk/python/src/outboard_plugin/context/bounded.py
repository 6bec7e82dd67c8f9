"""A connection that grows its file as far as the host allows, and says so where there is no more room.

Mixed by ``ctx.database`` into whatever class a connection is to have. Must not know who grants what.
"""

from __future__ import annotations

import sqlite3
import types
from typing import Any

# The most that SQLite can be told.
_PAGES_MAX = 0xFFFFFFFE


class Limit:
    """How large one connection may let its file become: told by the host at any time, from any thread."""

    def __init__(self, path: str, granted: int | None) -> None:
        self._path, self.granted = path, granted
        self._applied: int | None = None
        self._bytes = 0

    def apply(self, connection: sqlite3.Connection) -> None:
        """Holds the connection to what was granted last. In its own thread: SQLite's pragma is each connection's own."""
        granted = self.granted
        if granted is None or granted == self._applied:
            return
        cursor = sqlite3.Cursor(connection)
        cursor.row_factory = None
        try:
            page = int(cursor.execute("PRAGMA page_size").fetchone()[0])
            pages = min(max(granted // page, 1), _PAGES_MAX)
            # SQLite itself never goes below the pages that are in use.
            self._bytes = page * int(cursor.execute(f"PRAGMA max_page_count = {pages}").fetchone()[0])
        except sqlite3.Error:
            return  # Locked by another connection: the next statement tries again.
        finally:
            cursor.close()
        self._applied = granted

    def explain(self, error: sqlite3.Error) -> None:
        """Adds to the error about a full database what to do about it."""
        if self._applied is None or not str(error).startswith("database or disk is full"):
            return
        error.args = (
            f"{error}: {self._path} may have {self._bytes} bytes, which is what the quota of the plugin's data leaves it "
            "(`limits.data`); delete what is not needed, or raise the quota and open the database again",
        )


class BoundedCursor(sqlite3.Cursor):
    """A cursor of a bounded connection."""

    def execute(self, *args: Any) -> Any:
        return self._bounded(super().execute, args)

    def executemany(self, *args: Any) -> Any:
        return self._bounded(super().executemany, args)

    def executescript(self, *args: Any) -> Any:
        return self._bounded(super().executescript, args)

    def _bounded(self, run: Any, args: tuple[Any, ...]) -> Any:
        limit = getattr(self.connection, "outboard_limit", None)
        if limit is None:
            return run(*args)
        limit.apply(self.connection)
        try:
            return run(*args)
        except sqlite3.Error as error:
            limit.explain(error)
            raise


class BoundedConnection(sqlite3.Connection):
    """A connection with a limit, which is set when it has been made."""

    outboard_limit: Limit | None = None

    def cursor(self, factory: Any = BoundedCursor) -> Any:
        if self.outboard_limit is not None:
            self.outboard_limit.apply(self)
        return super().cursor(factory)

    # As sqlite3 documents them: a new cursor each time. Its own do not ask for one by name.

    def execute(self, *args: Any) -> Any:
        return self.cursor().execute(*args)

    def executemany(self, *args: Any) -> Any:
        return self.cursor().executemany(*args)

    def executescript(self, *args: Any) -> Any:
        return self.cursor().executescript(*args)


def bounded(wanted: Any) -> Any:
    """The class for connections that are to be of the class ``wanted`` besides; a function that makes them is left alone.

    What ``wanted`` overrides comes first: its ``super()`` is the bounded connection.
    """
    if wanted is sqlite3.Connection:
        return BoundedConnection
    if not isinstance(wanted, type) or not issubclass(wanted, sqlite3.Connection):
        return wanted
    return types.new_class(wanted.__name__, (wanted, BoundedConnection))

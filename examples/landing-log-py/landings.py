"""The landings, in SQLite. Knows rows, and neither HTTP nor the plugin."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Landing:
    """One touchdown."""

    id: int
    flight: str
    rate: float
    """Feet per minute; negative is down."""
    at: str
    """UTC, as SQLite writes it."""

    def to_json(self) -> dict[str, Any]:
        """As it goes over HTTP and to the UIs."""
        return asdict(self)


class LandingLog:
    """All of them. Safe to use from several threads: one statement at a time."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._lock = threading.Lock()
        with self._lock, database:
            database.execute(
                "CREATE TABLE IF NOT EXISTS landings ("
                "id INTEGER PRIMARY KEY AUTOINCREMENT, flight TEXT NOT NULL, rate REAL NOT NULL, "
                "at TEXT NOT NULL DEFAULT (datetime('now')))"
            )

    def add(self, flight: str, rate: float) -> Landing:
        """Keeps one; it is on disk when this returns."""
        with self._lock, self._database as database:
            sql = "INSERT INTO landings (flight, rate) VALUES (?, ?) RETURNING id, flight, rate, at"
            [row] = database.execute(sql, (flight, rate)).fetchall()
        return Landing(*row)

    def find(self, number: int) -> Landing | None:
        """The one with this id."""
        with self._lock:
            row = self._database.execute(
                "SELECT id, flight, rate, at FROM landings WHERE id = ?", (number,)
            ).fetchone()
        return None if row is None else Landing(*row)

    def latest(self, count: int) -> list[Landing]:
        """The last ``count``, newest first."""
        sql = "SELECT id, flight, rate, at FROM landings ORDER BY id DESC LIMIT ?"
        with self._lock:
            rows = self._database.execute(sql, (count,)).fetchall()
        return [Landing(*row) for row in rows]

    def summary(self, hard: float) -> dict[str, Any]:
        """How many, how many of them hard, and the softest and the hardest rate."""
        sql = "SELECT count(*), coalesce(sum(rate <= ?), 0), max(rate), min(rate) FROM landings"
        with self._lock:
            landings, hard_ones, softest, hardest = self._database.execute(sql, (hard,)).fetchone()
        return {"landings": landings, "hard": hard_ones, "softest": softest, "hardest": hardest}

    def close(self) -> None:
        """Nothing may be asked afterwards."""
        with self._lock:
            self._database.close()

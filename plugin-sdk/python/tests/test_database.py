"""``ctx.database``: files in the plugin's own folder, and how far they grow, with a host in memory."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import unittest
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from outboard_plugin import CallError, ErrorReason, Plugin
from outboard_plugin.testing import Host


def quiet_plugin() -> Plugin:
    plugin = Plugin()
    plugin.on_start(lambda ctx: None)
    return plugin


async def until(holds: Callable[[], bool]) -> None:
    """Waits until something holds; the limit is a guard against hanging, not a measurement."""
    for _ in range(1000):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("gave up waiting")


def limited_to(database: sqlite3.Connection, pages: int) -> bool:
    row = database.execute("PRAGMA max_page_count").fetchone()
    return bool(row[0] == pages)


def fill(database: sqlite3.Connection) -> sqlite3.Error | None:
    """Inserts until there is no more room; gives what was raised."""
    try:
        with database:
            database.execute("CREATE TABLE IF NOT EXISTS t (b BLOB)")
        for _ in range(64):
            with database:
                database.execute("INSERT INTO t VALUES (zeroblob(4000))")
    except sqlite3.OperationalError as error:
        return error
    return None


class Database(unittest.IsolatedAsyncioTestCase):
    async def test_a_file_is_opened_in_the_plugins_own_folder_which_only_its_user_can_read(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            data_dir = Path(folder) / "plugins-data" / "x"
            async with Host(quiet_plugin(), data_dir=data_dir) as host:
                database = host.ctx.database.open("log.db")
                self.assertIsInstance(database, sqlite3.Connection)
                database.execute("CREATE TABLE t (a)")
                # From another thread as well: plain functions run in their own.
                await asyncio.to_thread(database.execute, "INSERT INTO t VALUES (1)")
                database.commit()
                database.close()
            self.assertTrue((data_dir / "log.db").exists())
            self.assertEqual(data_dir.stat().st_mode & 0o777, 0o700)

    async def test_it_grows_as_far_as_the_host_allows_and_the_error_beyond_names_the_quota(self) -> None:
        class Mine(sqlite3.Connection):
            pass

        ways: tuple[dict[str, Any], ...] = (
            {},
            {"factory": Mine},
            {"check_same_thread": True},
            {"isolation_level": None},
        )
        for how in ways:
            host = Host(quiet_plugin())
            host.world.database_bytes = 65536
            with self.subTest(how=how):
                async with host:
                    path = host.data_dir / "full.db"
                    database = host.ctx.database.open("full.db", **how)
                    await until(partial(limited_to, database, 16))
                    self.assertIsInstance(database, how.get("factory", sqlite3.Connection))
                    full = fill(database)
                    for part in ("database or disk is full", "full.db may have 65536 bytes", "`limits.data`"):
                        self.assertIn(part, str(full))
                    self.assertLessEqual(path.stat().st_size, 65536)
                    database.execute("DELETE FROM t")
                    self.assertIn("full", str(fill(database)), "what was deleted is room again")
                    database.close()
                    # Used before the host can have answered: it is held to what the connection before it was.
                    again = host.ctx.database.open("full.db")
                    again.cursor().execute("DELETE FROM t")
                    self.assertIn("`limits.data`", str(fill(again)))
                    again.close()
                    self.assertLessEqual(path.stat().st_size, 65536)

    async def test_a_connection_of_the_authors_own_class_does_what_he_wrote_and_is_bounded(self) -> None:
        class Lines(sqlite3.Cursor):
            pass

        class Mine(sqlite3.Connection):
            statements: ClassVar[list[str]] = []

            def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
                self.statements.append(sql)
                return super().execute(sql, *parameters)

            def cursor(self) -> Any:  # type: ignore[override]
                return super().cursor()

            def lines(self) -> Lines:
                return super().cursor(Lines)

        host = Host(quiet_plugin())
        host.world.database_bytes = 65536
        async with host:
            database = host.ctx.database.open("full.db", factory=Mine)
            assert isinstance(database, Mine)
            await until(lambda: database.execute("PRAGMA max_page_count").fetchone()[0] == 16)
            self.assertIn("`limits.data`", str(fill(database)))
            self.assertIn("CREATE TABLE IF NOT EXISTS t (b BLOB)", Mine.statements)
            self.assertEqual(type(database.lines()), Lines)
            database.close()

    async def test_a_new_one_that_there_is_no_room_for_keeps_what_was_written_and_grows_no_further(
        self,
    ) -> None:
        host = Host(quiet_plugin())
        host.world.database_bytes = 0
        async with host:
            database = host.ctx.database.open("late.db")
            database.execute("CREATE TABLE t (b BLOB)")
            await until(lambda: database.execute("PRAGMA max_page_count").fetchone()[0] < 1000)
            self.assertIn("`limits.data`", str(fill(database)))
            database.close()
            self.assertIn("late.db", host.logs[0].message)

    async def test_names_that_leave_the_folder_are_refused(self) -> None:
        async with Host(quiet_plugin()) as host:
            for file in ("../other/x.db", "/etc/x.db", ".hidden", "a/b", "", "x.db-wal", "x" * 129, "-x"):
                with self.subTest(file=file), self.assertRaises(CallError) as caught:
                    host.ctx.database.open(file)
                self.assertIs(caught.exception.reason, ErrorReason.INVALID_PARAMS)


if __name__ == "__main__":
    unittest.main()

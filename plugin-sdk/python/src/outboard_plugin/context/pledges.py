"""Calls that an author makes without awaiting them, and that have to succeed before the plugin's start is answered."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from ..error import text_of


class Pledges:
    """Tasks in the order in which they were given, from any thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._gathering = True

    def add(self, call: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        """Makes a call in a task. Once the start has been answered, a failure goes to the log."""
        if threading.get_ident() == self._thread:
            self._add(call)
        else:
            self._loop.call_soon_threadsafe(self._add, call)

    async def kept(self) -> None:
        """Waits for all of them; raises what the first one to fail raised."""
        await asyncio.sleep(0)  # What a thread has handed over is in the loop's queue.
        while self._tasks:
            tasks = tuple(self._tasks)
            self._tasks.clear()
            await asyncio.gather(*tasks)
        self._gathering = False

    def _add(self, call: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        task = self._loop.create_task(call())
        self._tasks.add(task)
        if not self._gathering:
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._loop.call_exception_handler({"message": text_of(error), "exception": error})

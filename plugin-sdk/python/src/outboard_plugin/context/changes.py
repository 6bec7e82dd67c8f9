"""A list of functions that are called when something of the host's changed. Part of config, auth and airline."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from .. import threads

F = TypeVar("F", bound=Callable[..., Any])


class Changes:
    """Functions, coroutine functions included, in the order in which they were added."""

    def __init__(self) -> None:
        self._functions: list[Callable[..., Any]] = []
        self._running: set[asyncio.Task[Any]] = set()

    def add(self, function: F) -> F:
        """Adds one; usable as a decorator."""
        self._functions.append(function)
        return function

    def publish(self, *args: Any) -> None:
        """Calls each in a task of its own, so that a slow one delays nothing; a failure goes to the loop's log."""
        for function in self._functions:
            task = asyncio.get_running_loop().create_task(threads.call(function, *args))
            self._running.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            task.get_loop().call_exception_handler(
                {"message": "a function for changes failed", "exception": error}
            )

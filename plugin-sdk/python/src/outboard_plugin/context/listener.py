"""One function of an author's that hears one thing after the other. Held by ``ctx.service``; must not know what it hears."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from .. import threads

# What may wait for one function; beyond that the oldest is left out, so that a slow one hears how things are, not how they were.
WAITING_MAX = 256

# Runs something in the background until the plugin stops.
CreateTask = Callable[[Coroutine[Any, Any, None]], None]


class Listener:
    """Calls a function, plain or a coroutine function, in the order of what it is given: never twice at a time."""

    def __init__(
        self,
        function: Callable[..., Any],
        create_task: CreateTask,
        failed: Callable[[Exception], None],
        late: Callable[[], None],
    ) -> None:
        """``failed`` is told of each exception, ``late`` once when the first thing is left out."""
        self._function, self._create_task, self._failed, self._late = function, create_task, failed, late
        self._waiting: deque[tuple[Any, ...]] = deque()
        self._working = self._ended = False
        self._left_out = 0

    def hear(self, *args: Any) -> None:
        """Takes the next thing; on the loop's own thread."""
        if self._ended:
            return
        if len(self._waiting) >= WAITING_MAX:
            self._waiting.popleft()
            self._left_out += 1
            if self._left_out == 1:
                self._late()
        self._waiting.append(args)
        if not self._working:
            self._working = True
            self._create_task(self._work())

    def end(self) -> None:
        """It hears nothing more, what waits included; from any thread."""
        self._ended = True

    async def _work(self) -> None:
        try:
            while self._waiting and not self._ended:
                try:
                    await threads.call(self._function, *self._waiting.popleft())
                except Exception as error:
                    self._failed(error)
        finally:
            self._working = False

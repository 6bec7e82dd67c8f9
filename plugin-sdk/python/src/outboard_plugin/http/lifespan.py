"""Runs the lifespan of one ASGI application: its start-up before the first request, its shutdown at the end.

Driven by ``mounts``. An application that does not know the protocol is served without.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from ..error import CallError, ErrorReason

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]

# How long an application's own shutdown may take; the host's stop has a grace of 5 s in all.
SHUTDOWN_TIMEOUT = 2.0


class Lifespan:
    """One application's lifespan. ``state`` is what the application put there; each request gets a copy."""

    def __init__(self, app: AsgiApp, prefix: str) -> None:
        self._app, self._prefix = app, prefix
        self.state: dict[str, Any] = {}
        self._events: asyncio.Queue[Message] = asyncio.Queue(maxsize=2)
        self._started: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Returns when the application is ready; raises :class:`CallError` when it says that it failed."""
        self._started = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._run(), name=f"lifespan of {self._prefix}")
        self._events.put_nowait({"type": "lifespan.startup"})
        await self._started

    async def stop(self) -> None:
        """Lets the application close what it holds; bounded."""
        if self._task is None or self._task.done():
            return
        self._events.put_nowait({"type": "lifespan.shutdown"})
        await asyncio.wait([self._task], timeout=SHUTDOWN_TIMEOUT)
        self._task.cancel()

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        try:
            await self._app(scope, self._events.get, self._told)
        except Exception:
            # By the specification, raising here says: no lifespan, please.
            pass
        if self._started is not None and not self._started.done():
            self._started.set_result(None)

    async def _told(self, message: Message) -> None:
        started = self._started
        if started is None or started.done():
            return
        if message["type"] == "lifespan.startup.complete":
            started.set_result(None)
        elif message["type"] == "lifespan.startup.failed":
            text = message.get("message") or "no reason was given"
            why = f"the application at {self._prefix} failed to start: {text}"
            started.set_exception(CallError(ErrorReason.INTERNAL_ERROR, why))

"""Serves aiohttp applications on the inherited listener.

Called by ``context/server.py``. aiohttp freezes an application when it is served, so all of them are mounted before the
plugin's start is answered. Must not know the session.
"""

from __future__ import annotations

import socket
from typing import Any

from ..error import CallError, ErrorReason

# How long requests that still run may take to end at a stop. The host has let them finish before it asks.
STOP_TIMEOUT = 2.0


def is_aiohttp(app: object) -> bool:
    """Whether this is an aiohttp application; does not import aiohttp to find out."""
    return any(
        kind.__module__.startswith("aiohttp.") and kind.__name__ == "Application"
        for kind in type(app).__mro__
    )


class AiohttpServer:
    """One aiohttp server over the mounted applications."""

    def __init__(self) -> None:
        self._apps: dict[str, Any] = {}
        self._runner: Any = None

    def add(self, prefix: str, app: Any) -> None:
        """Mounts an application; before :meth:`start` only."""
        if self._runner is not None:
            raise CallError(
                ErrorReason.CONFLICT,
                f"{prefix}: aiohttp applications are mounted in on_start; aiohttp takes none once it serves",
            )
        self._apps[prefix] = app

    async def start(self, listener: socket.socket) -> None:
        """Returns when connections are accepted."""
        from aiohttp import web

        root = web.Application()
        for prefix, app in self._apps.items():
            root.add_subapp(prefix, app)
        self._runner = web.AppRunner(
            root, handle_signals=False, access_log=None, shutdown_timeout=STOP_TIMEOUT
        )
        await self._runner.setup()
        await web.SockSite(self._runner, listener).start()

    async def stop(self) -> None:
        """Accepts nothing more, lets running requests end, and runs the applications' clean-up."""
        if self._runner is not None:
            await self._runner.cleanup()

"""Serves the mounted ASGI applications under uvicorn, on a listener and in a loop that are already there.

Called by ``context/server.py``. Must not know the session.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any

from ..error import CallError, ErrorReason
from .mounts import Mounts

# How long requests that still run may take to end at a stop. The host has let them finish before it asks.
STOP_TIMEOUT = 2
# Idle connections: the host keeps its own pool, and ends them itself with the process.
KEEP_ALIVE = 75


class AsgiServer:
    """One uvicorn server."""

    def __init__(self, mounts: Mounts, listener: socket.socket) -> None:
        self._mounts, self._listener = mounts, listener
        self._server: Any = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Returns when connections are accepted."""
        uvicorn = _uvicorn()
        # Only the host can connect to this socket, so its forwarding headers are to be believed.
        config = uvicorn.Config(
            self._mounts,
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,
            proxy_headers=True,
            forwarded_allow_ips="*",
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=STOP_TIMEOUT,
        )
        self._server = _without_signals(uvicorn.Server)(config)
        self._task = asyncio.create_task(self._server.serve(sockets=[self._listener]), name="uvicorn")
        while not self._server.started:
            if self._task.done():
                self._task.result()
                raise CallError(
                    ErrorReason.INTERNAL_ERROR, "uvicorn ended while it started; its reason is in the log"
                )
            await asyncio.sleep(0)

    async def stop(self) -> None:
        """Accepts nothing more, lets running requests end within :data:`STOP_TIMEOUT`, and returns."""
        if self._server is not None and self._task is not None:
            self._server.should_exit = True
            await asyncio.wait([self._task], timeout=STOP_TIMEOUT + 1)
            self._task.cancel()


def _uvicorn() -> Any:
    try:
        import uvicorn
    except ImportError as error:
        raise CallError(
            ErrorReason.NOT_FOUND,
            "serving an ASGI application needs uvicorn; install it beside the plugin: pip install 'outboard-plugin[asgi]'",
        ) from error
    return uvicorn


def _without_signals(base: Any) -> Any:
    """uvicorn takes SIGTERM for itself and raises it again at the end; here the session decides when to end."""

    class Server(base):  # type: ignore[misc]
        def install_signal_handlers(self) -> None:
            """Older versions."""

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            """Newer versions."""
            yield

    return Server

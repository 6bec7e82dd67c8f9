"""``ctx.server``: web applications below the paths that the supervisor sends to this plugin."""

from __future__ import annotations

from collections.abc import Callable
from socket import socket
from typing import Any

from .. import id as names
from ..error import CallError, ErrorReason
from ..generated.protocol import PluginSide
from ..http.aiohttp import AiohttpServer, is_aiohttp
from ..http.asgi import AsgiServer
from ..http.mounts import Mounts
from .pledges import Pledges


class PluginServer:
    """Mounts ASGI applications (Starlette, FastAPI, Quart, …) or aiohttp's, one kind in one plugin."""

    def __init__(self, peer: PluginSide, listen: Callable[[], socket] | None) -> None:
        """``listen`` opens the listener on first use; without it applications are mounted and not served."""
        self._peer, self._listen = peer, listen
        self._mounts = Mounts()
        self._asgi: AsgiServer | None = None
        self._aiohttp: AiohttpServer | None = None
        self._registered: list[str] = []
        self._pledges = Pledges()
        self._open = False

    def register_app(self, prefix: str, app: Any) -> None:
        """Serves ``app`` at ``http://127.0.0.1:2066{prefix}``; its own routes are written without the prefix.

        In ``on_start`` this returns at once: the start is answered when every registration has succeeded, and fails
        when one has not, such as with ``conflict`` for a prefix that another plugin owns. From any thread.
        """
        names.route_prefix(prefix)
        if not callable(app) and not is_aiohttp(app):
            raise TypeError(
                f"register_app({prefix!r}, …) needs an ASGI or aiohttp application, got {app!r:.80}"
            )
        if prefix in self._registered:
            raise CallError(
                ErrorReason.CONFLICT, f"{prefix} is already registered by this plugin; unregister it first"
            )
        self._mount(prefix, app)
        self._registered.append(prefix)
        self._pledges.add(lambda: self._register(prefix))

    def unregister(self, prefix: str) -> None:
        """Takes the application away again."""
        if prefix not in self._registered:
            raise CallError(ErrorReason.NOT_FOUND, f"{prefix} is not registered by this plugin")
        self._registered.remove(prefix)
        self._pledges.add(lambda: self._unregister(prefix))

    def _mount(self, prefix: str, app: Any) -> None:
        foreign = is_aiohttp(app)
        if foreign and self._aiohttp is None and not self._registered:
            self._aiohttp = AiohttpServer()
        if foreign != (self._aiohttp is not None):
            raise CallError(
                ErrorReason.CONFLICT,
                f"{prefix}: this plugin mixes ASGI and aiohttp applications; one listener serves one kind",
            )
        if self._aiohttp is not None:
            self._aiohttp.add(prefix, app)
        else:
            self._mounts.add(prefix, app)

    async def _register(self, prefix: str) -> None:
        if self._open:
            await self._serve()
        await self._peer.request("server.register", {"prefix": prefix})

    async def _unregister(self, prefix: str) -> None:
        await self._peer.request("server.unregister", {"prefix": prefix})
        await self._mounts.remove(prefix)

    async def _settled(self) -> None:
        """After ``on_start``: every registration has succeeded and every application is served."""
        await self._pledges.kept()
        self._open = True
        if self._registered:
            await self._serve()

    async def _serve(self) -> None:
        if self._aiohttp is not None:
            if self._listen is not None:
                await self._aiohttp.start(self._listen())
            return
        await self._mounts.start()
        if self._asgi is None and self._listen is not None:
            self._asgi = AsgiServer(self._mounts, self._listen())
            await self._asgi.start()

    async def _stop(self) -> None:
        """Lets running requests end, then the applications."""
        if self._asgi is not None:
            await self._asgi.stop()
        if self._aiohttp is not None:
            await self._aiohttp.stop()
        await self._mounts.stop()

"""Finds the ASGI application for a path: itself an ASGI application, over those that were mounted.

Served by ``asgi`` in a process and called directly by the testing host. An application sees its own prefix as
``root_path``, so that its routes are written as if it stood at the root. Must not know the session.
"""

from __future__ import annotations

from typing import Any

from ..id import is_below
from .lifespan import AsgiApp, Lifespan, Receive, Scope, Send


class Mounts:
    """The applications of one plugin, by prefix."""

    def __init__(self) -> None:
        self._apps: dict[str, tuple[AsgiApp, Lifespan]] = {}
        self._waiting: list[Lifespan] = []

    def add(self, prefix: str, app: AsgiApp) -> None:
        """Mounts an application; :meth:`start` is what starts it."""
        lifespan = Lifespan(app, prefix)
        self._apps[prefix] = (app, lifespan)
        self._waiting.append(lifespan)

    async def start(self) -> None:
        """Starts every application that was added since."""
        while self._waiting:
            await self._waiting.pop(0).start()

    async def remove(self, prefix: str) -> None:
        """Unmounts the application and lets it end."""
        removed = self._apps.pop(prefix, None)
        if removed is not None:
            await removed[1].stop()

    async def stop(self) -> None:
        """Ends every application."""
        for prefix in tuple(self._apps):
            await self.remove(prefix)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request or WebSocket."""
        path = scope.get("path", "")
        prefix = max((prefix for prefix in self._apps if is_below(path, prefix)), key=len, default=None)
        if prefix is None:
            await _nothing_here(scope, send, path, sorted(self._apps))
            return
        app, lifespan = self._apps[prefix]
        inner: dict[str, Any] = {**scope, "root_path": prefix}
        inner["state"] = {**scope.get("state", {}), **lifespan.state}
        await app(inner, receive, send)


async def _nothing_here(scope: Scope, send: Send, path: str, mounted: list[str]) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1000, "reason": "nothing is mounted here"})
        return
    text = f"nothing is mounted at {path}; this plugin serves {', '.join(mounted) or 'nothing'}\n"
    body = text.encode("utf-8", "replace")
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 404, "headers": headers})
    await send({"type": "http.response.body", "body": body})

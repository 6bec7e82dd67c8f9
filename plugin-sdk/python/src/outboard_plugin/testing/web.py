"""Carries one HTTP request to the applications that a plugin has mounted, without a socket.

Used by the testing host.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from ..http.mounts import Mounts


@dataclass(frozen=True)
class Response:
    """What an application answered, its body read to the end."""

    status: int
    headers: dict[str, str]
    """Names in lower case; values of a repeated header are joined by ``, ``."""
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


async def request(mounts: Mounts, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Response:
    """Sends one request and reads the whole response."""
    parts = urlsplit(url)
    raw_headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    raw_headers += [(b"host", b"127.0.0.1:2066"), (b"content-length", str(len(body)).encode())]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method.upper(),
        "scheme": "http",
        "path": unquote(parts.path),
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "headers": raw_headers,
        "client": ("127.0.0.1", 0),
        "server": ("127.0.0.1", 2066),
    }
    exchange = _Exchange(body)
    await mounts(scope, exchange.receive, exchange.send)
    return exchange.response()


class _Exchange:
    """Both directions of one request."""

    def __init__(self, body: bytes) -> None:
        self._incoming = [{"type": "http.request", "body": body, "more_body": False}]
        self._start: Any = {"status": 500, "headers": []}
        self._pieces: list[bytes] = []
        self._over = asyncio.Event()

    async def receive(self) -> Any:
        if self._incoming:
            return self._incoming.pop()
        await self._over.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self._start = message
        elif message["type"] == "http.response.body":
            self._pieces.append(message.get("body", b""))
            if not message.get("more_body", False):
                self._over.set()

    def response(self) -> Response:
        headers: dict[str, str] = {}
        for raw_name, raw_value in self._start.get("headers", []):
            name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        return Response(self._start["status"], headers, b"".join(self._pieces))

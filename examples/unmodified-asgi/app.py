"""An ordinary ASGI application, as it would run anywhere. Nothing here knows of Outboard."""

import json
import os
from collections.abc import Awaitable, Callable
from typing import Any

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]


async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """``/healthz``, and a page that says what it was asked for."""
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
        return
    if scope["path"] == "/healthz":
        await answer(send, 200, {"status": "fine"})
    elif scope["path"] == "/":
        await answer(send, 200, {"hello": "from an unmodified server", "pid": os.getpid()})
    else:
        await answer(send, 404, {"error": f"nothing is at {scope['path']}"})


async def lifespan(receive: Receive, send: Send) -> None:
    """Up, and down again: uvicorn asks for the second when it gets SIGTERM."""
    while (message := await receive())["type"] != "lifespan.shutdown":
        await send({"type": f"{message['type']}.complete"})
    print("shutting down in good order", flush=True)
    await send({"type": "lifespan.shutdown.complete"})


async def answer(send: Send, status: int, body: dict[str, Any]) -> None:
    """One JSON response."""
    data = json.dumps(body).encode() + b"\n"
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(data)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": data})

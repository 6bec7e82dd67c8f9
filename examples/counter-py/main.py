"""The counter of ../COUNTER.md in Python, with the SDK."""

from __future__ import annotations

from outboard_plugin import Context, Plugin  # First, so that no later import can print into the protocol.

# isort: split
import asyncio
import json
import os
from typing import Any

plugin = Plugin()


@plugin.on_start
async def on_start(ctx: Context) -> None:
    """Reads the count, answers ``add``, and serves the count."""
    count: int = await ctx.config.get("count", 0)
    changing = asyncio.Lock()  # so that what is stored never goes backwards
    ctx.logger.info("Counter", f"at {count}")

    @ctx.ipc.handle("add")
    async def add(*amounts: Any) -> dict[str, int]:
        nonlocal count
        amount = amounts[0] if amounts else await ctx.config.get("step", 1)
        if type(amount) is not int:
            raise ValueError("add takes a whole number")
        async with changing:
            await ctx.config.set("count", count + amount)
            count += amount
            now = {"count": count}
        ctx.ipc.send("count", now)
        return now

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        assert scope["type"] == "http", "there is nothing else here"
        asked = (scope["method"], scope["path"].removeprefix(scope["root_path"]))
        if asked == ("POST", "/crash"):
            os._exit(3)
        status, body = (200, {"count": count}) if asked == ("GET", "/") else (404, {})
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})

    ctx.server.register_app(ctx.plugin.prefix, app)


@plugin.on_resume
async def on_resume(ctx: Context) -> None:
    """After an update: says so, and begins as at any start."""
    ctx.logger.info("Counter", f"resumed from {ctx.resumed_from}")
    await on_start(ctx)


@plugin.on_stop
async def on_stop(ctx: Context) -> None:
    """Nothing is to be kept: the count is on disk already."""
    ctx.logger.info("Counter", "stopped")


if __name__ == "__main__":
    plugin.run()

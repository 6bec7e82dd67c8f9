"""The plugin of the bench in Python: its channel ``rpc`` reads a value of the host's as often as it is told, so many at once."""

import asyncio
import time

from outboard_plugin import Context, Plugin

plugin = Plugin()


@plugin.on_start
async def on_start(ctx: Context) -> None:
    await ctx.config.set("key", "x" * 60)

    @ctx.ipc.handle("rpc")
    async def rpc(calls: int, at_once: int) -> dict[str, float]:
        begun = time.perf_counter()

        async def caller(number: int) -> None:
            for _ in range(number, calls, at_once):
                await ctx.config.get("key")

        await asyncio.gather(*map(caller, range(at_once)))
        return {"seconds": time.perf_counter() - begun}


plugin.run()

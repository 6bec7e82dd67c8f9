"""A landing log as an Outboard plugin: SQLite, a Starlette application, a setting, a channel, and an event for the UIs."""

from __future__ import annotations

from outboard_plugin import Context, Plugin  # First, so that no later import can print into the protocol.

# isort: split
from typing import Any

from landings import Landing, LandingLog
from web import build_app

plugin = Plugin()
log: LandingLog


@plugin.on_start
async def on_start(ctx: Context) -> None:
    """Opens the log, serves it, and answers the channel ``summary``."""
    global log
    log = LandingLog(ctx.database.open("landings.db"))

    async def landed(landing: Landing) -> None:
        hard = landing.rate <= await ctx.config.get("hard_landing_rate")
        if hard:
            ctx.logger.warn("LandingLog", f"{landing.flight} landed hard: {landing.rate:g} ft/min")
        ctx.ipc.send("landed", {**landing.to_json(), "hard": hard})

    @ctx.ipc.handle("summary")
    async def summary() -> dict[str, Any]:
        return log.summary(await ctx.config.get("hard_landing_rate"))

    ctx.server.register_app(ctx.plugin.prefix, build_app(log, landed))
    ctx.logger.info("LandingLog", f"{log.summary(0)['landings']} landings so far")


@plugin.on_stop
def on_stop(ctx: Context) -> None:
    """Closes the database."""
    log.close()


if __name__ == "__main__":
    plugin.run()

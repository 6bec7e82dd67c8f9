"""Outboard plugins in Python.

    from outboard_plugin import Context, Plugin

    plugin = Plugin()

    @plugin.on_start
    async def on_start(ctx: Context) -> None:
        ctx.logger.info("hello", "started")

    plugin.run()

A session in one picture; each box is a module or folder, and knows only what stands below it:

    plugin.Plugin ── hooks ──▶ session.Session ── ctx ──▶ context/  one file a namespace
          │                         │                        │
       process  descriptors,     wire/peer  calls both    http/  the author's web applications
                signals, exit       │       ways, deadlines       on the inherited listener
                                 wire/pipes, frame, message

Importing the package in a process that a host started takes the protocol away from stdin and stdout at once, so that
nothing which is imported or printed afterwards can disturb it.
"""

from __future__ import annotations

from .context import Airline, AirlineName, AirlineResponse, Call, ConsumerAnswer, Context, PluginInfo
from .error import CallError, ErrorReason
from .plugin import Plugin
from .version import SDK_VERSION as __version__
from .wire import descriptors as _descriptors

if _descriptors.started_by_host():
    _descriptors.take()

__all__ = [
    "Airline",
    "AirlineName",
    "AirlineResponse",
    "Call",
    "CallError",
    "ConsumerAnswer",
    "Context",
    "ErrorReason",
    "Plugin",
    "PluginInfo",
    "__version__",
]

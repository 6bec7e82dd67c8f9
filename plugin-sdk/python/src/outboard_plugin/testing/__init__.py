"""Tests of a plugin without a supervisor, a process or a port.

    async with Host(plugin) as host:                       # the handshake, then on_start
        assert await host.invoke("get-status") == {"online": True}
        answer = await host.request("GET", "/status")      # below the plugin's own prefix
        assert host.config["last_sync"] == 1

``host`` plays the supervisor, ``services`` answers what a plugin asks, ``web`` carries requests to its applications. The
messages are those of the wire, encoded and read again, so that what passes here is JSON.
"""

from .host import Host
from .services import Event, LogRecord
from .web import Response

__all__ = ["Event", "Host", "LogRecord", "Response"]

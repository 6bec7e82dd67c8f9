"""Tests of a plugin without a supervisor, a process or a port.

    async with Host(plugin) as host:                       # the handshake, then on_start
        assert await host.invoke("get-status") == {"online": True}
        answer = await host.request("GET", "/status")      # below the plugin's own prefix
        assert host.config["last_sync"] == 1

``host`` plays the supervisor, ``context`` answers what a plugin asks, ``service`` is whoever else takes part in a service, ``web``
carries requests to its applications. The messages are those of the wire, encoded and read again, so that what passes here is JSON.
"""

from .context import Emitted, Event, LogRecord
from .host import Host
from .service import OtherSide
from .web import Response

__all__ = ["Emitted", "Event", "Host", "LogRecord", "OtherSide", "Response"]

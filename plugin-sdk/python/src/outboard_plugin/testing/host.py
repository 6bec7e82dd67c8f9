"""Plays the supervisor for one plugin, in memory. For authors' tests, and for the SDK's own."""

from __future__ import annotations

import asyncio
import json as json_text
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from .. import tagged
from ..context import Airline, Context
from ..error import CallError, ErrorReason
from ..plugin import Plugin
from ..session import Session
from ..version import PROTOCOL_VERSIONS
from ..wire.peer import Peer
from ..wire.pipes import MemoryConnection, memory
from . import web
from .context import Event, LogRecord, World
from .service import OtherSide

# How long a test waits for something that ought to come at once; a guard against hanging, not a measurement.
GUARD = 10.0

T = TypeVar("T")


class Host:
    """A host for one session of one plugin.

    ``async with Host(plugin) as host`` greets and starts it, and stops it at the end; ``Host(plugin)`` with
    :meth:`open`, :meth:`start` and :meth:`stop` takes the steps one by one.
    """

    def __init__(
        self,
        plugin: Plugin,
        *,
        plugin_id: str = "test-plugin",
        version: str = "1.0.0",
        config: Mapping[str, Any] | None = None,
        defaults: Mapping[str, Any] | None = None,
        token: str | None = None,
        airline: Airline | None = None,
        data_dir: Path | None = None,
    ) -> None:
        plugin.check()
        self._plugin = plugin
        self.plugin_id, self.version = plugin_id, version
        self.world = World(dict(config or {}), dict(defaults or {}), token, airline)
        self._own_folder = None if data_dir else tempfile.TemporaryDirectory(prefix="outboard-plugin-")
        self.data_dir = data_dir or Path(self._own_folder.name if self._own_folder else "") / plugin_id
        self._session: Session | None = None
        self._peer: Peer | None = None
        self._connection: MemoryConnection | None = None
        self._started = False
        self._arrived = asyncio.Condition()
        self.handshake: dict[str, Any] = {}

    # --- the life of the plugin ---

    async def open(self, protocol_versions: tuple[int, ...] = PROTOCOL_VERSIONS) -> dict[str, Any]:
        """The handshake; gives the plugin's answer."""
        self._session = Session(self._plugin.hooks, None)
        self._peer = Peer(self.world.answer, self._told)
        ours, theirs = memory()
        self._connection = ours
        ours.receiver, theirs.receiver = self._peer, self._session.peer
        self._peer.connect(ours)
        self._session.connect(theirs)
        self.handshake = await self.call("initialize", self._greeting(protocol_versions))
        return self.handshake

    async def start(self) -> None:
        """Runs ``on_start``; raises the :class:`CallError` that the supervisor would see."""
        await self.call("start", {})
        self._started = True

    async def resume(self, from_version: str) -> None:
        """Runs ``on_resume``."""
        await self.call("resume", {"fromVersion": from_version})
        self._started = True

    async def stop(self, reason: str = "stopped") -> None:
        """Runs ``on_stop`` and ends the session."""
        self._started = False
        try:
            await self.call("stop", {"reason": reason})
        finally:
            # As in a process: what the plugin holds is closed while the wire is still open.
            if self._session is not None:
                await self._session.close()
            await self.close()

    async def close(self) -> None:
        """Ends the session without a stop, as a host does that dies."""
        if self._connection is not None:
            self._connection.close()
        if self._session is not None:
            await self._session.close()
        if self._own_folder is not None:
            self._own_folder.cleanup()

    async def __aenter__(self) -> Host:
        await self.open()
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._started:
            await self.stop()
        else:
            await self.close()

    # --- what a host does to a running plugin ---

    async def call(self, method: str, params: Any, timeout: float = GUARD) -> Any:
        """Any host call."""
        if self._peer is None:
            raise RuntimeError("open the session first: await host.open()")
        return await self._peer.request(method, params, timeout)

    async def ping(self) -> None:
        """Returns when the plugin has answered."""
        await self.call("ping", {})

    async def invoke(self, channel: str, *args: Any) -> Any:
        """What a UI does: calls a channel that the plugin handles."""
        if channel not in self.world.channels:
            handled = ", ".join(sorted(self.world.channels)) or "none"
            raise CallError(
                ErrorReason.NOT_FOUND, f"the plugin does not handle {channel!r}; it handles: {handled}"
            )
        sent = [tagged.encode(arg, f"argument {at}") for at, arg in enumerate(args)]
        return tagged.decode(await self.call("ipc.invoke", {"channel": channel, "args": sent}))

    async def set_config(self, key: str, value: Any) -> None:
        """What a user does in the settings; the plugin's ``on_changed`` functions are called."""
        self.world.config[key] = value
        self.notify("config.changed", {"key": key, "value": value, "deleted": False})
        await self.ping()

    def notify(self, method: str, params: Any) -> None:
        """Any notification of a host."""
        if self._peer is not None:
            self._peer.notify(method, params)

    def service(self, name: str) -> OtherSide:
        """Whoever is at the other end of a service: its provider where the plugin uses it, its consumers where it provides it."""
        return OtherSide(name, self.world, self.call, self.notify, self._next)

    async def request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        json: Any = None,
    ) -> web.Response:
        """An HTTP request to the plugin. A path below none of its prefixes is taken from its first one."""
        if self._session is None:
            raise RuntimeError("open the session first: await host.open()")
        if self._session.server._aiohttp is not None:
            raise RuntimeError("test aiohttp applications with aiohttp.test_utils; this host speaks ASGI")
        prefixes = self.world.prefixes
        if prefixes and not any(path == prefix or path.startswith(f"{prefix}/") for prefix in prefixes):
            path = f"{prefixes[0]}/{path.lstrip('/')}"
        sent = dict(headers or {})
        if json is not None:
            body = json_text.dumps(json).encode()
            sent.setdefault("content-type", "application/json")
        return await web.request(self._session.server._mounts, method, path, sent, body)

    # --- what the test looks at ---

    @property
    def ctx(self) -> Context:
        """The plugin's own ``ctx``."""
        if self._session is None or self._session.ctx is None:
            raise RuntimeError("open the session first: await host.open()")
        return self._session.ctx

    @property
    def config(self) -> dict[str, Any]:
        """What the plugin has set."""
        return self.world.config

    @property
    def events(self) -> list[Event]:
        """What the plugin has pushed to its UIs so far."""
        return self.world.events

    @property
    def logs(self) -> list[LogRecord]:
        """What the plugin has logged so far."""
        return self.world.logs

    async def next_event(self, channel: str) -> Event:
        """The first event on this channel, waited for."""
        return await self._next(lambda: next((e for e in self.events if e.channel == channel), None))

    async def next_log(self, containing: str) -> LogRecord:
        """The first log record whose message contains this text, waited for."""
        return await self._next(lambda: next((r for r in self.logs if containing in r.message), None))

    async def _next(self, find: Callable[[], T | None]) -> T:
        async with self._arrived:
            while (found := find()) is None:
                await asyncio.wait_for(self._arrived.wait(), GUARD)
            return found

    def _told(self, method: str, params: Any) -> None:
        self.world.told(method, params)
        asyncio.get_running_loop().create_task(self._announce())

    async def _announce(self) -> None:
        async with self._arrived:
            self._arrived.notify_all()

    def _greeting(self, protocol_versions: tuple[int, ...]) -> dict[str, Any]:
        return {
            "protocolVersions": list(protocol_versions),
            "host": {"name": "outboard", "version": "0.0.0-testing"},
            "plugin": {
                "id": self.plugin_id,
                "version": self.version,
                "installDir": str(Path.cwd()),
                "dataDir": str(self.data_dir),
            },
            "http": {"baseUrl": "http://127.0.0.1:2066", "prefix": f"/api/{self.plugin_id}"},
            "features": [],
        }

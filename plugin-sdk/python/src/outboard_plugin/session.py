"""One session: what the host calls, in the order in which a plugin lives.

Made by ``process`` over real pipes and by the testing host in memory. Knows the hooks and ``ctx``; must not know
descriptors, signals or how the process ends.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from socket import socket
from typing import Any

from . import threads
from .context import Context, PluginInfo
from .context.server import PluginServer
from .error import CallError, ErrorReason
from .generated.protocol import Hook, InitializeResult
from .version import PROTOCOL_VERSIONS, SDK_VERSION
from .wire.peer import Peer
from .wire.pipes import Connection

# How long on_stop may take when the host has gone without asking: whoever is left ends the process after 2 s.
ORPHANED_STOP = 1.0
# How long cancelled background tasks may take to clean up after themselves.
TASKS_TIMEOUT = 1.0
_URGENT = frozenset({"initialize", "start", "resume", "stop"})
# A plugin's hooks by their names in Python.
Hooks = Mapping[str, Callable[[Context], Any]]
_HOOKS: dict[str, Hook] = {"on_start": "onStart", "on_stop": "onStop", "on_resume": "onResume"}


class _Stage(enum.Enum):
    """How far the session has come; each host call belongs to one stage."""

    OPENED = "before initialize"
    GREETED = "before start"
    STARTING = "starting"
    STARTED = "started"
    FAILED = "whose start failed"
    STOPPED = "stopped"


class Session:
    """A plugin in conversation with one host."""

    def __init__(self, hooks: Hooks, listen: Callable[[], socket] | None) -> None:
        self._hooks, self._listen = hooks, listen
        self._stage = _Stage.OPENED
        # `ping` is the peer's own: it is answered whatever else is under way.
        self._calls: dict[str, Callable[[dict[str, Any]], Awaitable[Any]]] = {
            "initialize": self._initialize,
            "start": lambda _: self._start("on_start", None),
            "resume": lambda params: self._start("on_resume", str(params.get("fromVersion") or "") or None),
            "stop": lambda _: self._stop(),
            "ipc.invoke": self._invoke,
            "service.call": self._called,
        }
        self._notices: dict[str, Callable[[Context, Any], None]] = {
            "config.changed": lambda ctx, params: ctx.config._changed(params),
            "auth.changed": lambda ctx, params: ctx.auth._changed(params),
            "airline.changed": lambda ctx, params: ctx.airline._changed(params),
            "database.quota": lambda ctx, params: ctx.database._quota(params),
            "service.event": lambda ctx, params: ctx._services.told(params),
            "service.changed": lambda ctx, params: ctx._services.changed(params),
            "service.subscribed": lambda ctx, params: ctx._services.subscribed(params),
        }
        self.peer = Peer(self._answer, self._tell, urgent=_URGENT)
        self.server = PluginServer(self.peer, listen)
        self.ctx: Context | None = None
        self.on_greeted: Callable[[Session], None] | None = None
        self.stopped = asyncio.Event()

    def connect(self, connection: Connection) -> None:
        """Begins; the host speaks first."""
        self.peer.connect(connection)

    async def over(self) -> None:
        """Returns when the host has stopped the plugin, or has gone."""
        ends = [asyncio.ensure_future(event.wait()) for event in (self.stopped, self.peer.over)]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.cancel()

    async def close(self) -> None:
        """Closes what the plugin holds: its hook where nobody asked for it, its server, its background tasks."""
        if self._stage is _Stage.STARTED and self.ctx is not None:
            self._stage = _Stage.STOPPED
            hook = self._hooks.get("on_stop")
            if hook is not None:
                await self._orphaned(hook, self.ctx)
        await self.server._stop()
        if self.ctx is not None:
            await self.ctx._end_tasks(TASKS_TIMEOUT)

    async def _orphaned(self, hook: Callable[[Context], Any], ctx: Context) -> None:
        try:
            await asyncio.wait_for(threads.call(hook, ctx), ORPHANED_STOP)
        except (Exception, asyncio.CancelledError) as error:
            asyncio.get_running_loop().call_exception_handler(
                {"message": "on_stop failed after the host had gone", "exception": error}
            )

    async def _answer(self, method: str, params: dict[str, Any]) -> Any:
        serve = self._calls.get(method)
        if serve is None:
            raise CallError(
                ErrorReason.METHOD_NOT_FOUND, f"this plugin's SDK does not know the method {method!r:.100}"
            )
        return await serve(params)

    def _tell(self, method: str, params: dict[str, Any]) -> None:
        take = self._notices.get(method)
        if take is None or self.ctx is None:
            return
        try:
            take(self.ctx, params)
        except (KeyError, TypeError) as error:
            self.ctx.logger.warn("outboard", f"the host's {method} is not in order: {error!r}")

    async def _invoke(self, params: dict[str, Any]) -> Any:
        if self.ctx is None:
            raise self._out_of_order("ipc.invoke")
        return await self.ctx.ipc._invoke(params)

    async def _called(self, params: dict[str, Any]) -> Any:
        if self.ctx is None:
            raise self._out_of_order("service.call")
        return await self.ctx._services.called(params)

    async def _initialize(self, params: dict[str, Any]) -> InitializeResult:
        if self._stage is not _Stage.OPENED:
            raise self._out_of_order("initialize")
        offered = params.get("protocolVersions")
        common = [
            version for version in PROTOCOL_VERSIONS if isinstance(offered, list) and version in offered
        ]
        if not common:
            raise _no_common_version(offered)
        try:
            told, http = params["plugin"], params["http"]
            info = PluginInfo(
                id=told["id"],
                version=told["version"],
                install_dir=Path(told["installDir"]),
                data_dir=Path(told["dataDir"]),
                base_url=http["baseUrl"],
                prefix=http["prefix"],
            )
        except (KeyError, TypeError) as error:
            raise CallError(ErrorReason.INVALID_PARAMS, f"initialize lacks the member {error}") from error
        self.ctx = Context(self.peer, info, self.server)
        self._stage = _Stage.GREETED
        if self.on_greeted is not None:
            self.on_greeted(self)
        return {
            "protocolVersion": max(common),
            "sdk": {"name": "outboard-plugin", "version": SDK_VERSION, "language": "python"},
            "hooks": [_HOOKS[name] for name in _HOOKS if name in self._hooks],
            "features": [],
        }

    async def _start(self, name: str, resumed_from: str | None) -> dict[str, Any]:
        if self._stage is not _Stage.GREETED or self.ctx is None:
            raise self._out_of_order("start" if name == "on_start" else "resume")
        hook = self._hooks.get(name)
        if hook is None:
            raise CallError(ErrorReason.METHOD_NOT_FOUND, f"this plugin has no {name}")
        self._stage = _Stage.STARTING
        self.ctx.resumed_from = resumed_from
        try:
            await threads.call(hook, self.ctx)
            await self.ctx.ipc._pledges.kept()
            await self.ctx._services.pledges.kept()
            await self.server._settled()
        except BaseException:
            self._stage = _Stage.FAILED
            raise
        self._stage = _Stage.STARTED
        return {}

    async def _stop(self) -> dict[str, Any]:
        if self._stage is not _Stage.STARTED or self.ctx is None:
            raise self._out_of_order("stop")
        self._stage = _Stage.STOPPED
        hook = self._hooks.get("on_stop")
        try:
            if hook is not None:
                await threads.call(hook, self.ctx)
        finally:
            # In the next turn of the loop, so that the answer goes out before the process begins to close.
            asyncio.get_running_loop().call_soon(self.stopped.set)
        return {}

    def _out_of_order(self, method: str) -> CallError:
        return CallError(ErrorReason.CONFLICT, f"{method} does not fit a plugin that is {self._stage.value}")


def _no_common_version(offered: Any) -> CallError:
    ours = ", ".join(map(str, PROTOCOL_VERSIONS))
    versions = (
        [version for version in offered if isinstance(version, int)] if isinstance(offered, list) else []
    )
    older = versions and max(versions) < min(PROTOCOL_VERSIONS)
    side = "the host" if older or not versions else "the plugin's SDK, outboard-plugin,"
    return CallError(
        ErrorReason.CONFLICT,
        f"no common protocol version: the host speaks {versions}, this plugin speaks {ours}; upgrade {side}",
        {"protocolVersions": list(PROTOCOL_VERSIONS)},
    )

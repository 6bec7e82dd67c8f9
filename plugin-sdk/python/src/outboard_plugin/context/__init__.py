"""``ctx``: what a plugin may ask of its host, one file a namespace, named as the author sees it.

Made by the session after the handshake and handed to every hook. A namespace knows its own methods and the peer, and no
other namespace.
"""

from __future__ import annotations

import asyncio
import difflib
import threading
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from .. import threads
from ..error import text_of
from ..wire.peer import Peer
from .airline import AirlineResponse, PluginAirline
from .auth import PluginAuth
from .binding import Airline, AirlineName
from .config import PluginConfig
from .database import PluginDatabase
from .ipc import PluginIpc
from .logger import PluginLogger
from .server import PluginServer
from .service import Call, ConsumerAnswer, PluginService
from .services import Services

__all__ = [
    "Airline",
    "AirlineName",
    "AirlineResponse",
    "Call",
    "ConsumerAnswer",
    "Context",
    "PluginAirline",
    "PluginAuth",
    "PluginConfig",
    "PluginDatabase",
    "PluginInfo",
    "PluginIpc",
    "PluginLogger",
    "PluginServer",
    "PluginService",
]

T = TypeVar("T")


@dataclass(frozen=True)
class PluginInfo:
    """What the host said about this plugin in the handshake."""

    id: str
    version: str
    install_dir: Path
    data_dir: Path
    """The plugin's own folder for what it keeps; made on first use by ``ctx.database.open``, or by the plugin itself."""
    base_url: str
    """Origin of the supervisor, without a slash at the end."""
    prefix: str
    """The plugin's own prefix, ``/api/<id>``."""


class Context:
    """The seven namespaces, the services of others by name, and what is needed beside them."""

    def __init__(self, peer: Peer, plugin: PluginInfo, server: PluginServer) -> None:
        self._peer = peer
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._tasks: set[asyncio.Task[Any]] = set()
        self.plugin = plugin
        self.resumed_from: str | None = None
        self.logger = PluginLogger(peer)
        self.config = PluginConfig(peer)
        self.ipc = PluginIpc(peer, self.logger)
        self.auth = PluginAuth(peer)
        self.airline = PluginAirline(peer)
        self.database = PluginDatabase(peer, self.logger, plugin.data_dir, self.create_task)
        self.server = server
        self._services = Services(peer, self.logger, self.create_task)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Asked for what is not there. ``hasattr`` and ``getattr`` with a default tell without an error."""
            raise AttributeError(
                _absent(name, [*(known for known in vars(self) if known[0] != "_"), "service"])
            )

    def service(self, name: str) -> PluginService:
        """A service by its name: to call it, to listen to it, or to provide it. Asks nobody, and may be made as often as wanted."""
        return PluginService(self._peer, self.logger, self._services, name)

    def create_task(self, coroutine: Coroutine[Any, Any, T], *, name: str | None = None) -> None:
        """Runs something in the background until it ends or the plugin stops; from any thread.

        An exception in it is logged with its traceback when it happens, and ends nothing else.
        """
        if threading.get_ident() == self._thread:
            self._create_task(coroutine, name)
        else:
            self._loop.call_soon_threadsafe(self._create_task, coroutine, name)

    def wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """For plain functions, which run in threads: ``ctx.wait(ctx.config.get("interval"))``."""
        return threads.wait(self._loop, self._thread, coroutine)

    def progress(self, message: str | None = None) -> bool:
        """Says that the hook or channel which is running now is still at work: its deadline starts anew."""
        return self._peer.progress(message)

    def _create_task(self, coroutine: Coroutine[Any, Any, Any], name: str | None) -> None:
        task = self._loop.create_task(coroutine, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._task_ended)

    def _task_ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self.logger.error(
                "task", f"the background task {task.get_name()!r} failed: {text_of(error)}", error
            )

    async def _end_tasks(self, timeout: float) -> None:
        """Cancels what runs in the background, and waits for it within the limit."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=timeout)


def _absent(name: str, names: list[str]) -> str:
    """Without the object at the exception, Python adds no guess of its own to this one."""
    near = difflib.get_close_matches(name, names, 1)
    meant = f"did you mean ctx.{near[0]}?" if near else f"ctx has {', '.join(names)}"
    return f'this host has no ctx.{name}; getattr(ctx, "{name}", None) does without it; {meant}'

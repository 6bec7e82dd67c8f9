"""``ctx.ipc``: messages between a plugin and its own UIs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, overload

from .. import id as names
from .. import tagged, threads
from ..error import CallError, ErrorReason
from ..generated.protocol import IpcSendParams, PluginSide
from .logger import PluginLogger
from .pledges import Pledges

F = TypeVar("F", bound=Callable[..., Any])


class PluginIpc:
    """Channels that UIs call, and events that they get. Names are leaf names: the plugin's prefix is added by the host."""

    def __init__(self, peer: PluginSide, logger: PluginLogger) -> None:
        self._peer, self._logger = peer, logger
        self._functions: dict[str, Callable[..., Any]] = {}
        self._pledges = Pledges()

    @overload
    def handle(self, channel: str, function: F) -> F: ...
    @overload
    def handle(self, channel: str) -> Callable[[F], F]: ...
    def handle(self, channel: str, function: F | None = None) -> F | Callable[[F], F]:
        """Answers ``invoke(channel, …args)`` of a UI with ``function(*args)``; usable as a decorator.

        A plain function runs in a thread, a coroutine function on the loop. It may return JSON, dates, sets, bytes and
        dicts of any keys; what it raises reaches the caller.
        """
        names.channel(channel)
        if function is None:
            return lambda given: self.handle(channel, given)
        if not callable(function):
            raise TypeError(
                f"ctx.ipc.handle({channel!r}, …) needs a function, and got a {type(function).__name__}"
            )
        known = channel in self._functions
        self._functions[channel] = function
        if not known:
            self._pledges.add(lambda: self._peer.request("ipc.handle", {"channel": channel}))
        return function

    def remove_handler(self, channel: str) -> None:
        """Answers this channel no longer."""
        if self._functions.pop(names.channel(channel), None) is not None:
            self._pledges.add(lambda: self._peer.request("ipc.removeHandler", {"channel": channel}))

    def send(self, channel: str, payload: Any = None, *, retain: bool = False) -> None:
        """Pushes an event to every connected UI of this plugin; fire and forget, from any thread.

        With ``retain`` it is kept as the channel's last value: a UI that connects later gets it at once, also after a restart of
        the plugin. None forgets what was kept.
        Raises :class:`CallError` for a bad channel name, and for a payload that cannot be cloned (its path is named).
        """
        event: IpcSendParams = {"channel": names.channel(channel), "payload": tagged.encode(payload)}
        if retain:
            event["retain"] = True
        if not self._peer.notify("ipc.send", event):
            self._logger.warn(
                "ipc", f"an event on {channel!r} was dropped: the host does not take them fast enough"
            )

    async def _invoke(self, params: Any) -> Any:
        channel, args = params.get("channel"), params.get("args") or []
        if not isinstance(channel, str) or not isinstance(args, list):
            raise CallError(
                ErrorReason.INVALID_PARAMS, "ipc.invoke needs `channel`, a string, and `args`, a list"
            )
        function = self._functions.get(channel)
        if function is None:
            handled = ", ".join(sorted(self._functions)) or "none"
            raise CallError(
                ErrorReason.NOT_FOUND, f"no handler for the channel {channel!r}; there are: {handled}"
            )
        result = await threads.call(function, *map(tagged.decode, args))
        return tagged.encode(result, "the result")

"""``ctx.service``: what only the host application or another plugin knows, and what this plugin provides to others."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, overload

from .. import id as names
from .. import tagged
from ..error import CallError, ErrorReason
from ..generated.protocol import ServiceAskParams, ServiceCallParams, ServiceEmitParams
from ..wire.peer import CALL_TIMEOUT, Peer
from .logger import PluginLogger
from .services import Call, Key, Services

__all__ = ["Call", "ConsumerAnswer", "PluginService"]

F = TypeVar("F", bound=Callable[..., Any])

# How much longer than the host a call waits, so that the host's own word on a late answer arrives.
BEYOND = 1.0
# As long as anything may wait for a person, in seconds; the host's own figure.
LONGEST = 3600.0
# How long a consumer may take that is asked, where the provider says nothing; the host's own figure.
ASK_TIMEOUT = 5.0


class ConsumerAnswer(NamedTuple):
    """What came of :meth:`PluginService.ask`."""

    value: Any
    """What the consumer answered, or the default."""
    because: str | None
    """Why it is the default; None where the consumer answered."""


class PluginService:
    """A service by its name. The first half is for those that use it, the second for the plugin that provides it."""

    def __init__(self, peer: Peer, logger: PluginLogger, services: Services, name: str) -> None:
        self._peer, self._logger, self._services = peer, logger, services
        self.name = names.service(name)

    # --- to use it ---

    async def call(self, method: str, params: Any = None, *, timeout: float | None = None) -> Any:
        """Calls a method and gives its result. ``timeout`` is in seconds: 30 unless said, an hour at most; say it where the
        answer waits for a person. Values may hold what those of ``ctx.ipc`` may: dates, sets, bytes, dicts of any keys.

        Raises :class:`CallError` with the provider's own error, or with ``no_provider`` where nobody provides the service,
        ``unavailable`` (retryable) where its provider is gone or does not come, ``timeout``, ``limit_exceeded``.
        Cancelling the task withdraws the call.
        """
        asked: ServiceCallParams = {"service": self.name, "method": names.service_member(method)}
        if params is not None:
            asked["params"] = tagged.encode(params, "params")
        if timeout is not None:
            asked["timeoutMs"] = _milliseconds("call", timeout)
        wait = (timeout or CALL_TIMEOUT) + BEYOND
        return tagged.decode(await self._peer.request("service.call", asked, wait))

    def on(self, event: str, function: Callable[[Any], Any]) -> Callable[[], None]:
        """From now on ``function(payload)`` hears every event of this name, whoever provides the service, now or later. Gives a
        function that ends it.

        A plain function runs in a thread, a coroutine function on the loop; one event after the other, in the order of the
        provider. What it raises is logged. In ``on_start`` this returns at once: the start is answered when every
        subscription has succeeded, and fails when one has not.
        """
        return self._services.listen(self._key("on", event, function), function)

    def answer(self, event: str, function: Callable[[Any], Any]) -> Callable[[], None]:
        """From now on ``function(payload)`` answers where the provider asks this plugin by an event, such as whether something
        may begin. Gives a function that ends it; a later one takes its place.

        Where it raises, the provider's own default counts; so it does where the answer comes too late.
        """
        return self._services.answer_with(self._key("answer", event, function), function)

    def on_changed(self, function: F) -> F:
        """Decorator: called as ``function(state, because)`` when a service that the plugin listens to is ``"available"``,
        ``"starting"``, ``"unavailable"`` or ``"unprovided"``; ``because`` says why, and is None while it is available."""
        self._services.observe(self.name, "service.changed", _callable("on_changed", function, 2))
        return function

    # --- to provide it ---

    @overload
    def provide(self, method: str, function: F) -> F: ...
    @overload
    def provide(self, method: str) -> Callable[[F], F]: ...
    def provide(self, method: str, function: F | None = None) -> F | Callable[[F], F]:
        """Answers this method for every consumer with ``function(call)``, a :class:`Call` with ``params`` and ``caller``;
        usable as a decorator. The manifest has to name the service in ``provides``.

        Calls run side by side; one that its maker withdraws is cancelled. What the function raises reaches the caller.
        Provide in ``on_start``: consumers are let in once that is over.
        """
        names.service_member(method)
        if function is None:
            return lambda given: self.provide(method, given)
        self._services.provide(self._key("provide", method, function), function)
        return function

    def emit(self, event: str, payload: Any = None, *, to: str | None = None, latest: bool = False) -> None:
        """Tells an event to every consumer that listens, or to the plugin ``to`` alone; fire and forget, from any thread.

        With ``latest`` only the newest counts: a slow consumer never has a backlog of it.
        """
        emitted: ServiceEmitParams = {"service": self.name, "event": names.service_member(event)}
        emitted["payload"] = tagged.encode(payload)
        if to is not None:
            emitted["to"] = to
        if latest:
            emitted["latest"] = True
        if not self._peer.notify("service.emit", emitted):
            self._logger.warn(
                "service",
                f"an event {event!r} of {self.name} was dropped: the host does not take them fast enough",
            )

    async def ask(
        self, to: str, event: str, payload: Any = None, *, timeout: float = ASK_TIMEOUT, default: Any = None
    ) -> ConsumerAnswer:
        """Asks the plugin ``to`` by an event that it answers. Where no answer comes within ``timeout`` seconds, or no good one,
        ``default`` is the value, and ``because`` says why: this raises only where the question could not be put."""
        asked: ServiceAskParams = {"service": self.name, "event": names.service_member(event), "to": to}
        asked["payload"] = tagged.encode(payload)
        asked["default"] = tagged.encode(default, "default")
        asked["timeoutMs"] = _milliseconds("ask", timeout)
        answer = await self._peer.request("service.ask", asked, timeout + BEYOND)
        return ConsumerAnswer(tagged.decode(answer.get("value")), answer.get("because"))

    def on_subscribed(self, function: F) -> F:
        """Decorator: called as ``function(event, consumers)`` with the ids of the plugins that listen to an event, whenever that
        changes and at the start for each that is wanted: an event that nobody hears need not be made."""
        self._services.observe(self.name, "service.subscribed", _callable("on_subscribed", function, 2))
        return function

    def _key(self, verb: str, member: str, function: Any) -> Key:
        names.service_member(member)
        _callable(f"{verb}({member!r}, …)", function, 1)
        return self.name, member


def _callable(of: str, function: Any, takes: int) -> Any:
    """A function that takes so many arguments: a mistake is told where it was made, not when the first event comes."""
    if not callable(function):
        raise TypeError(f"ctx.service: {of} needs a function, and got a {type(function).__name__}")
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return function  # Written in C: it cannot be told.
    try:
        signature.bind(*[None] * takes)
    except TypeError as error:
        what = "one argument" if takes == 1 else f"{takes} arguments"
        raise TypeError(f"ctx.service: {of} needs a function of {what}: {error}") from error
    return function


def _milliseconds(verb: str, timeout: float) -> int:
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not 0 < timeout <= LONGEST:
        raise CallError(
            ErrorReason.INVALID_PARAMS,
            f"service.{verb}: timeout {timeout!r:.40} is not a number of seconds above 0 and up to {LONGEST:g}, an hour",
        )
    return math.ceil(timeout * 1000)

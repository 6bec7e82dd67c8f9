"""The services that a plugin provides and listens to, and the author's functions for both.

Filled by ``ctx.service``, asked by the session. Must not know how a call or an event gets here.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .. import tagged, threads
from ..error import CallError, ErrorReason, text_of
from ..generated.protocol import (
    PluginSide,
    ServiceChangedParams,
    ServiceEventParams,
    ServiceReplyParams,
    ServiceSubscribedParams,
)
from .listener import CreateTask, Listener
from .logger import PluginLogger
from .pledges import Pledges

# Questions of providers that are worked on at a time; further ones are answered with an error, and the provider's default counts.
ANSWERING_MAX = 256

Key = tuple[str, str]
"""A service, and one of its methods or events."""


@dataclass(frozen=True)
class Call:
    """A call of a service that this plugin provides."""

    params: Any
    """What the method takes, as its consumer sent it; None where it sent nothing."""
    caller: str
    """The plugin whose call it is. The host says so; nothing in ``params`` can."""


@dataclass
class _Topic:
    """One event that the plugin wants, and whether the host knows."""

    listeners: list[Listener] = field(default_factory=list)
    answer: Callable[[Any], Any] | None = None
    subscribed: bool = False
    missed: bool = False
    agreeing: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def wanted(self) -> bool:
        return bool(self.listeners) or self.answer is not None


class Services:
    """What the plugin provides, and what it listens to."""

    def __init__(self, peer: PluginSide, logger: PluginLogger, create_task: CreateTask) -> None:
        self._peer, self._logger, self._create_task = peer, logger, create_task
        self._methods: dict[Key, Callable[[Call], Any]] = {}
        self._topics: dict[Key, _Topic] = {}
        self._observers: dict[Key, list[Listener]] = {}
        self._answering = 0
        # An author's plain functions add listeners from threads of their own.
        self._lock = threading.Lock()
        self.pledges = Pledges()

    # --- filled by the author ---

    def provide(self, key: Key, function: Callable[[Call], Any]) -> None:
        """From now on this answers the method, in place of what answered before."""
        self._methods[key] = function

    def listen(self, key: Key, function: Callable[[Any], Any]) -> Callable[[], None]:
        """Gives what ends it. The host is told of the first listener of an event, and when the last has gone."""
        listener = self._listener(key, "a listener to", function)
        with self._lock:
            self._topics.setdefault(key, _Topic()).listeners.append(listener)
        self._tell_wanted(key)

        def off() -> None:
            listener.end()
            with self._lock:
                topic = self._topics.get(key)
                if topic is None or listener not in topic.listeners:
                    return
                topic.listeners.remove(listener)
            self._tell_wanted(key)

        return off

    def answer_with(self, key: Key, function: Callable[[Any], Any]) -> Callable[[], None]:
        """Gives what ends it; a later one takes the place of the one before."""
        with self._lock:
            self._topics.setdefault(key, _Topic()).answer = function
        self._tell_wanted(key)

        def off() -> None:
            with self._lock:
                topic = self._topics.get(key)
                if topic is None or topic.answer is not function:
                    return
                topic.answer = None
            self._tell_wanted(key)

        return off

    def observe(self, service: str, what: str, function: Callable[..., Any]) -> None:
        """``what`` is the notification: ``service.changed`` or ``service.subscribed``."""
        observer = self._listener((service, what), "a function for", function)
        with self._lock:
            self._observers.setdefault((service, what), []).append(observer)

    # --- asked by the session ---

    async def called(self, params: dict[str, Any]) -> Any:
        """Answers a consumer's call."""
        service, method, caller = params.get("service"), params.get("method"), params.get("caller")
        if not isinstance(service, str) or not isinstance(method, str) or not isinstance(caller, str):
            raise CallError(
                ErrorReason.INVALID_PARAMS, "service.call needs `service`, `method` and `caller`, each a text"
            )
        function = self._methods.get((service, method))
        if function is None:
            raise self._no_method(service, method)
        result = await threads.call(function, Call(tagged.decode(params.get("params")), caller))
        return tagged.encode(result, "the result")

    def told(self, params: ServiceEventParams) -> None:
        """Takes an event. One that nobody here wants is passed over: it was sent before the host heard so."""
        key, answer = (params["service"], params["event"]), params.get("answer")
        payload = tagged.decode(params.get("payload"))
        with self._lock:
            topic = self._topics.get(key)
            listeners = tuple(topic.listeners) if topic else ()
        if topic is not None and params.get("missed", 0) and not topic.missed:
            topic.missed = True
            self._logger.warn("service", f"{_named(key)}: the host left events out, since too many waited")
        for listener in listeners:
            listener.hear(payload)
        if answer is not None:
            self._create_task(self._reply(key, topic.answer if topic else None, payload, answer))

    def changed(self, params: ServiceChangedParams) -> None:
        """Takes news of a service."""
        self._announce((params["service"], "service.changed"), params["state"], params.get("because"))

    def subscribed(self, params: ServiceSubscribedParams) -> None:
        """Takes news of consumers."""
        self._announce((params["service"], "service.subscribed"), params["event"], list(params["consumers"]))

    # --- within ---

    def _announce(self, key: Key, *args: Any) -> None:
        for observer in tuple(self._observers.get(key, ())):
            observer.hear(*args)

    def _tell_wanted(self, key: Key) -> None:
        self.pledges.add(lambda: self._agree(key))

    async def _agree(self, key: Key) -> None:
        """Tells the host whether an event is wanted, one word at a time: calls are not bound to their order."""
        topic = self._topics.get(key)
        if topic is None:
            return
        async with topic.agreeing:
            wanted = topic.wanted
            if wanted == topic.subscribed:
                return
            service, event = key
            # Whatever becomes of it, the host is to be told that nobody listens any more.
            topic.subscribed = wanted
            try:
                if wanted:
                    await self._peer.request("service.subscribe", {"service": service, "event": event})
                else:
                    await self._peer.request("service.unsubscribe", {"service": service, "event": event})
            except CallError:
                topic.subscribed = False
                raise
            with self._lock:
                if not topic.wanted and not topic.subscribed and self._topics.get(key) is topic:
                    del self._topics[key]

    async def _reply(
        self, key: Key, function: Callable[[Any], Any] | None, payload: Any, answer: str
    ) -> None:
        reply: ServiceReplyParams = {"answer": answer}
        try:
            reply["result"] = await self._answer(key, function, payload)
        except Exception as error:
            reply["error"] = CallError.from_exception(error).to_wire()  # type: ignore[typeddict-item]
            if function is not None:
                self._failed(key, "the answer to", error)
        self._peer.notify("service.reply", reply)

    async def _answer(self, key: Key, function: Callable[[Any], Any] | None, payload: Any) -> Any:
        if function is None:
            raise CallError(ErrorReason.NOT_FOUND, f"this plugin does not answer {_named(key)}")
        if self._answering >= ANSWERING_MAX:
            raise CallError(
                ErrorReason.LIMIT_EXCEEDED, f"{ANSWERING_MAX} questions are being answered already"
            )
        self._answering += 1
        try:
            result = await threads.call(function, payload)
        finally:
            self._answering -= 1
        return tagged.encode(result, "the answer")

    def _listener(self, key: Key, role: str, function: Callable[..., Any]) -> Listener:
        return Listener(
            function,
            self._create_task,
            lambda error: self._failed(key, role, error),
            lambda: self._logger.warn(
                "service",
                f"{role} {_named(key)} is slower than its events: the oldest that wait are left out",
            ),
        )

    def _failed(self, key: Key, role: str, error: Exception) -> None:
        self._logger.error("service", f"{role} {_named(key)} failed: {text_of(error)}", error)

    def _no_method(self, service: str, method: str) -> CallError:
        there = sorted(name for known, name in tuple(self._methods) if known == service)
        return CallError(
            ErrorReason.METHOD_NOT_FOUND,
            f"service {service} has no method {method!r:.140}; it has: {', '.join(there) or 'none'}",
        )


def _named(key: Key) -> str:
    service, member = key
    return f"{member!r} of {service}"

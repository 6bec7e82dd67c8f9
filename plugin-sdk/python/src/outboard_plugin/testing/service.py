"""Whoever is at the other end of a service, played by the test.

Given by the testing host for a name. Where the plugin uses the service it is the provider; where the plugin provides it, it is
the consumers.
"""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from .. import tagged
from ..error import CallError
from .context import Emitted, Method, World

_numbers = itertools.count(1)


class OtherSide:
    """A handle; asking the host for it again gives the same service."""

    def __init__(
        self,
        name: str,
        world: World,
        call: Callable[[str, Any], Awaitable[Any]],
        notify: Callable[[str, Any], None],
        until: Callable[[Callable[[], Any]], Awaitable[Any]],
    ) -> None:
        self.name, self._world = name, world
        self._call, self._notify, self._until = call, notify, until

    # --- as the provider ---

    def provide(self, methods: Mapping[str, Method]) -> None:
        """Answers what the plugin calls: functions of the parameters, coroutine functions too, by the method's name."""
        self._world.services.setdefault(self.name, {}).update(methods)

    @property
    def subscriptions(self) -> set[str]:
        """The events that the plugin is subscribed to."""
        return {event for service, event in self._world.subscriptions if service == self.name}

    def emit(self, event: str, payload: Any = None) -> None:
        """Tells the plugin an event, whether or not it is subscribed."""
        self._notify(
            "service.event", {"service": self.name, "event": event, "payload": tagged.encode(payload)}
        )

    async def ask(self, event: str, payload: Any = None) -> Any:
        """Asks the plugin by an event, and gives its answer; raises the :class:`CallError` of a plugin that gives none."""
        answer = f"question-{next(_numbers)}"
        told = {"service": self.name, "event": event, "payload": tagged.encode(payload), "answer": answer}
        self._notify("service.event", told)
        replies = self._world.replies
        reply: Mapping[str, Any] = await self._until(
            lambda: next((reply for reply in replies if reply["answer"] == answer), None)
        )
        if reply.get("error") is not None:
            raise CallError.from_wire(reply["error"])
        return tagged.decode(reply.get("result"))

    def changed(self, state: str, because: str | None = None) -> None:
        """Says what has become of the service: ``available``, ``starting``, ``unavailable`` or ``unprovided``."""
        told = {"service": self.name, "state": state}
        self._notify("service.changed", told if because is None else {**told, "because": because})

    # --- as the consumers ---

    async def call(self, method: str, params: Any = None, *, caller: str = "other-plugin") -> Any:
        """Calls what the plugin provides, as another plugin would."""
        sent = tagged.encode(params, "params")
        asked = {"service": self.name, "method": method, "params": sent, "caller": caller}
        return tagged.decode(await self._call("service.call", asked))

    def subscribed(self, event: str, *consumers: str) -> None:
        """Says who listens to an event now."""
        self._notify("service.subscribed", {"service": self.name, "event": event, "consumers": [*consumers]})

    @property
    def emitted(self) -> list[Emitted]:
        """What the plugin has told so far."""
        return [emitted for emitted in self._world.emitted if emitted.service == self.name]

    async def next_emitted(self, event: str) -> Emitted:
        """The first event of this name, waited for."""
        found: Emitted = await self._until(lambda: next((e for e in self.emitted if e.event == event), None))
        return found

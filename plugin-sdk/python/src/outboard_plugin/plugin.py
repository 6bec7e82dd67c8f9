"""What an author writes against: a plugin and its hooks.

``Plugin`` gathers the hooks and checks them where they are given; ``run`` hands them to the process. Must not know the wire.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from .context import Context

Hook = Callable[[Context], Any]
H = TypeVar("H", bound=Callable[[Context], Any])


class Plugin:
    """A plugin: give it hooks, then :meth:`run` it.

    A hook is a coroutine function or a plain one and takes ``ctx``. Plain ones run in a thread, where ``ctx.wait`` makes
    the asynchronous calls of ``ctx``.
    """

    def __init__(self) -> None:
        self.hooks: dict[str, Hook] = {}

    def on_start(self, function: H) -> H:
        """Decorator, required: runs at the start; what it raises marks the plugin as errored, without a restart."""
        return self._hook("on_start", function)

    def on_stop(self, function: H) -> H:
        """Decorator: runs at the stop, within the host's grace (5 s unless set otherwise)."""
        return self._hook("on_stop", function)

    def on_resume(self, function: H) -> H:
        """Decorator: runs in place of ``on_start`` after an update; ``ctx.resumed_from`` is the version before it."""
        return self._hook("on_resume", function)

    def run(self) -> None:
        """Speaks with the host until it ends the plugin, then returns. Called by hand, it says so and exits."""
        from .process import run

        self.check()
        run(self.hooks)

    def check(self) -> None:
        """Raises where the plugin is not complete."""
        if "on_start" not in self.hooks:
            raise TypeError("this plugin has no on_start: give it one with @plugin.on_start")

    def _hook(self, name: str, function: H) -> H:
        if not callable(function):
            raise TypeError(f"{name} must be a function, and is a {type(function).__name__}")
        place = _place(function)
        if name in self.hooks:
            raise TypeError(f"{name} is given twice: {_place(self.hooks[name])} and {place}")
        try:
            inspect.signature(function).bind(None)
        except TypeError as error:
            raise TypeError(f"{name} ({place}) must take one argument, ctx: {error}") from error
        self.hooks[name] = function
        return function


def _place(function: Any) -> str:
    code = getattr(function, "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code else repr(function)

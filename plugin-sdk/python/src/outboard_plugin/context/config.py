"""``ctx.config``: a plugin's own durable key-value store. A plugin can name only its own keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from .. import id as names
from ..carried import LEVELS_MAX
from ..error import CallError, ErrorReason
from ..generated.protocol import ConfigChangedParams, ConfigGetParams, PluginSide
from ..wire.message import where_not_json
from .changes import Changes

F = TypeVar("F", bound=Callable[..., Any])


class PluginConfig:
    """JSON values by key."""

    def __init__(self, peer: PluginSide) -> None:
        self._peer = peer
        self._changes = Changes()

    async def get(self, key: str, default: Any = None) -> Any:
        """What was set, else the default that the manifest declares, else ``default``."""
        params: ConfigGetParams = {"key": names.config_key(key)}
        if default is not None:
            params["default"] = default
        return (await self._peer.request("config.get", params))["value"]

    async def set(self, key: str, value: Any) -> None:
        """Returns when the value is on disk. What JSON cannot hold is refused by its path: a set, a datetime, NaN, a key that is
        not text. A tuple comes back as a list."""
        names.config_key(key)
        odd = where_not_json(value, "value", LEVELS_MAX)
        if odd is not None:
            raise CallError(ErrorReason.INVALID_PARAMS, f"config.set({key!r}): {odd}")
        await self._peer.request("config.set", {"key": key, "value": value})

    async def delete(self, key: str) -> bool:
        """Returns when the deletion is on disk: whether there was a value."""
        return (await self._peer.request("config.delete", {"key": names.config_key(key)}))["deleted"]

    async def get_all(self) -> dict[str, Any]:
        """Every key with its value, the manifest's defaults included."""
        return (await self._peer.request("config.getAll"))["values"]

    def on_changed(self, function: F) -> F:
        """Decorator: called as ``function(key, value)`` after a change by whomever; a deletion gives what is left."""
        return self._changes.add(function)

    def _changed(self, params: ConfigChangedParams) -> None:
        self._changes.publish(params["key"], params["value"])

"""``ctx.auth``: read-only access to the host's sign-in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ..generated.protocol import AuthChangedParams, PluginSide
from .changes import Changes

F = TypeVar("F", bound=Callable[..., Any])


class PluginAuth:
    """For calls to the airline prefer ``ctx.airline.create_client()``: it renews the token on a 401."""

    def __init__(self, peer: PluginSide) -> None:
        self._peer = peer
        self._changes = Changes()

    async def is_authenticated(self) -> bool:
        """Whether somebody is signed in."""
        return (await self._peer.request("auth.isAuthenticated"))["authenticated"]

    async def get_token(self) -> str | None:
        """The host's bearer token; None when nobody is signed in."""
        return (await self._peer.request("auth.getToken"))["token"]

    def on_changed(self, function: F) -> F:
        """Decorator: called as ``function(authenticated)`` after a sign-in or sign-out."""
        return self._changes.add(function)

    def _changed(self, params: AuthChangedParams) -> None:
        self._changes.publish(params["authenticated"])

"""``ctx.auth``: read-only access to the host's sign-in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ..wire.peer import Peer
from .changes import Changes

F = TypeVar("F", bound=Callable[..., Any])


class PluginAuth:
    """For calls to the airline prefer ``ctx.airline.create_client()``: it renews the token on a 401."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._changes = Changes()

    async def is_authenticated(self) -> bool:
        """Whether somebody is signed in."""
        return bool((await self._peer.request("auth.isAuthenticated"))["authenticated"])

    async def get_token(self) -> str | None:
        """The host's bearer token; None when nobody is signed in."""
        token = (await self._peer.request("auth.getToken"))["token"]
        return None if token is None else str(token)

    def on_changed(self, function: F) -> F:
        """Decorator: called as ``function(authenticated)`` after a sign-in or sign-out."""
        return self._changes.add(function)

    def _changed(self, params: dict[str, Any]) -> None:
        self._changes.publish(bool(params.get("authenticated")))

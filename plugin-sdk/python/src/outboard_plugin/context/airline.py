"""``ctx.airline``: the airline that the host is bound to, and HTTP on its behalf."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from ..error import CallError, ErrorReason
from ..generated.protocol import AirlineChangedParams, AirlineRefreshParams, AirlineRequestParams, PluginSide
from .binding import Airline, AirlineName
from .changes import Changes

if TYPE_CHECKING:
    import httpx

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class AirlineResponse:
    """Answer to :meth:`PluginAirline.request`, whatever the status was."""

    status: int
    headers: dict[str, str]
    body: Any
    """Parsed where it is JSON, else text."""


class PluginAirline:
    """Read-only access to the binding, and two ways to send requests to it."""

    def __init__(self, peer: PluginSide) -> None:
        self._peer = peer
        self._changes = Changes()
        self._refreshing: dict[str | None, asyncio.Task[str | None]] = {}

    async def get_current(self) -> Airline | None:
        """The binding of this moment; None when there is none."""
        found = (await self._peer.request("airline.getCurrent"))["airline"]
        return None if found is None else Airline(found["id"], found["baseUrl"], found["token"])

    def create_client(self, **options: Any) -> httpx.AsyncClient:
        """An ``httpx.AsyncClient`` for the bound airline, to be kept as long as the plugin runs.

        Base URL and bearer are looked up for each request. A 401 makes the host exchange its refresh token, once
        however many requests saw one, and the request is sent exactly once more, byte for byte; where that is not
        possible the 401 is the answer (a stream of unknown length: make the request again, the bearer is renewed).
        ``options`` go to httpx. Needs httpx: ``pip install 'outboard-plugin[airline]'``.
        """
        try:
            from .airline_client import AirlineClient
        except ImportError as error:
            raise CallError(
                ErrorReason.NOT_FOUND,
                "ctx.airline.create_client needs httpx; install it beside the plugin: pip install "
                "'outboard-plugin[airline]', or use ctx.airline.request",
            ) from error
        return AirlineClient(self.get_current, self._refresh, **options)

    async def request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
    ) -> AirlineResponse:
        """One HTTP exchange with the airline, made by the host: bearer and refresh included, nothing to install."""
        params: AirlineRequestParams = {"method": method.upper(), "path": path}
        if headers:
            params["headers"] = dict(headers)
        if json is not None:
            params["body"] = json
        answer = await self._peer.request("airline.request", params)
        return AirlineResponse(answer["status"], dict(answer["headers"]), answer["body"])

    def on_changed(self, function: F) -> F:
        """Decorator: called as ``function(airline)`` with an :class:`AirlineName`, or None when there is none."""
        return self._changes.add(function)

    async def _refresh(self, stale: str | None) -> str | None:
        """A new bearer in place of a refused one; None where there is none to be had. One exchange for all who ask."""
        task = self._refreshing.get(stale)
        if task is None:
            task = asyncio.create_task(self._exchange(stale))
            self._refreshing[stale] = task
            task.add_done_callback(lambda _: self._refreshing.pop(stale, None))
        return await asyncio.shield(task)

    async def _exchange(self, stale: str | None) -> str | None:
        params: AirlineRefreshParams = {} if stale is None else {"staleToken": stale}
        try:
            return (await self._peer.request("airline.refresh", params))["token"]
        except CallError:
            return None

    def _changed(self, params: AirlineChangedParams) -> None:
        named = params["airline"]
        self._changes.publish(None if named is None else AirlineName(named["id"], named["baseUrl"]))

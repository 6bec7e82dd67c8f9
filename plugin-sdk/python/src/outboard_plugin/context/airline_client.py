"""The HTTP client behind ``ctx.airline.create_client()``: httpx, and what the airline adds to it.

Imported only when a plugin asks for a client, so that httpx stays optional. Knows the binding, and no namespace.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import httpx

from ..error import CallError, ErrorReason
from .binding import Airline

# Stands in for the airline's origin until the request is sent; `.invalid` never resolves.
_PLACE = "airline.invalid"
# A body of unknown length, or longer than this, is not kept for a second sending.
REPLAY_MAX = 8 * 1024 * 1024

# Asks which airline is bound at this moment.
Current = Callable[[], Awaitable[Airline | None]]
# A new bearer in place of a refused one; None where there is none to be had.
Refresh = Callable[[str | None], Awaitable[str | None]]


class AirlineClient(httpx.AsyncClient):
    """An ``httpx.AsyncClient`` whose relative URLs are the airline's."""

    def __init__(self, current: Current, refresh: Refresh, **options: Any) -> None:
        super().__init__(**{"base_url": f"http://{_PLACE}", **options}, auth=_Bearer(current, refresh))


class _Bearer(httpx.Auth):
    """Puts origin and bearer into each request as it is sent, and renews the bearer once after a 401."""

    def __init__(self, current: Current, refresh: Refresh) -> None:
        self._current, self._refresh = current, refresh
        # The last bearer that the airline refused.
        self._refused: str | None = None

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        current = await self._current()
        if current is None:
            if request.url.host == _PLACE:
                raise CallError(
                    ErrorReason.NOT_FOUND,
                    f"no airline is bound, so {request.method} {request.url.path} has no host",
                )
            yield request
            return
        origin = httpx.URL(current.base_url)
        if request.url.host == _PLACE:
            _send_to(request, origin)
        if not _same_origin(request.url, origin):
            yield request  # An absolute URL elsewhere: the airline's bearer is none of its business.
            return
        replayable = await _keep_body(request)
        token = current.token
        if not replayable and token is not None and token == self._refused:
            # A stream can be sent once: not with a bearer of which it is known that it is refused.
            token = await self._refresh(token) or token
        _authorize(request, token)
        response = yield request
        if response.status_code != httpx.codes.UNAUTHORIZED:
            return
        if not _same_origin(response.request.url, origin):
            return  # A redirect led elsewhere: that 401 says nothing about the airline's bearer.
        self._refused = token
        fresh = await self._refresh(token)
        try:
            bound = await self._current()
        except CallError:
            return  # The 401 is the caller's; that the host cannot tell the binding says nothing about the request.
        # What was a stream is used up, and this 401 is the answer; the next request has the new bearer. Where another airline was bound
        # meanwhile, the request was not meant for it, and its bearer is not for the former one.
        same = bound is not None and (bound.id, bound.base_url) == (current.id, current.base_url)
        if fresh is not None and replayable and same:
            _authorize(request, fresh)
            yield request


def _send_to(request: httpx.Request, origin: httpx.URL) -> None:
    path = origin.raw_path.rstrip(b"/") + request.url.raw_path
    request.url = origin.copy_with(raw_path=path)
    request.headers["host"] = request.url.netloc.decode("ascii")


def _same_origin(one: httpx.URL, two: httpx.URL) -> bool:
    default = {"http": 80, "https": 443}
    ports = one.port or default.get(one.scheme), two.port or default.get(two.scheme)
    return one.scheme == two.scheme and one.host == two.host and ports[0] == ports[1]


def _authorize(request: httpx.Request, token: str | None) -> None:
    if token is None:
        request.headers.pop("authorization", None)
    else:
        request.headers["authorization"] = f"Bearer {token}"


async def _keep_body(request: httpx.Request) -> bool:
    """Whether the request can be sent a second time; reads a body of known, bounded length into memory for it."""
    try:
        _ = request.content
        return True
    except httpx.RequestNotRead:
        length = request.headers.get("content-length", "")
        if not length.isdigit() or int(length) > REPLAY_MAX:
            return False
        await request.aread()
        return True

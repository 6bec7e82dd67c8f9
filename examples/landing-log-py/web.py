"""The routes below /api/landing-log-py, as a Starlette application. Knows the log and whom to tell, and no plugin."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from json import JSONDecodeError
from typing import Any

from landings import Landing, LandingLog
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

# How many landings one answer lists at most.
LISTED = 100


def build_app(log: LandingLog, landed: Callable[[Landing], Awaitable[None]]) -> Starlette:
    """``landed`` is told of each new landing once it is on disk."""

    async def index(_: Request) -> JSONResponse:
        return JSONResponse({"landings": "/api/landing-log-py/landings", "add": "POST {flight, rate} there"})

    async def latest(_: Request) -> JSONResponse:
        found = await run_in_threadpool(log.latest, LISTED)
        return JSONResponse([landing.to_json() for landing in found])

    async def one(request: Request) -> JSONResponse:
        landing = await run_in_threadpool(log.find, request.path_params["number"])
        if landing is None:
            return JSONResponse({"error": "there is no such landing"}, status_code=404)
        return JSONResponse(landing.to_json())

    async def add(request: Request) -> JSONResponse:
        try:
            flight, rate = _read(await request.json())
        except (JSONDecodeError, UnicodeDecodeError, ValueError) as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        landing = await run_in_threadpool(log.add, flight, rate)
        await landed(landing)
        return JSONResponse(landing.to_json(), status_code=201)

    return Starlette(
        routes=[
            Route("/", index),
            Route("/landings", latest, methods=["GET"]),
            Route("/landings", add, methods=["POST"]),
            Route("/landings/{number:int}", one),
        ]
    )


def _read(body: Any) -> tuple[str, float]:
    flight = body.get("flight") if isinstance(body, dict) else None
    rate = body.get("rate") if isinstance(body, dict) else None
    if not isinstance(flight, str) or not 1 <= len(flight) <= 16:
        raise ValueError("`flight` must be a text of 1 to 16 characters")
    if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not -10_000 < rate <= 0:
        raise ValueError("`rate` must be feet per minute, from -10000 to 0")
    return flight, float(rate)

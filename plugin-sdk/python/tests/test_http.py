"""Web applications: mounted in memory, and served on a real Unix socket."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import tempfile
import unittest
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
from aiohttp import web
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from outboard_plugin import CallError, Context, ErrorReason, Plugin
from outboard_plugin.context.server import PluginServer
from outboard_plugin.testing import Host


def starlette_app(seen: list[str]) -> Starlette:
    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[dict[str, Any]]:
        seen.append("up")
        yield {"fuel": 42}
        seen.append("down")

    async def status(request: Request) -> JSONResponse:
        return JSONResponse(
            {"fuel": request.state.fuel, "path": request.url.path, "body": len(await request.body())}
        )

    return Starlette(routes=[Route("/status", status, methods=["GET", "POST"])], lifespan=lifespan)


def aiohttp_app(seen: list[str]) -> web.Application:
    async def status(request: web.Request) -> web.Response:
        return web.json_response({"path": request.path})

    async def clean_up(_: web.Application) -> None:
        seen.append("down")

    app = web.Application()
    app.router.add_get("/status", status)
    app.on_cleanup.append(clean_up)
    return app


def plugin_serving(app: Any, prefix: str = "/api/test-plugin") -> Plugin:
    plugin = Plugin()

    @plugin.on_start
    async def on_start(ctx: Context) -> None:
        ctx.server.register_app(prefix, app)

    return plugin


class InMemory(unittest.IsolatedAsyncioTestCase):
    async def test_an_application_answers_below_its_prefix_with_its_lifespan_and_state(self) -> None:
        seen: list[str] = []
        async with Host(plugin_serving(starlette_app(seen))) as host:
            self.assertEqual(host.world.prefixes, ["/api/test-plugin"])
            answer = await host.request("POST", "/status", json={"a": 1})
            self.assertEqual(answer.json(), {"fuel": 42, "path": "/api/test-plugin/status", "body": 8})
            elsewhere = await host.request("GET", "/api/test-plugin-2/status")
            self.assertEqual(elsewhere.status, 404)
        self.assertEqual(seen, ["up", "down"])

    async def test_a_prefix_that_another_plugin_owns_fails_the_start(self) -> None:
        host = Host(plugin_serving(starlette_app([])))
        host.world.taken_prefixes["/api/test-plugin"] = "other"
        await host.open()
        with self.assertRaises(CallError) as caught:
            await host.start()
        self.assertIs(caught.exception.reason, ErrorReason.CONFLICT)
        self.assertIn("other", caught.exception.message)
        await host.close()

    async def test_an_application_whose_lifespan_fails_fails_the_start(self) -> None:
        @contextlib.asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            raise RuntimeError("no database")
            yield

        host = Host(plugin_serving(Starlette(lifespan=lifespan)))
        await host.open()
        with self.assertRaisesRegex(CallError, "(?s)failed to start.*no database"):
            await host.start()
        await host.close()

    async def test_reserved_and_malformed_prefixes_are_refused(self) -> None:
        async with Host(plugin_serving(starlette_app([]))) as host:
            for prefix in (
                "api/x",
                "/api/x/",
                "/api",
                "/api/Config",
                "/API/x",
                "/api/X",
                "/mcp",
                "/Favicon.ico",
                "/sw.js",
                "/a/../b",
                "/_outboard",
                "",
            ):
                with self.subTest(prefix=prefix), self.assertRaises(CallError):
                    host.ctx.server.register_app(prefix, starlette_app([]))
            with self.assertRaisesRegex(CallError, "already registered"):
                host.ctx.server.register_app("/api/test-plugin", starlette_app([]))
            with self.assertRaisesRegex(CallError, "mixes ASGI and aiohttp"):
                host.ctx.server.register_app("/loadsheet", aiohttp_app([]))

    async def test_an_application_may_come_and_go_while_the_plugin_runs(self) -> None:
        seen: list[str] = []
        plugin = Plugin()

        @plugin.on_start
        def on_start(ctx: Context) -> None:
            ctx.ipc.handle("mount", lambda: ctx.server.register_app("/loadsheet", starlette_app(seen)))
            ctx.ipc.handle("unmount", lambda: ctx.server.unregister("/loadsheet"))

        async with Host(plugin) as host:
            await host.invoke("mount")
            while "/loadsheet" not in host.world.prefixes:
                await host.ping()
            self.assertEqual((await host.request("GET", "/loadsheet/status")).status, 200)
            await host.invoke("unmount")
            while seen != ["up", "down"]:
                await host.ping()
            self.assertEqual((await host.request("GET", "/loadsheet/status")).status, 404)


class OnASocket(unittest.IsolatedAsyncioTestCase):
    async def serve(self, app: Any) -> tuple[PluginServer, httpx.AsyncClient]:
        """The application on a Unix socket as a host would bind it, and a client for it."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = str(Path(folder.name) / "http.sock")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(path)
        listener.listen(16)

        class Anyone:
            async def request(self, method: str, params: Any) -> Any:
                return {}

        server = PluginServer(Anyone(), lambda: listener)  # type: ignore[arg-type]
        server.register_app("/api/test-plugin", app)
        await server._settled()
        client = httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(uds=path), base_url="http://outboard")
        self.addAsyncCleanup(client.aclose)
        return server, client

    async def test_starlette_is_served_and_ended(self) -> None:
        seen: list[str] = []
        server, client = await self.serve(starlette_app(seen))
        answers = await asyncio.gather(*(client.get("/api/test-plugin/status") for _ in range(20)))
        self.assertEqual({answer.status_code for answer in answers}, {200})
        self.assertEqual(answers[0].json()["fuel"], 42)
        await server._stop()
        self.assertEqual(seen, ["up", "down"])

    async def test_aiohttp_is_served_and_ended(self) -> None:
        seen: list[str] = []
        server, client = await self.serve(aiohttp_app(seen))
        answer = await client.get("/api/test-plugin/status")
        self.assertEqual(answer.json(), {"path": "/api/test-plugin/status"})
        with self.assertRaisesRegex(CallError, "mounted in on_start"):
            server.register_app("/loadsheet", aiohttp_app([]))
        await server._stop()
        self.assertEqual(seen, ["down"])

    async def test_the_supervisors_forwarding_headers_are_believed(self) -> None:
        async def who(scope: Any, receive: Any, send: Any) -> None:
            assert scope["type"] == "http" or exit_lifespan(scope)
            text = f"{scope['scheme']} {scope['client'][0]}".encode()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": text})

        server, client = await self.serve(who)
        headers = {"x-forwarded-for": "192.0.2.7", "x-forwarded-proto": "https"}
        answer = await client.get("/api/test-plugin/", headers=headers)
        self.assertEqual(answer.text, "https 192.0.2.7")
        await server._stop()


def exit_lifespan(scope: Any) -> bool:
    raise NotImplementedError(scope["type"])


if __name__ == "__main__":
    unittest.main()

"""The airline's HTTP client against a small airline in memory."""

from __future__ import annotations

import asyncio
import unittest
from typing import Any

import httpx

from outboard_plugin import Airline, CallError, Context, ErrorReason, Plugin
from outboard_plugin.testing import Host


class AirlineApi:
    """Accepts one bearer, and counts."""

    def __init__(self, accepts: str) -> None:
        self.accepts = accepts
        self.seen: list[tuple[str, str, str | None, bytes]] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)
        body = await request.aread()
        bearer = request.headers.get("authorization")
        self.seen.append((request.method, str(request.url), bearer, body))
        if bearer == f"Bearer {self.accepts}":
            return httpx.Response(200, json={"host": request.headers["host"]})
        return httpx.Response(401, json={"error": "who are you?"})


class Client(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        plugin = Plugin()

        @plugin.on_start
        async def on_start(ctx: Context) -> None:
            pass

        self.host = Host(plugin, airline=Airline("a1", "https://va.example", "old"))
        await self.host.open()
        await self.host.start()
        self.addAsyncCleanup(self.host.stop)

    def client(self, api: Any) -> httpx.AsyncClient:
        client = self.host.ctx.airline.create_client(transport=httpx.MockTransport(api))
        self.addAsyncCleanup(client.aclose)
        return client

    async def test_base_url_and_bearer_are_looked_up_for_each_request(self) -> None:
        api = AirlineApi("old")
        client = self.client(api)
        answer = await client.get("/pilot/verify", params={"full": 1})
        self.assertEqual(answer.json(), {"host": "va.example"})
        self.host.world.airline = Airline("a2", "https://other.example:8443/v1", "new")
        api.accepts = "new"
        answer = await client.get("fleet")
        self.assertEqual(answer.json(), {"host": "other.example:8443"})
        urls = [url for _, url, _, _ in api.seen]
        self.assertEqual(
            urls, ["https://va.example/pilot/verify?full=1", "https://other.example:8443/v1/fleet"]
        )

    async def test_a_401_renews_the_bearer_and_the_request_is_sent_once_more_with_its_body(self) -> None:
        api = AirlineApi("fresh")
        self.host.world.fresh_tokens = ["fresh"]
        answer = await self.client(api).post("/pireps", json={"flight_number": "QFA1"})
        self.assertEqual(answer.status_code, 200)
        bearers = [(bearer, body) for _, _, bearer, body in api.seen]
        body = b'{"flight_number":"QFA1"}'
        self.assertEqual(bearers, [("Bearer old", body), ("Bearer fresh", body)])

    async def test_many_401_at_once_make_one_exchange(self) -> None:
        api = AirlineApi("fresh")
        self.host.world.fresh_tokens = ["fresh", "never-needed"]
        client = self.client(api)
        answers = await asyncio.gather(*(client.get(f"/{number}") for number in range(10)))
        self.assertEqual({answer.status_code for answer in answers}, {200})
        self.assertEqual(self.host.world.refreshes, 1)

    async def test_a_second_401_is_the_answer(self) -> None:
        api = AirlineApi("something-else")
        self.host.world.fresh_tokens = ["fresh", "fresher"]
        answer = await self.client(api).get("/pilot")
        self.assertEqual(answer.status_code, 401)
        self.assertEqual(len(api.seen), 2)

    async def test_a_refused_refresh_leaves_the_401_to_the_caller(self) -> None:
        api = AirlineApi("fresh")
        answer = await self.client(api).get("/pilot")
        self.assertEqual((answer.status_code, answer.json()), (401, {"error": "who are you?"}))
        self.assertEqual(len(api.seen), 1)

    async def test_a_host_that_tells_no_binding_after_the_401_leaves_the_401_to_the_caller(self) -> None:
        api = AirlineApi("fresh")
        asked = 0

        def told_once(_: Any) -> Any:
            nonlocal asked
            asked += 1
            if asked > 1:
                raise CallError(ErrorReason.TIMEOUT, "airline.getCurrent: no answer within 30 s")
            return {"airline": {"id": "a1", "baseUrl": "https://va.example", "token": "old"}}

        self.host.world.fresh_tokens = ["fresh"]
        self.host.world.answers["airline.getCurrent"] = told_once
        answer = await self.client(api).get("/pilot")
        self.assertEqual((answer.status_code, len(api.seen), asked), (401, 1, 2))

    async def test_the_bearer_goes_to_no_other_origin(self) -> None:
        api = AirlineApi("old")
        client = self.client(api)
        await client.get("https://elsewhere.example/pilot")
        await client.get("http://va.example/pilot")
        await client.get("https://va.example:443/pilot")
        self.assertEqual([bearer for _, _, bearer, _ in api.seen], [None, None, "Bearer old"])
        self.assertEqual(self.host.world.refreshes, 0)

    async def test_no_path_that_a_plugin_is_given_leads_elsewhere(self) -> None:
        api = AirlineApi("old")
        client = self.client(api)
        paths = [
            "/../x",
            "//evil.example/x",
            "///evil.example/x",
            "@evil.example/x",
            "\\\\evil.example/x",
            "/x/%2e%2e//@evil",
        ]
        for path in paths:
            self.assertEqual((await client.get(path)).json(), {"host": "va.example"}, path)
        for path in ["/x\r\nhost: evil.example", "/x\n"]:
            with self.assertRaises(httpx.InvalidURL):
                await client.get(path)
        self.assertEqual({bearer for _, _, bearer, _ in api.seen}, {"Bearer old"})

    async def test_a_redirect_keeps_the_bearer_within_the_airline_and_loses_it_elsewhere(self) -> None:
        seen: list[tuple[str, str | None]] = []

        async def api(request: httpx.Request) -> httpx.Response:
            seen.append((str(request.url), request.headers.get("authorization")))
            leads = {"/in": "/end", "/out": "https://api.va.example/end"}.get(request.url.path)
            if leads is not None:
                return httpx.Response(302, headers={"location": leads})
            return httpx.Response(200 if request.url.host == "va.example" else 401)

        client = self.client(api)
        await client.get("/in", follow_redirects=True)
        await client.get("/out", follow_redirects=True)
        self.assertEqual(
            seen,
            [
                ("https://va.example/in", "Bearer old"),
                ("https://va.example/end", "Bearer old"),
                ("https://va.example/out", "Bearer old"),
                ("https://api.va.example/end", None),
            ],
        )
        self.assertEqual(
            self.host.world.refreshes, 0, "a stranger's 401 says nothing about the airline's bearer"
        )

    async def test_a_file_upload_is_retried_and_a_stream_is_not_but_renews_the_bearer_for_the_next(
        self,
    ) -> None:
        api = AirlineApi("fresh")
        self.host.world.fresh_tokens = ["fresh"]
        client = self.client(api)

        async def stream() -> Any:
            yield b"piece"

        streamed = await client.post("/log", content=stream())
        self.assertEqual((streamed.status_code, self.host.world.refreshes, len(api.seen)), (401, 1, 1))
        streamed = await client.post("/log", content=stream())
        self.assertEqual((streamed.status_code, api.seen[-1][3]), (200, b"piece"))
        api.accepts = "fresher"
        self.host.world.fresh_tokens = ["fresher"]
        uploaded = await client.post("/log", files={"file": b"0123456789"})
        self.assertEqual(uploaded.status_code, 200)
        self.assertIn(b"0123456789", api.seen[-1][3])

    async def test_a_stream_is_begun_with_a_new_bearer_where_the_present_one_is_known_to_be_refused(
        self,
    ) -> None:
        api = AirlineApi("fresh")
        client = self.client(api)

        async def stream() -> Any:
            yield b"piece"

        # The airline cannot be asked for a new one at that moment.
        self.assertEqual((await client.get("/x")).status_code, 401)
        self.host.world.fresh_tokens = ["fresh"]
        self.assertEqual((await client.post("/log", content=stream())).status_code, 200)
        self.assertEqual([bearer for _, _, bearer, _ in api.seen], ["Bearer old", "Bearer fresh"])

    async def test_a_request_is_not_sent_again_to_an_airline_that_was_bound_meanwhile(self) -> None:
        api = AirlineApi("fresh")
        self.host.world.answers["airline.refresh"] = lambda _: self.rebound()
        answer = await self.client(api).post("/pireps", json={})
        self.assertEqual((answer.status_code, len(api.seen)), (401, 1))

    def rebound(self) -> dict[str, str]:
        self.host.world.airline = Airline("a2", "https://other.example", "fresh")
        return {"token": "fresh"}

    async def test_without_a_bound_airline_the_call_fails_with_its_reason(self) -> None:
        self.host.world.airline = None
        with self.assertRaises(CallError) as caught:
            await self.client(AirlineApi("x")).get("/pilot")
        self.assertIs(caught.exception.reason, ErrorReason.NOT_FOUND)
        self.assertIn("no airline is bound", caught.exception.message)


if __name__ == "__main__":
    unittest.main()

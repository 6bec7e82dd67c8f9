"""What a plugin asks of its host, namespace by namespace, with a host in memory."""

from __future__ import annotations

import asyncio
import datetime
import logging
import os
import random
import unittest
from typing import Any

from outboard_plugin import Airline, AirlineName, CallError, Context, ErrorReason, Plugin, tagged
from outboard_plugin.context.logger import HostLogHandler
from outboard_plugin.testing import Event, Host
from outboard_plugin.wire import peer


def quiet_plugin() -> Plugin:
    plugin = Plugin()
    plugin.on_start(lambda ctx: None)
    return plugin


class Absent(unittest.IsolatedAsyncioTestCase):
    async def test_what_this_host_lacks_is_an_attribute_error_that_says_so_and_can_be_asked_for(self) -> None:
        async with Host(quiet_plugin()) as host:
            ctx: Any = host.ctx
            self.assertFalse(hasattr(ctx, "teleport"))
            self.assertIsNone(getattr(ctx, "teleport", None))
            with self.assertRaisesRegex(
                AttributeError, r"^this host has no ctx\.teleport; .* ctx has plugin, .*logger, config"
            ):
                ctx.teleport.go()
            with self.assertRaisesRegex(AttributeError, r"ctx\.loger; .* did you mean ctx\.logger\?$"):
                ctx.loger.info("x", "y")

    async def test_a_start_that_counts_on_it_is_refused_with_that_sentence(self) -> None:
        plugin = Plugin()

        @plugin.on_start
        async def start(ctx: Any) -> None:
            ctx.teleport.go()

        with self.assertRaisesRegex(CallError, r"this host has no ctx\.teleport"):
            async with Host(plugin):
                pass


class Config(unittest.IsolatedAsyncioTestCase):
    async def test_values_are_set_read_listed_and_deleted(self) -> None:
        async with Host(quiet_plugin(), defaults={"interval": 30}) as host:
            config = host.ctx.config
            self.assertEqual(await config.get("interval", 5), 30)
            self.assertEqual(await config.get("nothing"), None)
            self.assertEqual(await config.get("nothing", [1]), [1])
            await config.set("last", {"at": 1.5})
            self.assertEqual(await config.get_all(), {"interval": 30, "last": {"at": 1.5}})
            self.assertTrue(await config.delete("last"))
            self.assertFalse(await config.delete("last"))

    async def test_a_bad_key_raises_before_anything_is_sent(self) -> None:
        async with Host(quiet_plugin()) as host:
            for key in ("", "a\nb", "x" * 257, 7):
                with self.subTest(key=key), self.assertRaises(CallError) as caught:
                    await host.ctx.config.set(key, 1)  # type: ignore[arg-type]
                self.assertIs(caught.exception.reason, ErrorReason.INVALID_PARAMS)

    async def test_what_json_cannot_hold_is_refused_by_its_path_and_nothing_is_kept(self) -> None:
        loop: list[Any] = []
        loop.append(loop)
        async with Host(quiet_plugin()) as host:
            for value, said in (
                (float("nan"), "value is NaN"),
                ({"a": [1, float("-inf")]}, "value.a[1] is -Infinity"),
                ({1: 2}, "value has a key of type int"),
                ({"a": {None: 2}}, "value.a has a key of type NoneType"),
                ({1, 2}, "value is a set"),
                ([b"bytes"], "value[0] is a bytes"),
                (datetime.datetime.now(), "value is a datetime"),
                (ValueError("x"), "value is a ValueError"),
                (1j, "value is a complex"),
                ("\ud83d", "value holds half of a surrogate pair"),
                ({"\udeeb": 1}, "value has a key with half of a surrogate pair"),
                (loop, "value[0] refers back to what contains it"),
            ):
                with self.subTest(said), self.assertRaises(CallError) as caught:
                    await host.ctx.config.set("k", value)
                self.assertIs(caught.exception.reason, ErrorReason.INVALID_PARAMS)
                self.assertTrue(caught.exception.message.startswith("config.set('k'): "))
                self.assertIn(said, caught.exception.message)
            self.assertEqual(host.config, {})
            deep: list[Any] = []
            for _ in range(96):
                deep = [deep]
            value = ["🛫 \x00", 1, -1.5, 1e300, 2**63, True, None, {"a": {}}]
            await host.ctx.config.set("k", value)
            await host.ctx.config.set("deep", deep)
            self.assertEqual(await host.ctx.config.get_all(), {"k": value, "deep": deep})

    async def test_changes_are_told(self) -> None:
        seen: list[tuple[str, Any]] = []
        plugin = Plugin()

        @plugin.on_start
        async def on_start(ctx: Context) -> None:
            @ctx.config.on_changed
            async def changed(key: str, value: Any) -> None:
                seen.append((key, value))

        async with Host(plugin) as host:
            await host.set_config("interval", 7)
            self.assertEqual(seen, [("interval", 7)])

    async def test_plain_functions_wait_for_asynchronous_calls(self) -> None:
        plugin = Plugin()

        @plugin.on_start
        def on_start(ctx: Context) -> None:
            count = ctx.wait(ctx.config.get("count", 0))
            ctx.wait(ctx.config.set("count", count + 1))

        async with Host(plugin, config={"count": 4}) as host:
            self.assertEqual(host.config, {"count": 5})
            with self.assertRaisesRegex(RuntimeError, "use `await` here"):
                host.ctx.wait(host.ctx.config.get("count"))


class Ipc(unittest.IsolatedAsyncioTestCase):
    async def test_events_are_pushed_in_order(self) -> None:
        async with Host(quiet_plugin()) as host:
            host.ctx.ipc.send("status", {"on": True})
            host.ctx.ipc.send("status")
            await host.next_event("status")
            self.assertEqual(host.events, [Event("status", {"on": True}), Event("status", None)])

    async def test_an_event_may_be_kept_for_those_who_connect_later(self) -> None:
        async with Host(quiet_plugin()) as host:
            host.ctx.ipc.send("status", {"on": True}, retain=True)
            host.ctx.ipc.send("tick")
            await host.next_event("tick")
            self.assertEqual(host.events, [Event("status", {"on": True}, retained=True), Event("tick", None)])

    async def test_whatever_a_channel_raises_its_caller_is_answered_and_the_plugin_goes_on(self) -> None:
        def look(self: Any) -> Any:
            raise RuntimeError("do not look")

        def a_kind(**members: Any) -> BaseException:
            odd: BaseException = type("Odd", (Exception,), members)("kept")
            return odd

        odd = {
            "code": a_kind(code=property(look)),
            "str": a_kind(__str__=look, __repr__=look),
            "cause": a_kind(__cause__=property(look), __context__=property(look)),
            "notes": a_kind(__notes__=property(look)),
            "attributes": a_kind(__getattr__=lambda self, name: look(self)),
            "text": a_kind(__str__=lambda self: 7),
        }

        def fails(which: str) -> None:
            raise odd[which]

        plugin = Plugin()

        @plugin.on_start
        async def on_start(ctx: Context) -> None:
            ctx.ipc.handle("fails", fails)

        async with Host(plugin) as host:
            for which in odd:
                with self.subTest(which), self.assertRaises(CallError) as caught:
                    await asyncio.wait_for(host.invoke("fails", which), 20)
                said = "cannot be read" if which in ("str", "text") else "kept"
                self.assertIn(said, caught.exception.message)
                host.ctx.logger.error("odd", odd[which], odd[which])  # type: ignore[arg-type]

    async def test_any_value_that_goes_to_a_channel_and_back_is_the_same_with_many_calls_at_once(
        self,
    ) -> None:
        leaves: list[Any] = [
            None,
            True,
            0,
            -1.5,
            1e300,
            2**70,
            "",
            "🛫\x00\u2028",
            "$outboard",
            b"\x00\xff",
            float("inf"),
        ]

        def anything(chance: random.Random, depth: int = 0) -> Any:
            pick = chance.randrange(4 if depth < 5 else 1)
            some = [anything(chance, depth + 1) for _ in range(chance.randrange(4))] if pick else []
            if pick == 1:
                return some
            if pick == 2:
                return dict(zip(("a", "$outboard", "value"), some, strict=False))
            if pick == 3:
                return {
                    (chance.randrange(9) if depth % 2 else str(at)): value for at, value in enumerate(some)
                }
            return chance.choice(leaves)

        plugin = Plugin()

        @plugin.on_start
        async def on_start(ctx: Context) -> None:
            async def echo(value: Any) -> Any:
                return value

            ctx.ipc.handle("echo", echo)

        async with Host(plugin) as host:
            for seed in range(400 if os.environ.get("OUTBOARD_TRIALS") else 4):
                chance = random.Random(seed)
                given = [anything(chance) for _ in range(50)]
                back = await asyncio.gather(*(host.invoke("echo", value) for value in given))
                self.assertEqual(back, given, f"seed {seed}")

    async def test_an_exception_of_a_channel_keeps_its_code_of_text_or_of_a_number(self) -> None:
        class Coded(Exception):
            def __init__(self, code: Any) -> None:
                super().__init__("coded")
                self.code = code

        def fails(code: Any) -> None:
            raise Coded(code)

        plugin = Plugin()

        @plugin.on_start
        async def on_start(ctx: Context) -> None:
            ctx.ipc.handle("fails", fails)

        async with Host(plugin) as host:
            for code, wire, own, reason in (
                ("E_FULL", -32603, "E_FULL", "internal_error"),
                (1234, 1234, None, ""),
                (-32004, -32004, None, "denied"),
                ([], -32603, None, "internal_error"),
            ):
                with self.subTest(code=code), self.assertRaises(CallError) as caught:
                    await host.invoke("fails", code)
                error = caught.exception
                self.assertEqual((error.code, error.data.get("code"), error.word), (wire, own, reason))

    async def test_the_full_name_of_a_channel_is_refused_with_a_hint(self) -> None:
        async with Host(quiet_plugin()) as host:
            with self.assertRaisesRegex(CallError, "give the leaf name alone"):
                host.ctx.ipc.send("plugin:test-plugin:status")

    async def test_a_payload_that_cannot_be_cloned_is_refused_with_its_path(self) -> None:
        loop: list[Any] = []
        loop.append(loop)
        async with Host(quiet_plugin()) as host:
            with self.assertRaisesRegex(CallError, r"payload\.at\[1\] is an object, which cannot be sent"):
                host.ctx.ipc.send("status", {"at": [1, object()]})
            with self.assertRaisesRegex(CallError, "refers back to what contains it"):
                host.ctx.ipc.send("status", loop)

    async def test_what_uis_can_clone_and_json_lacks_arrives_as_it_was(self) -> None:
        utc = datetime.timezone.utc
        value = {
            "when": datetime.datetime(2026, 2, 3, 4, 5, 6, 789000, utc),
            "seen": {1, "two"},
            "by number": {1: "a", 2: b"bytes"},
            "large": 2**70,
            "none": [float("inf"), -0.0, None, True],
            "$outboard": "no tag of ours",
        }
        plugin = Plugin()

        @plugin.on_start
        async def on_start(ctx: Context) -> None:
            ctx.ipc.handle("echo", lambda given: given)

        async with Host(plugin) as host:
            self.assertEqual(await host.invoke("echo", value), value)
            host.ctx.ipc.send("status", value)
            self.assertEqual((await host.next_event("status")).payload, value)

    def test_the_tags_are_those_of_the_other_sdks(self) -> None:
        day = datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc)
        self.assertEqual(tagged.encode(day), {"$outboard": "date", "value": "2026-01-02T00:00:00.000Z"})
        self.assertEqual(tagged.encode(b"\x00\xff"), {"$outboard": "bytes", "value": "AP8="})
        self.assertEqual(tagged.encode({1: 2}), {"$outboard": "map", "value": [[1, 2]]})
        self.assertEqual(tagged.encode(2**53), {"$outboard": "bigint", "value": "9007199254740992"})
        self.assertEqual(tagged.encode(float("-inf")), {"$outboard": "number", "value": "-Infinity"})
        self.assertEqual(tagged.encode({"$outboard": 1}), {"$outboard": "object", "value": {"$outboard": 1}})
        newer = {"$outboard": "regexp", "value": "a+"}
        self.assertEqual(tagged.decode(newer), newer)


class Logger(unittest.IsolatedAsyncioTestCase):
    async def test_an_exception_keeps_name_message_and_stack(self) -> None:
        async with Host(quiet_plugin()) as host:
            try:
                raise OSError("no fuel")
            except OSError as error:
                host.ctx.logger.error("Fuel", "refuelling failed", error)
            record = await host.next_log("refuelling failed")
            self.assertEqual((record.level, record.tag), ("error", "Fuel"))
            self.assertEqual((record.extra["name"], record.extra["message"]), ("OSError", "no fuel"))
            self.assertIn("test_context.py", record.extra["stack"])

    async def test_it_never_raises_whatever_it_is_given(self) -> None:
        class Odd:
            def __repr__(self) -> str:
                return "<odd>"

            def __str__(self) -> str:
                raise RuntimeError("no text")

        loop: list[Any] = []
        loop.append(loop)
        async with Host(quiet_plugin()) as host:
            logger = host.ctx.logger
            logger.info("t", "nested", {"odd": Odd(), "set": {1}, 3: float("nan")})
            logger.info("t", "loop", loop)
            logger.info("t", Odd())  # type: ignore[arg-type]
            logger.info("t", "the end")
            await host.next_log("the end")
            self.assertEqual(host.logs[0].extra, {"odd": "<odd>", "set": [1], "3": "nan"})

    async def test_records_that_the_host_does_not_take_are_dropped_and_counted(self) -> None:
        async with Host(quiet_plugin()) as host:
            before = peer.NOTIFICATIONS_ABOVE
            try:
                peer.NOTIFICATIONS_ABOVE = 1000
                for number in range(100):
                    host.ctx.logger.info("t", f"record {number} {'x' * 100}")
            finally:
                peer.NOTIFICATIONS_ABOVE = before
            await host.ping()
            host.ctx.logger.info("t", "afterwards")
            await host.next_log("afterwards")
            kept = [record for record in host.logs if record.message.startswith("record")]
            [lost] = [record for record in host.logs if record.tag == "logger"]
            self.assertEqual(lost.message.split()[0], str(100 - len(kept)))

    async def test_pythons_own_loggers_end_in_the_same_place(self) -> None:
        async with Host(quiet_plugin()) as host:
            handler = HostLogHandler(host.ctx.logger)
            library = logging.getLogger("some.library")
            library.addHandler(handler)
            self.addCleanup(library.removeHandler, handler)
            library.propagate = False
            library.warning("low on %s", "fuel")
            record = await host.next_log("low on fuel")
            self.assertEqual((record.level, record.tag), ("warn", "some.library"))


class AuthAndAirline(unittest.IsolatedAsyncioTestCase):
    async def test_the_sign_in_is_read_at_each_call(self) -> None:
        async with Host(quiet_plugin()) as host:
            self.assertFalse(await host.ctx.auth.is_authenticated())
            self.assertIsNone(await host.ctx.auth.get_token())
            host.world.token = "abc"
            self.assertTrue(await host.ctx.auth.is_authenticated())
            self.assertEqual(await host.ctx.auth.get_token(), "abc")

    async def test_the_binding_is_a_snapshot_that_does_not_show_its_token(self) -> None:
        bound = Airline("a1", "https://va.example", "secret-canary")
        async with Host(quiet_plugin(), airline=bound) as host:
            current = await host.ctx.airline.get_current()
            self.assertEqual(current, bound)
            self.assertNotIn("secret-canary", repr(current))
            host.world.airline = None
            self.assertIsNone(await host.ctx.airline.get_current())

    async def test_changes_are_told_without_the_token(self) -> None:
        seen: list[Any] = []
        plugin = Plugin()

        @plugin.on_start
        async def on_start(ctx: Context) -> None:
            ctx.airline.on_changed(seen.append)
            ctx.auth.on_changed(seen.append)

        async with Host(plugin) as host:
            host.notify("auth.changed", {"authenticated": True})
            host.notify("airline.changed", {"airline": {"id": "a", "baseUrl": "https://va.example"}})
            host.notify("airline.changed", {"airline": None})
            while len(seen) < 3:
                await host.ping()
        self.assertCountEqual(seen, [True, AirlineName("a", "https://va.example"), None])

    async def test_one_exchange_made_by_the_host_needs_nothing_installed(self) -> None:
        async with Host(quiet_plugin()) as host:
            asked: list[Any] = []

            def answer_request(params: Any) -> Any:
                asked.append(params)
                return {"status": 201, "headers": {"x": "y"}, "body": {"id": 7}}

            host.world.answers["airline.request"] = answer_request
            answer = await host.ctx.airline.request("post", "/pireps", json={"flight": "QFA1"})
        self.assertEqual(asked, [{"method": "POST", "path": "/pireps", "body": {"flight": "QFA1"}}])
        self.assertEqual((answer.status, answer.body), (201, {"id": 7}))


class Calls(unittest.IsolatedAsyncioTestCase):
    async def test_a_call_without_an_answer_ends_at_its_deadline_and_is_withdrawn(self) -> None:
        async with Host(quiet_plugin()) as host:
            withdrawn = asyncio.Event()

            async def never(params: Any) -> None:
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    withdrawn.set()
                    raise

            host.world.answers["config.get"] = never
            with self.assertRaises(CallError) as caught:
                await host.ctx._peer.request("config.get", {"key": "x"}, timeout=0.01)
            self.assertIs(caught.exception.reason, ErrorReason.TIMEOUT)
            self.assertTrue(caught.exception.retryable)
            await asyncio.wait_for(withdrawn.wait(), 10)

    async def test_more_calls_than_may_be_in_flight_wait_for_their_turn(self) -> None:
        async with Host(quiet_plugin()) as host:
            values = await asyncio.gather(*(host.ctx.config.get("x", number) for number in range(600)))
        self.assertEqual(values, list(range(600)))

    async def test_calls_fail_when_the_session_ends(self) -> None:
        host = Host(quiet_plugin())
        await host.open()
        await host.start()
        begun = asyncio.Event()

        async def never(params: Any) -> None:
            begun.set()
            await asyncio.Event().wait()

        host.world.answers["config.get"] = never
        call = asyncio.create_task(host.ctx.config.get("x"))
        await begun.wait()
        await host.close()
        with self.assertRaises(CallError) as caught:
            await call
        self.assertIs(caught.exception.reason, ErrorReason.SHUTTING_DOWN)

    async def test_late_and_double_answers_change_nothing(self) -> None:
        async with Host(quiet_plugin()) as host:
            peer_of_plugin = host.ctx._peer
            peer_of_plugin.received(b'{"jsonrpc":"2.0","id":4711,"result":1}')
            peer_of_plugin.received(b'{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"?"}}')
            peer_of_plugin.received(b'{"jsonrpc":"2.0","id":"1","result":1}')
            peer_of_plugin.received(b"some text that somebody printed")
            self.assertEqual(await host.ctx.config.get("x", 1), 1)
            self.assertEqual(peer_of_plugin.noise, 1)


if __name__ == "__main__":
    unittest.main()

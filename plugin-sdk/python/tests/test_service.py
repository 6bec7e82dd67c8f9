"""Services that a plugin uses, and those that it provides, with whoever else takes part played by the testing host."""

from __future__ import annotations

import asyncio
import threading
import unittest
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from outboard_plugin import Call, CallError, Context, ErrorReason, Plugin
from outboard_plugin.context.listener import WAITING_MAX
from outboard_plugin.context.service import BEYOND
from outboard_plugin.testing import Emitted, Host
from outboard_plugin.wire.peer import CALL_TIMEOUT


def quiet_plugin() -> Plugin:
    plugin = Plugin()
    plugin.on_start(lambda ctx: None)
    return plugin


async def until(host: Host, holds: Callable[[], bool]) -> None:
    """Returns when something holds, which what is under way has to bring about."""

    async def look() -> None:
        while not holds():
            await host.ping()

    await asyncio.wait_for(look(), 10)


class Using(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        self.host = Host(quiet_plugin())
        await self.host.open()
        await self.host.start()
        self.addAsyncCleanup(self.host.close)
        self.flight = self.host.ctx.service("flight")
        self.provider = self.host.service("flight")

    async def refused(self, call: Any) -> CallError:
        with self.assertRaises(CallError) as raised:
            await call
        return raised.exception

    async def subscribed_to(self, *events: str) -> None:
        """Returns when the host knows."""
        await until(self.host, lambda: self.provider.subscriptions == set(events))

    async def test_a_call_takes_its_parameters_there_and_its_result_back(self) -> None:
        self.provider.provide({"double": lambda params: params["of"] * 2, "nothing": lambda params: params})
        self.assertEqual(await self.flight.call("double", {"of": 21}), 42)
        self.assertIsNone(await self.flight.call("nothing"))

    async def test_the_errors_of_the_host_and_of_the_provider_say_what_was_wrong(self) -> None:
        error = await self.refused(self.flight.call("getState"))
        self.assertIs(error.reason, ErrorReason.NO_PROVIDER)
        self.assertEqual((error.data["service"], error.retryable), ("flight", False))

        async def gone(params: Any) -> None:
            raise CallError(ErrorReason.UNAVAILABLE, "the simulator is gone")

        self.provider.provide({"getState": gone})
        error = await self.refused(self.flight.call("getState"))
        self.assertEqual((error.reason, error.retryable), (ErrorReason.UNAVAILABLE, True))
        error = await self.refused(self.flight.call("fly"))
        self.assertIs(error.reason, ErrorReason.METHOD_NOT_FOUND)

    async def test_a_call_waits_longer_than_the_host_does_and_says_how_long_it_waits(self) -> None:
        self.assertGreaterEqual(BEYOND, 1)
        asked: list[tuple[Any, float]] = []

        async def request(method: str, params: Any, timeout: float) -> None:
            asked.append((params, timeout))

        self.flight._peer.request = request  # type: ignore[assignment]
        await self.flight.call("confirm")
        await self.flight.call("confirm", {"title": "Go?"}, timeout=0.25)
        self.assertEqual(
            asked,
            [
                ({"service": "flight", "method": "confirm"}, CALL_TIMEOUT + BEYOND),
                (
                    {"service": "flight", "method": "confirm", "params": {"title": "Go?"}, "timeoutMs": 250},
                    0.25 + BEYOND,
                ),
            ],
        )

    async def test_what_breaks_the_rules_is_refused_where_it_was_written(self) -> None:
        for name in ("Flight", "", "9lives", "acme..billing", "acme.bill_ing", "a" * 65, None, "flight\n"):
            with self.assertRaises(CallError, msg=repr(name)) as raised:
                self.host.ctx.service(name)  # type: ignore[arg-type]
            self.assertIs(raised.exception.reason, ErrorReason.INVALID_PARAMS)
        self.host.ctx.service("acme.bill-ing.2")
        error = await self.refused(self.flight.call("x" * 129))
        self.assertIn("method or event of a service", error.message)
        error = await self.refused(self.flight.call("set", {"at": object()}))
        self.assertIn("params.at is an object", error.message)
        for timeout in (0, -1, 3600.5, float("nan"), float("inf"), "5", True):
            error = await self.refused(self.flight.call("set", timeout=timeout))  # type: ignore[arg-type]
            self.assertIn("is not a number of seconds above 0", error.message)
        with self.assertRaisesRegex(CallError, "payload.x is an object"):
            self.flight.emit("phase", {"x": object()})
        with self.assertRaisesRegex(TypeError, r"on\('phase', …\) needs a function, and got a int"):
            self.flight.on("phase", 7)  # type: ignore[arg-type]
        with self.assertRaisesRegex(TypeError, r"on\('phase', …\) needs a function of one argument"):
            self.flight.on("phase", lambda: None)  # type: ignore[arg-type, misc]
        self.assertEqual(self.provider.subscriptions, set())

    async def test_the_host_has_one_subscription_an_event_until_the_last_listener_goes(self) -> None:
        asked: list[str] = []

        def count(verb: str) -> Any:
            def counted(params: Any) -> Any:
                asked.append(verb)
                return self.host.world._service(verb, params)

            return counted

        for verb in ("subscribe", "unsubscribe"):
            self.host.world.answers[f"service.{verb}"] = count(verb)
        heard: list[tuple[str, Any]] = []
        first = self.flight.on("phase", lambda payload: heard.append(("first", payload)))
        second = self.flight.on("phase", lambda payload: heard.append(("second", payload)))
        await self.subscribed_to("phase")
        first()
        first()
        self.provider.emit("phase", "climb")
        self.provider.emit("landing", -120)
        await until(self.host, lambda: bool(heard))
        self.assertEqual((heard, asked), ([("second", "climb")], ["subscribe"]))
        second()
        await self.subscribed_to()
        self.provider.emit("phase", "cruise")
        await self.host.ping()
        third = self.flight.on("phase", lambda payload: heard.append(("third", payload)))
        await self.subscribed_to("phase")
        self.provider.emit("phase", "descent")
        await until(self.host, lambda: len(heard) >= 2)
        third()
        await self.subscribed_to()
        self.assertEqual(heard[1:], [("third", "descent")])
        self.assertEqual(asked, ["subscribe", "unsubscribe"] * 2)
        await until(self.host, lambda: not self.host.ctx._services._topics)

    async def test_a_listener_that_goes_before_the_host_has_answered_leaves_no_subscription(self) -> None:
        self.flight.on("phase", lambda payload: None)()
        off = self.flight.on("landing", lambda payload: None)
        await asyncio.sleep(0)  # The subscription is under way.
        off()
        self.flight.on("update", lambda payload: None)
        await self.subscribed_to("update")

    async def test_a_listener_that_goes_as_the_host_answers_leaves_no_subscription(self) -> None:
        asked: list[str] = []

        async def request(method: str, params: Any) -> None:
            asked.append(method)
            if method == "service.subscribe":
                off()

        self.flight._peer.request = request  # type: ignore[assignment]
        off = self.flight.on("phase", lambda payload: None)
        await until(self.host, lambda: asked == ["service.subscribe", "service.unsubscribe"])

    async def test_listeners_plain_and_async_hear_events_in_order_and_one_at_a_time(self) -> None:
        plain: list[Any] = []
        patient: list[Any] = []
        all_heard, at_once = asyncio.Event(), 0

        async def listener(payload: Any) -> None:
            nonlocal at_once
            at_once += 1
            self.assertEqual(at_once, 1)
            await asyncio.sleep(0)
            at_once -= 1
            patient.append(payload)
            if payload == 99:
                all_heard.set()

        self.flight.on("tick", plain.append)
        self.flight.on("tick", listener)
        for number in range(100):
            self.provider.emit("tick", number)
        await asyncio.wait_for(all_heard.wait(), 10)
        await until(self.host, lambda: len(plain) >= 100)
        self.assertEqual((plain, patient), ([*range(100)], [*range(100)]))

    async def test_a_listener_that_raises_is_logged_and_hears_the_next_event(self) -> None:
        heard: list[Any] = []

        async def listener(payload: Any) -> None:
            heard.append(payload)
            raise ValueError("no such phase")

        self.flight.on("phase", listener)
        self.provider.emit("phase", 1)
        self.provider.emit("phase", 2)
        record = await self.host.next_log("a listener to 'phase' of flight failed: no such phase")
        self.assertEqual((record.level, record.extra["name"]), ("error", "ValueError"))
        await until(self.host, lambda: heard == [1, 2])

    async def test_a_slow_listener_hears_the_newest_events_and_never_a_backlog_without_end(self) -> None:
        heard: list[Any] = []
        go_on, begun, done = asyncio.Event(), asyncio.Event(), asyncio.Event()
        last = WAITING_MAX * 3

        async def listener(payload: Any) -> None:
            begun.set()
            await go_on.wait()
            heard.append(payload)
            if payload == last:
                done.set()

        self.flight.on("tick", listener)
        self.provider.emit("tick", 0)
        await begun.wait()
        for number in range(1, last + 1):
            self.provider.emit("tick", number)
        await self.host.next_log("is slower than its events")
        await self.host.ping()
        go_on.set()
        await asyncio.wait_for(done.wait(), 10)
        self.assertEqual(heard, [0, *range(last + 1 - WAITING_MAX, last + 1)])
        self.assertEqual(len([r for r in self.host.logs if "slower than its events" in r.message]), 1)

    async def test_what_waits_for_a_listener_that_has_gone_is_forgotten(self) -> None:
        heard: list[Any] = []
        first_heard = asyncio.Event()

        async def listener(payload: Any) -> None:
            heard.append(payload)
            off()
            first_heard.set()

        off = self.flight.on("tick", listener)
        self.provider.emit("tick", 1)
        self.provider.emit("tick", 2)
        await first_heard.wait()
        await self.subscribed_to()
        self.assertEqual(heard, [1])

    async def test_a_question_is_answered_and_an_exception_is_an_error(self) -> None:
        def may_start(payload: Any) -> Any:
            if payload["route"] == "bad":
                raise CallError(ErrorReason.DENIED, "not on this route")
            return {"allow": payload["route"] == "good"}

        off = self.flight.answer("may-start", may_start)
        await self.subscribed_to("may-start")
        self.assertEqual(await self.provider.ask("may-start", {"route": "good"}), {"allow": True})
        error = await self.refused(self.provider.ask("may-start", {"route": "bad"}))
        self.assertIs(error.reason, ErrorReason.DENIED)
        error = await self.refused(self.provider.ask("may-start", {}))
        self.assertEqual(error.data["name"], "KeyError")
        await self.host.next_log("the answer to 'may-start' of flight failed")

        async def later(payload: Any) -> Any:
            return payload if payload else object()

        self.flight.answer("may-start", later)
        off()  # It was the former's: the later one goes on.
        self.assertEqual(await self.provider.ask("may-start", [1]), [1])
        error = await self.refused(self.provider.ask("may-start"))
        self.assertIn("the answer is an object", error.message)
        self.flight.on("heard-only", lambda payload: None)
        error = await self.refused(self.provider.ask("heard-only"))
        self.assertIs(error.reason, ErrorReason.NOT_FOUND)

    async def test_news_of_the_service_is_told_in_order(self) -> None:
        told: list[Any] = []

        @self.flight.on_changed
        async def on_changed(state: str, because: str | None) -> None:
            told.append((state, because))

        self.host.service("other").changed("available")
        self.provider.changed("unavailable", "its provider ended")
        self.provider.changed("starting", "on its way up")
        self.provider.changed("available")
        await until(self.host, lambda: len(told) >= 3)
        self.assertEqual(
            told,
            [("unavailable", "its provider ended"), ("starting", "on its way up"), ("available", None)],
        )

    async def test_a_refused_subscription_fails_the_start_that_made_it(self) -> None:
        plugin = Plugin()

        @plugin.on_start
        def on_start(ctx: Context) -> None:
            ctx.service("flight").on("phase", lambda payload: None)

        async def full(params: Any) -> None:
            raise CallError(ErrorReason.LIMIT_EXCEEDED, "256 subscriptions are open already")

        host = Host(plugin)
        self.addAsyncCleanup(host.close)
        host.world.answers["service.subscribe"] = full
        await host.open()
        error = await self.refused(host.start())
        self.assertEqual(error.message, "256 subscriptions are open already")

    async def test_a_misspelt_name_is_told_what_it_may_have_meant(self) -> None:
        with self.assertRaisesRegex(AttributeError, "did you mean ctx.service"):
            self.host.ctx.services("flight")  # type: ignore[attr-defined]


class Providing(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        plugin = Plugin()
        self.begun, self.cancelled = asyncio.Event(), asyncio.Event()
        self.wanted: list[Any] = []

        @plugin.on_start
        async def on_start(ctx: Context) -> None:
            billing = ctx.service("acme.billing")

            @billing.provide("charge")
            async def charge(call: Call) -> Any:
                billing.emit("charged", call.params, to=call.caller)
                return {"of": call.caller, "amount": call.params["amount"]}

            @billing.provide("block")
            def block(call: Call) -> str:
                return threading.current_thread().name

            @billing.provide("long")
            async def long(call: Call) -> None:
                self.begun.set()
                try:
                    await asyncio.Event().wait()
                finally:
                    self.cancelled.set()

            billing.provide("odd", lambda call: object())
            billing.provide("echo", lambda call: call.params)

            @billing.on_subscribed
            async def on_subscribed(event: str, consumers: list[str]) -> None:
                self.wanted.append((event, consumers))

        self.host = Host(plugin)
        await self.host.open()
        await self.host.start()
        self.addAsyncCleanup(self.host.close)
        self.billing = self.host.ctx.service("acme.billing")
        self.consumers = self.host.service("acme.billing")

    async def refused(self, call: Any) -> CallError:
        with self.assertRaises(CallError) as raised:
            await call
        return raised.exception

    async def test_a_method_gets_parameters_and_the_caller_that_the_host_names(self) -> None:
        told = {"amount": 3, "caller": "somebody-else"}
        answer = await self.consumers.call("charge", told, caller="shop")
        self.assertEqual(answer, {"of": "shop", "amount": 3})
        emitted = await self.consumers.next_emitted("charged")
        self.assertEqual(emitted, Emitted("acme.billing", "charged", told, "shop"))
        self.assertTrue((await self.consumers.call("block")).startswith("outboard"))

    async def test_what_is_not_there_and_what_fails_is_an_error_that_says_so(self) -> None:
        error = await self.refused(self.consumers.call("refund"))
        self.assertIs(error.reason, ErrorReason.METHOD_NOT_FOUND)
        self.assertIn("'refund'; it has: block, charge, echo, long, odd", error.message)
        error = await self.refused(self.host.service("acme.other").call("charge"))
        self.assertIn("service acme.other has no method 'charge'; it has: none", error.message)
        error = await self.refused(self.consumers.call("charge", {}))
        self.assertEqual(error.data["name"], "KeyError")
        error = await self.refused(self.consumers.call("odd"))
        self.assertIn("the result is an object", error.message)
        error = await self.refused(
            self.host.call("service.call", {"service": "acme.billing", "method": "charge", "params": {}})
        )
        self.assertIs(error.reason, ErrorReason.INVALID_PARAMS)

    async def test_a_call_that_is_withdrawn_cancels_its_task_and_is_answered_once(self) -> None:
        call = asyncio.create_task(self.consumers.call("long"))
        await self.begun.wait()
        peer = self.host._peer
        assert peer is not None
        peer.notify("$/cancelRequest", {"id": peer._last_id})
        error = await asyncio.wait_for(self.refused(call), 10)
        self.assertIs(error.reason, ErrorReason.CANCELLED)
        self.assertTrue(self.cancelled.is_set())

    async def test_values_that_json_lacks_travel_every_way(self) -> None:
        value = {"at": datetime(2026, 3, 1, tzinfo=timezone.utc), "ids": {1, 2}, 3: b"raw", "big": 2**70}
        self.assertEqual(await self.consumers.call("echo", value), value)
        self.billing.emit("value", value)
        self.assertEqual((await self.consumers.next_emitted("value")).payload, value)
        self.consumers.provide({"echo": lambda params: params})
        self.assertEqual(await self.billing.call("echo", value), value)
        self.billing.answer("echo", lambda payload: payload)
        self.assertEqual(await self.consumers.ask("echo", value), value)
        heard: list[Any] = []
        self.billing.on("value", heard.append)
        self.consumers.emit("value", value)
        await until(self.host, lambda: bool(heard))
        self.assertEqual(heard, [value])
        answer = await self.billing.ask("shop", "may-charge", value, default=value)
        self.assertEqual(answer.value, value)

    async def test_calls_run_side_by_side(self) -> None:
        long = asyncio.create_task(self.consumers.call("long"))
        await self.begun.wait()
        self.assertEqual((await self.consumers.call("charge", {"amount": 1}))["amount"], 1)
        self.assertFalse(long.done())
        long.cancel()

    async def test_events_say_whom_they_are_for_and_whether_only_the_newest_counts(self) -> None:
        self.billing.emit("rate", 1.5, latest=True)
        self.billing.emit("closed")
        await self.consumers.next_emitted("closed")
        self.assertEqual(
            self.consumers.emitted,
            [
                Emitted("acme.billing", "rate", 1.5, latest=True),
                Emitted("acme.billing", "closed", None),
            ],
        )

    async def test_a_consumer_is_asked_and_the_default_counts_where_none_answers(self) -> None:
        value, because = await self.billing.ask("shop", "may-charge", {"n": 1}, timeout=2, default=True)
        self.assertEqual((value, because), (True, "shop is not there"))
        self.assertEqual(
            self.host.world.asked,
            [
                {
                    "service": "acme.billing",
                    "event": "may-charge",
                    "to": "shop",
                    "payload": {"n": 1},
                    "default": True,
                    "timeoutMs": 2000,
                }
            ],
        )
        self.host.world.answers["service.ask"] = lambda params: {"value": False}
        answer = await self.billing.ask("shop", "may-charge")
        self.assertEqual((answer.value, answer.because), (False, None))

    async def test_who_listens_is_told_in_order(self) -> None:
        self.consumers.subscribed("charged", "shop", "kiosk")
        self.consumers.subscribed("charged")
        self.host.service("acme.other").subscribed("charged", "shop")
        await until(self.host, lambda: len(self.wanted) >= 2)
        await self.host.ping()
        self.assertEqual(self.wanted, [("charged", ["shop", "kiosk"]), ("charged", [])])


if __name__ == "__main__":
    unittest.main()

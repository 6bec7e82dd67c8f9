"""A plugin's life and its channels, with a host in memory."""

from __future__ import annotations

import asyncio
import threading
import unittest
from typing import Any

from outboard_plugin import CallError, Context, ErrorReason, Plugin
from outboard_plugin.testing import Host


def quiet_plugin() -> Plugin:
    plugin = Plugin()

    @plugin.on_start
    async def on_start(ctx: Context) -> None:
        pass

    return plugin


class Life(unittest.IsolatedAsyncioTestCase):
    async def test_hooks_run_in_order_and_are_named_in_the_handshake(self) -> None:
        seen: list[str] = []
        plugin = Plugin()

        @plugin.on_start
        async def on_start(ctx: Context) -> None:
            seen.append(f"start {ctx.plugin.id} {ctx.plugin.prefix}")

        @plugin.on_stop
        async def on_stop(ctx: Context) -> None:
            seen.append("stop")

        async with Host(plugin, plugin_id="abc") as host:
            self.assertEqual(host.handshake["hooks"], ["onStart", "onStop"])
            self.assertEqual(host.handshake["protocolVersion"], 1)
            self.assertEqual(host.handshake["sdk"]["language"], "python")
        self.assertEqual(seen, ["start abc /api/abc", "stop"])

    async def test_resume_runs_in_place_of_start_and_knows_the_version_before(self) -> None:
        seen: list[Any] = []
        plugin = quiet_plugin()
        plugin.on_resume(lambda ctx: seen.append(ctx.resumed_from))
        host = Host(plugin)
        await host.open()
        await host.resume("0.9.0")
        await host.stop()
        self.assertEqual(seen, ["0.9.0"])

    async def test_a_start_that_raises_is_answered_with_its_traceback(self) -> None:
        plugin = Plugin()

        @plugin.on_start
        async def on_start(ctx: Context) -> None:
            raise RuntimeError("the fleet is grounded")

        host = Host(plugin)
        await host.open()
        with self.assertRaises(CallError) as caught:
            await host.start()
        self.assertEqual(caught.exception.message, "the fleet is grounded")
        self.assertIs(caught.exception.reason, ErrorReason.INTERNAL_ERROR)
        self.assertIn("in on_start", caught.exception.data["stack"])
        await host.ping()
        await host.close()

    async def test_no_common_version_names_both_ranges_and_the_side_to_upgrade(self) -> None:
        host = Host(quiet_plugin())
        with self.assertRaises(CallError) as caught:
            await host.open(protocol_versions=(7, 8))
        self.assertIn("[7, 8]", caught.exception.message)
        self.assertIn("upgrade the plugin's SDK", caught.exception.message)
        self.assertIs(caught.exception.reason, ErrorReason.CONFLICT)
        self.assertEqual(caught.exception.data["protocolVersions"], [1])
        await host.close()

    async def test_calls_out_of_order_are_refused_and_unknown_ones_named(self) -> None:
        host = Host(quiet_plugin())
        await host.open()
        with self.assertRaises(CallError) as caught:
            await host.call("stop", {"reason": "stopped"})
        self.assertIs(caught.exception.reason, ErrorReason.CONFLICT)
        await host.start()
        with self.assertRaises(CallError) as caught:
            await host.start()
        self.assertIs(caught.exception.reason, ErrorReason.CONFLICT)
        with self.assertRaises(CallError) as caught:
            await host.call("plugin.dance", {})
        self.assertIs(caught.exception.reason, ErrorReason.METHOD_NOT_FOUND)
        await host.stop()

    async def test_on_stop_runs_when_the_host_has_gone_without_asking(self) -> None:
        seen: list[str] = []
        plugin = quiet_plugin()
        plugin.on_stop(lambda ctx: seen.append("stop"))
        host = Host(plugin)
        await host.open()
        await host.start()
        await host.close()
        self.assertEqual(seen, ["stop"])

    async def test_background_tasks_are_logged_when_they_fail_and_cancelled_at_the_stop(self) -> None:
        ended: list[str] = []
        plugin = Plugin()

        async def fails() -> None:
            raise ValueError("no such flight")

        async def lasts() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                ended.append("cleaned up")

        @plugin.on_start
        async def on_start(ctx: Context) -> None:
            ctx.create_task(fails(), name="poller")
            ctx.create_task(lasts())

        async with Host(plugin) as host:
            record = await host.next_log("'poller' failed")
            self.assertEqual(record.level, "error")
            self.assertEqual(record.extra["name"], "ValueError")
            self.assertIn("in fails", record.extra["stack"])
        self.assertEqual(ended, ["cleaned up"])

    def test_a_plugin_without_on_start_is_refused(self) -> None:
        with self.assertRaisesRegex(TypeError, "no on_start"):
            Plugin().check()

    def test_a_hook_of_the_wrong_shape_is_refused_with_its_place(self) -> None:
        plugin = Plugin()
        with self.assertRaisesRegex(TypeError, "on_start .*test_session.py.* must take one argument"):
            plugin.on_start(lambda: None)  # type: ignore[type-var]
        plugin.on_start(lambda ctx: None)
        with self.assertRaisesRegex(TypeError, "on_start is given twice"):
            plugin.on_start(lambda ctx: None)


class Channels(unittest.IsolatedAsyncioTestCase):
    async def test_arguments_reach_the_function_and_its_result_returns(self) -> None:
        plugin = Plugin()

        @plugin.on_start
        async def on_start(ctx: Context) -> None:
            @ctx.ipc.handle("add")
            async def add(a: int, b: int) -> dict[str, int]:
                return {"sum": a + b}

        async with Host(plugin) as host:
            self.assertEqual(await host.invoke("add", 2, 3), {"sum": 5})
            host.ctx.ipc.remove_handler("add")
            with self.assertRaises(CallError) as caught:
                await host.call("ipc.invoke", {"channel": "add", "args": []})
            self.assertIs(caught.exception.reason, ErrorReason.NOT_FOUND)

    async def test_a_plain_function_that_blocks_does_not_keep_pings_from_their_answer(self) -> None:
        release = threading.Event()
        plugin = Plugin()

        @plugin.on_start
        def on_start(ctx: Context) -> None:
            ctx.ipc.handle("block", lambda: release.wait(10))

        async with Host(plugin) as host:
            blocked = asyncio.create_task(host.invoke("block"))
            await host.ping()
            self.assertFalse(blocked.done())
            release.set()
            self.assertIs(await blocked, True)

    async def test_calls_run_side_by_side_and_answers_come_in_any_order(self) -> None:
        arrived: list[int] = []
        all_here = asyncio.Event()
        plugin = Plugin()

        @plugin.on_start
        async def on_start(ctx: Context) -> None:
            @ctx.ipc.handle("meet")
            async def meet(number: int) -> int:
                arrived.append(number)
                if len(arrived) == 3:
                    all_here.set()
                await all_here.wait()
                return number

        async with Host(plugin) as host:
            answers = await asyncio.gather(*(host.invoke("meet", number) for number in range(3)))
        self.assertEqual(answers, [0, 1, 2])

    async def test_a_cancelled_call_is_cancelled_in_the_plugin_and_answered(self) -> None:
        begun, cancelled = asyncio.Event(), asyncio.Event()
        plugin = Plugin()

        @plugin.on_start
        async def on_start(ctx: Context) -> None:
            @ctx.ipc.handle("long")
            async def long() -> None:
                begun.set()
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    cancelled.set()
                    raise

            @ctx.ipc.handle("blocking")
            def blocking() -> None:
                loop.call_soon_threadsafe(begun.set)
                freed.wait(10)

        loop, freed = asyncio.get_running_loop(), threading.Event()
        async with Host(plugin) as host:
            for channel in ("long", "blocking"):
                call = asyncio.create_task(host.call("ipc.invoke", {"channel": channel, "args": []}))
                await begun.wait()
                begun.clear()
                assert host._peer is not None
                # As a host does that goes on to wait for the answer.
                host._peer.notify("$/cancelRequest", {"id": host._peer._last_id})
                with self.assertRaises(CallError) as caught:
                    await asyncio.wait_for(call, 10)
                self.assertIs(caught.exception.reason, ErrorReason.CANCELLED)
            self.assertTrue(cancelled.is_set())
            freed.set()

    async def test_an_exception_reaches_the_caller_and_a_call_error_chooses_its_code(self) -> None:
        plugin = Plugin()

        @plugin.on_start
        async def on_start(ctx: Context) -> None:
            @ctx.ipc.handle("fails")
            async def fails() -> None:
                raise KeyError("VA123")

            @ctx.ipc.handle("denies")
            def denies() -> None:
                raise CallError(ErrorReason.DENIED, "not you", {"who": "x"})

            @ctx.ipc.handle("odd")
            async def odd() -> object:
                return object()

        async with Host(plugin) as host:
            with self.assertRaises(CallError) as caught:
                await host.invoke("fails")
            self.assertEqual(caught.exception.data["name"], "KeyError")
            with self.assertRaises(CallError) as caught:
                await host.invoke("denies")
            self.assertIs(caught.exception.reason, ErrorReason.DENIED)
            self.assertEqual(caught.exception.data["who"], "x")
            with self.assertRaises(CallError) as caught:
                await host.invoke("odd")
            self.assertIn("the result is an object, which cannot be sent", caught.exception.message)

    async def test_more_calls_than_may_run_at_once_are_refused_and_pings_are_not(self) -> None:
        release = asyncio.Event()
        plugin = Plugin()

        @plugin.on_start
        async def on_start(ctx: Context) -> None:
            ctx.ipc.handle("wait", release.wait)

        async with Host(plugin) as host:
            # Past the host's own limit of calls in flight, so written by hand; their answers are of no call of its.
            wire = host._connection
            assert wire is not None and wire.other is not None
            for number in range(300):
                wire.send(
                    b'{"jsonrpc":"2.0","id":"x%d","method":"ipc.invoke","params":{"channel":"wait"}}\n'
                    % number
                )
            await host.ping()
            with self.assertRaises(CallError) as caught:
                await host.invoke("wait")
            self.assertIs(caught.exception.reason, ErrorReason.LIMIT_EXCEEDED)
            await host.ping()
            release.set()
            await host.stop()

    async def test_progress_extends_the_deadline_of_the_call(self) -> None:
        go_on = asyncio.Event()
        plugin = Plugin()

        @plugin.on_start
        async def on_start(ctx: Context) -> None:
            @ctx.ipc.handle("slow")
            async def slow() -> str:
                self.assertTrue(ctx.progress("half of it"))
                await go_on.wait()
                return "done"

        async with Host(plugin) as host:
            call = asyncio.create_task(host.invoke("slow"))
            await host.ping()
            self.assertFalse(host.ctx.progress())  # Outside of a call there is nothing to extend.
            go_on.set()
            self.assertEqual(await call, "done")


if __name__ == "__main__":
    unittest.main()

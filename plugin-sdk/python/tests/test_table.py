"""The method table and this SDK: every word that is used stands in it, and everything in it can be reached."""

from __future__ import annotations

import ast
import subprocess
import sys
import unittest
from pathlib import Path
from typing import Any

from outboard_plugin import Airline, Context, Plugin
from outboard_plugin.error import CallError, ErrorReason
from outboard_plugin.generated import protocol
from outboard_plugin.testing import Host

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ROOT / "src" / "outboard_plugin"


async def application(scope: Any, receive: Any, send: Any) -> None:
    """An ASGI application that does nothing."""


async def everything(ctx: Context) -> None:
    """Uses each member of ``ctx`` that asks or tells."""
    await ctx.config.set("k", 1)
    await ctx.config.get("k")
    await ctx.config.get_all()
    await ctx.config.delete("k")
    ctx.ipc.handle("channel", lambda: None)
    ctx.ipc.send("channel")
    ctx.ipc.remove_handler("channel")
    await ctx.auth.is_authenticated()
    await ctx.auth.get_token()
    await ctx.airline.get_current()
    await ctx.airline._refresh("stale")
    await ctx.airline.request("GET", "/x")
    ctx.database.open("a.db").close()
    ctx.server.register_app(ctx.plugin.prefix, application)
    ctx.server.unregister(ctx.plugin.prefix)
    there = ctx.service("acme.there")
    off = there.on("moved", lambda payload: None)
    there.answer("may-move", lambda payload: True)
    await there.call("look")
    off()
    await there.ask("someone", "may-move")
    there.emit("moved")
    ctx.logger.info("table", "everything was used")


class TheTable(unittest.IsolatedAsyncioTestCase):
    async def test_every_call_and_notification_of_a_plugin_is_reached_through_ctx(self) -> None:
        plugin = Plugin()
        plugin.on_start(everything)
        host = Host(plugin, airline=Airline("va", "http://va.invalid", "token"))
        seen: set[str] = set()
        answer, told = host.world.answer, host.world.told

        async def noted(method: str, params: Any) -> Any:
            seen.add(method)
            return (
                {"status": 204, "headers": {}, "body": None}
                if method == "airline.request"
                else await answer(method, params)
            )

        def noticed(method: str, params: Any) -> None:
            seen.add(method)
            told(method, params)

        host.world.answer, host.world.told = noted, noticed  # type: ignore[method-assign]
        host.service("acme.there").provide({"look": lambda params: None})
        async with host:
            await host.next_log("everything was used")
            await host.service("acme.there").ask("may-move")
        self.assertEqual(seen, {*protocol.CONTEXT_CALLS, *protocol.CONTEXT_NOTICES, *protocol.BOTH_CALLS})

    async def test_every_call_and_notification_of_a_host_is_taken(self) -> None:
        plugin = Plugin()
        plugin.on_start(lambda ctx: None)
        async with Host(plugin) as host:
            await host.ping()
            session = host._session
            assert session is not None
            self.assertEqual({*session._calls, "ping"}, {*protocol.HOST_CALLS, *protocol.BOTH_CALLS})
            self.assertEqual(set(session._notices), set(protocol.HOST_NOTICES))

    async def test_a_notification_that_is_not_in_order_ends_nothing(self) -> None:
        plugin = Plugin()
        plugin.on_start(lambda ctx: None)
        async with Host(plugin) as host:
            for method in protocol.HOST_NOTICES:
                host.notify(method, {"unknown": 1})
                await host.next_log(f"the host's {method} is not in order")
            host.notify("config.changed", [1])
            await host.ping()

    async def test_parameters_that_are_no_object_are_refused(self) -> None:
        plugin = Plugin()
        plugin.on_start(lambda ctx: None)
        async with Host(plugin) as host:
            for params in ([1], 7, "text", True):
                with self.assertRaises(CallError) as raised:
                    await host.call("ping", params)
                self.assertEqual(raised.exception.reason, ErrorReason.INVALID_PARAMS)

    async def test_the_quota_is_told_to_who_listens(self) -> None:
        plugin, told = Plugin(), []

        @plugin.on_start
        async def on_start(ctx: Context) -> None:
            @ctx.database.on_quota
            async def on_quota(size: int, quota: int, full: bool) -> None:
                told.append((size, quota, full))
                ctx.logger.info("quota", "heard of it")

        async with Host(plugin) as host:
            host.notify("database.quota", {"bytes": 9, "quota": 10, "full": False})
            await host.next_log("heard of it")
        self.assertEqual(told, [(9, 10, False)])

    def test_every_reason_is_a_row_of_the_table(self) -> None:
        self.assertEqual(
            {reason.word: (reason.code, reason.retryable) for reason in ErrorReason}, protocol.ERRORS
        )

    def test_every_method_that_is_named_in_a_call_stands_in_the_table(self) -> None:
        known = {
            *protocol.HOST_CALLS,
            *protocol.HOST_NOTICES,
            *protocol.CONTEXT_CALLS,
            *protocol.CONTEXT_NOTICES,
            *protocol.BOTH_CALLS,
            *protocol.BOTH_NOTICES,
        }
        named = {word for file in SOURCES.rglob("*.py") for word in _methods_named(file)}
        self.assertGreater(len(named), len(known) // 2)
        self.assertLessEqual(named, known)

    def test_the_types_hold_strictly(self) -> None:
        checked = subprocess.run(
            [sys.executable, "-m", "mypy"], cwd=ROOT, capture_output=True, text=True, timeout=300
        )
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)


def _methods_named(file: Path) -> list[str]:
    """The first arguments of calls of ``request`` and ``notify``, and what ``told.method`` is compared with."""
    found = []
    for node in ast.walk(ast.parse(file.read_text())):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ("request", "notify")
        ):
            found += [
                arg.value
                for arg in node.args[:1]
                if isinstance(arg, ast.Constant) and isinstance(arg.value, str)
            ]
        if (
            isinstance(node, ast.Compare)
            and isinstance(node.left, ast.Attribute)
            and node.left.attr == "method"
        ):
            found += [
                one.value
                for one in node.comparators
                if isinstance(one, ast.Constant) and isinstance(one.value, str)
            ]
    return found


if __name__ == "__main__":
    unittest.main()

"""A plugin as a real process: what it prints, what it inherits, and how it ends."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import signal
import subprocess
import sys
import unittest

import httpx

from tests.scripted_host import GUARD, SRC, ScriptedHost

HELLO = """
from outboard_plugin import Plugin
plugin = Plugin()

@plugin.on_start
async def on_start(ctx):
    ctx.logger.info("hello", "started")

@plugin.on_stop
async def on_stop(ctx):
    ctx.logger.info("hello", "stopping")

plugin.run()
"""

NOISY = """
import os, subprocess, sys
from outboard_plugin import Plugin
print("printed while it is imported")
plugin = Plugin()

@plugin.on_start
async def on_start(ctx):
    print("printed in on_start")
    os.write(1, b"written to descriptor 1\\n")
    subprocess.run(["sh", "-c", "echo said by a child; cat"], check=True)
    sys.stdout.write("no line end")
    sys.stdout.flush()

plugin.run()
"""

SERVING = """
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
from outboard_plugin import Plugin
plugin = Plugin()

async def status(request):
    return JSONResponse({"host": request.headers["host"]})

@plugin.on_start
def on_start(ctx):
    ctx.server.register_app("/api/real", Starlette(routes=[Route("/status", status)]))

plugin.run()
"""

ECHO = """
from outboard_plugin import Plugin
plugin = Plugin()

@plugin.on_start
async def on_start(ctx):
    ctx.ipc.handle("echo", lambda text: text)

plugin.run()
"""

STUCK = """
import threading, time
from outboard_plugin import Plugin
plugin = Plugin()

@plugin.on_start
async def on_start(ctx):
    threading.Thread(target=lambda: time.sleep(3600)).start()
    ctx.ipc.handle("forever", lambda: time.sleep(3600))

plugin.run()
"""

FAILING = """
import asyncio, threading
from outboard_plugin import Plugin
plugin = Plugin()

async def forgotten():
    raise ValueError("nobody awaits this")

def in_thread():
    raise KeyError("nobody joins this")

@plugin.on_start
async def on_start(ctx):
    asyncio.get_running_loop().create_task(forgotten())
    threading.Thread(target=in_thread, name="poller").start()

plugin.run()
"""


class Process(unittest.IsolatedAsyncioTestCase):
    async def host(self, source: str, wire: str = "stdio", through_shell: bool = False) -> ScriptedHost:
        host = ScriptedHost(source, wire)
        await host.spawn(through_shell=through_shell)
        self.addAsyncCleanup(host.close)
        return host

    async def test_it_greets_starts_answers_pings_stops_and_exits(self) -> None:
        for wire in ("stdio", "fd"):
            with self.subTest(wire=wire):
                host = await self.host(HELLO, wire)
                greeting = (await host.greet())["result"]
                self.assertEqual(greeting["protocolVersion"], 1)
                self.assertEqual((await host.call("start", {}))["result"], {})
                self.assertEqual((await host.call("ping", {}))["result"], {})
                self.assertEqual((await host.call("no.such.method", {}))["error"]["code"], -32601)
                self.assertEqual((await host.call("stop", {"reason": "stopped"}))["result"], {})
                self.assertEqual(await host.exit(), 0)
                said = [message["params"]["message"] for message in host.told if message["method"] == "log"]
                self.assertEqual(said, ["started", "stopping"])

    async def test_nothing_that_is_printed_reaches_the_wire(self) -> None:
        host = await self.host(NOISY)
        await host.greet()
        self.assertEqual((await host.call("start", {}))["result"], {})
        await host.call("stop", {"reason": "stopped"})
        await host.exit()
        self.assertEqual(host.strays, [])
        log = (await host.stderr()).decode()
        for text in ("while it is imported", "in on_start", "to descriptor 1", "by a child", "no line end"):
            self.assertIn(text, log)

    async def test_frames_may_be_split_joined_and_surrounded_by_noise(self) -> None:
        host = await self.host(HELLO)
        await host.greet()
        for byte in b'{"jsonrpc":"2.0","id":"slow","method":"ping"}\r\n':
            host.write(bytes([byte]))
            await asyncio.sleep(0)
        self.assertEqual(await host.read(), {"jsonrpc": "2.0", "id": "slow", "result": {}})
        ping = b'{"jsonrpc":"2.0","id":%d,"method":"ping","params":{}}\n'
        host.write(b"hello?\n\n[1]\n" + b"".join(ping % number for number in range(100, 200)))
        answered = [(await host.read())["id"] for _ in range(100)]
        self.assertEqual(answered, list(range(100, 200)))
        host.write(b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]\n{"jsonrpc":"2.0","id":1\n')
        codes = [(await host.read())["error"]["code"] for _ in range(2)]
        self.assertEqual(codes, [-32600, -32700])

    async def test_a_large_frame_is_taken_and_one_over_the_limit_is_refused(self) -> None:
        host = await self.host(HELLO)
        await host.greet()
        large = json.dumps({"jsonrpc": "2.0", "id": 7, "method": "ping", "params": {"x": "y" * 4_000_000}})
        host.write(large.encode() + b"\n")
        self.assertEqual((await host.read())["id"], 7)
        host.write(b'{"jsonrpc":"2.0","id":8,"method":"ping","params":"' + b"z" * (9 * 1024 * 1024) + b'"}\n')
        refused = (await host.read())["error"]["data"]
        self.assertEqual(
            (refused["reason"], refused["retryable"]), ("limit_exceeded", False), "it stays too large"
        )
        self.assertEqual((await host.call("ping", {}))["result"], {})

    async def test_a_host_that_writes_before_it_reads_is_read_and_gets_one_answer_to_each_call(self) -> None:
        host = await self.host(ECHO)
        await host.greet()
        await host.call("start", {})
        large = "x" * (1024 * 1024)
        asked = [host.ask("ipc.invoke", {"channel": "echo", "args": [large]}) for _ in range(64)]
        await host.flush()
        answers = [await host.read() for _ in asked]
        self.assertEqual(sorted(answer["id"] for answer in answers), asked)
        refused = [answer["error"]["data"]["reason"] for answer in answers if "error" in answer]
        self.assertEqual(set(refused), {"limit_exceeded"}, "what it cannot queue, it refuses")
        self.assertEqual((await host.call("ping", {}))["result"], {})

    async def test_it_exits_in_good_order_when_the_wire_closes(self) -> None:
        for source, wire in ((HELLO, "stdio"), (HELLO, "fd"), (SERVING, "stdio")):
            with self.subTest(source=source[:40], wire=wire):
                host = await self.host(source, wire)
                await host.greet()
                await host.call("start", {})
                host.hang_up()
                self.assertEqual(await host.exit(), 0)

    async def test_it_exits_before_any_handshake_when_the_wire_closes(self) -> None:
        host = await self.host(HELLO)
        host.hang_up()
        self.assertEqual(await host.exit(), 0)

    async def test_it_ends_in_good_order_at_sigterm(self) -> None:
        host = await self.host(HELLO)
        await host.greet()
        await host.call("start", {})
        host.process.send_signal(signal.SIGTERM)
        self.assertEqual(await host.exit(), 0)
        self.assertEqual((await host.read())["params"]["message"], "stopping")

    async def test_a_thread_that_never_returns_keeps_neither_pings_nor_the_exit(self) -> None:
        host = await self.host(STUCK)
        await host.greet()
        await host.call("start", {})
        host.ask("ipc.invoke", {"channel": "forever", "args": []})
        self.assertEqual((await host.call("ping", {}))["result"], {})
        await host.call("stop", {"reason": "stopped"})
        self.assertEqual(await host.exit(), 1)
        self.assertIn(b"where it stands", await host.stderr())

    async def test_what_nobody_caught_is_logged_with_its_stack(self) -> None:
        host = await self.host(FAILING)
        await host.greet()
        await host.call("start", {})
        logged: dict[str, str] = {}
        while len(logged) < 2:
            for message in host.told:
                if message["method"] == "log":
                    logged[message["params"]["extra"]["name"]] = message["params"]["extra"]["stack"]
            await host.call("ping", {})
        self.assertIn("in forgotten", logged["ValueError"])
        self.assertIn("in in_thread", logged["KeyError"])

    async def test_an_application_is_served_on_the_inherited_listener(self) -> None:
        for through_shell in (False, True):
            with self.subTest(through_shell=through_shell):
                host = await self.host(SERVING, through_shell=through_shell)
                await host.greet()
                answer = await host.call("start", {})
                self.assertEqual(answer.get("result"), {}, answer)
                self.assertIn("server.register", [message["method"] for message in host.told])
                transport = httpx.AsyncHTTPTransport(uds=host.socket_path)
                async with httpx.AsyncClient(transport=transport) as client:
                    response = await client.get("http://127.0.0.1:2066/api/real/status")
                self.assertEqual(response.json(), {"host": "127.0.0.1:2066"})
                await host.call("stop", {"reason": "stopped"})
                self.assertEqual(await host.exit(), 0)

    async def test_children_inherit_neither_the_wire_nor_the_listener(self) -> None:
        source = HELLO.replace(
            'ctx.logger.info("hello", "started")',
            'import subprocess; ctx.logger.info("fds", subprocess.run(["ls", "-l", "/proc/self/fd"], '
            'capture_output=True, text=True, close_fds=False).stdout + str(sorted(__import__("os").environ)))',
        )
        host = await self.host(source, "fd")
        await host.greet()
        await host.call("start", {})
        [said] = [message["params"]["message"] for message in host.told if message["method"] == "log"]
        self.assertNotIn("socket:", said)
        # Of pipes there are the capture of its output and the log; the wire is two others.
        wire = [os.readlink(f"/proc/{host.process.pid}/fd/{fd}") for fd in _wire_fds(host)]
        for pipe in wire:
            self.assertNotIn(pipe, said)
        self.assertNotIn("OUTBOARD_RPC_FDS", said)
        self.assertNotIn("OUTBOARD_PROTOCOL", said)

    def test_called_by_hand_it_says_what_it_is_and_exits(self) -> None:
        parent, child = pty.openpty()
        self.addCleanup(os.close, parent)
        ended = subprocess.run(
            [sys.executable, "-c", HELLO],
            stdin=child,
            capture_output=True,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(SRC)},
            timeout=GUARD,
            check=False,
        )
        os.close(child)
        self.assertEqual(ended.returncode, 2)
        self.assertEqual(ended.stdout.count(b"\n"), 1)
        self.assertIn(b"outboard run", ended.stdout)
        self.assertEqual(ended.stderr, b"")


def _wire_fds(host: ScriptedHost) -> list[int]:
    folder = f"/proc/{host.process.pid}/fd"
    standard = {os.readlink(f"{folder}/{fd}") for fd in (0, 1, 2)}
    pipes = [fd for fd in os.listdir(folder) if os.readlink(f"{folder}/{fd}").startswith("pipe:")]
    return [int(fd) for fd in pipes if os.readlink(f"{folder}/{fd}") not in standard]


if __name__ == "__main__":
    unittest.main()

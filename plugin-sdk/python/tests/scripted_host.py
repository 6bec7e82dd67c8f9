"""A host that a test scripts line by line: a real process, real pipes, a real Unix socket."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any

SRC = Path(__file__).resolve().parent.parent / "src"
# A guard against hanging; nothing is measured by it.
GUARD = 30.0


class ScriptedHost:
    """One plugin process. ``wire``: "stdio", or "fd" for descriptors of its own."""

    def __init__(self, source: str, wire: str = "stdio") -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="outboard-test-")
        self.folder = Path(self._folder.name)
        (self.folder / "main.py").write_text(source)
        self.socket_path = str(self.folder / "http.sock")
        self.data_dir = self.folder / "data"
        self._wire = wire
        self.process: asyncio.subprocess.Process
        self.strays: list[str] = []
        self.told: list[dict[str, Any]] = []
        self._last_id = 0

    async def spawn(self, *, through_shell: bool = False) -> None:
        """Starts the process as a supervisor does: its environment alone, the listener handed over."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(self.socket_path)
        listener.listen(16)
        fd = listener.fileno()
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(SRC),
            "OUTBOARD_PROTOCOL": "1",
            "OUTBOARD_PLUGIN_ID": "real",
            "OUTBOARD_HTTP_FD": str(fd),
        }
        command = [sys.executable, "main.py"]
        if through_shell:
            # As socket activation says it: descriptor 3, and the pid of the process that has it.
            del environment["OUTBOARD_HTTP_FD"]
            line = f"LISTEN_FDS=1 LISTEN_PID=$$ exec {shlex.join(command)} 3<&{fd}"
            command = ["bash", "-c", line]
        fds = [fd]
        own_ends: list[int] = []
        if self._wire == "fd":
            down_read, down_write = os.pipe()
            up_read, up_write = os.pipe()
            environment["OUTBOARD_RPC_FDS"] = f"{down_read},{up_write}"
            fds += [down_read, up_write]
            own_ends = [down_read, up_write]
        self.process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=self.folder,
            env=environment,
            pass_fds=fds,
            limit=16 * 1024 * 1024,
        )
        listener.close()
        for end in own_ends:
            os.close(end)
        if self._wire == "fd":
            self._reader, self._writer = await _streams(up_read, down_write)
        else:
            assert self.process.stdin is not None and self.process.stdout is not None
            self._reader, self._writer = self.process.stdout, self.process.stdin

    def write(self, text: bytes) -> None:
        """Any bytes, down the wire."""
        self._writer.write(text)

    async def flush(self) -> None:
        """Waits until the plugin has read nearly all that was written; nothing is read from it meanwhile, but for what the
        stream gathers by itself."""
        await asyncio.wait_for(self._writer.drain(), GUARD)

    def ask(self, method: str, params: Any) -> int:
        """Sends a host call and gives its id."""
        self._last_id += 1
        message = {"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params}
        self.write(json.dumps(message).encode() + b"\n")
        return self._last_id

    async def answer(self, call_id: int) -> dict[str, Any]:
        """Reads until the answer to this call; answers the plugin's own calls with an empty object meanwhile."""
        while True:
            message = await self.read()
            if "method" not in message and message.get("id") == call_id:
                return message
            if "method" in message and "id" in message:
                reply = {"jsonrpc": "2.0", "id": message["id"], "result": {}}
                self.write(json.dumps(reply).encode() + b"\n")
            self.told.append(message)

    async def read(self) -> dict[str, Any]:
        """The next message; lines that are none are strays."""
        while True:
            line = await asyncio.wait_for(self._reader.readline(), GUARD)
            if not line:
                raise EOFError(f"the plugin closed the wire: {(await self.stderr()).decode()}")
            try:
                message = json.loads(line)
            except ValueError:
                self.strays.append(line.decode())
                continue
            if isinstance(message, dict):
                return message

    async def call(self, method: str, params: Any) -> dict[str, Any]:
        """A host call and its answer."""
        return await self.answer(self.ask(method, params))

    async def greet(self) -> dict[str, Any]:
        """The handshake."""
        return await self.call(
            "initialize",
            {
                "protocolVersions": [1],
                "host": {"name": "outboard", "version": "0.0.0", "unknown": 1},
                "plugin": {
                    "id": "real",
                    "version": "1.0.0",
                    "installDir": str(self.folder),
                    "dataDir": str(self.data_dir),
                },
                "http": {"baseUrl": "http://127.0.0.1:2066", "prefix": "/api/real"},
                "features": ["unheard-of"],
                "unknown": {},
            },
        )

    def hang_up(self) -> None:
        """Closes the plugin's standard input, or its descriptor in place of it."""
        self._writer.close()

    async def exit(self) -> int:
        """Waits for the process to end by itself."""
        return await asyncio.wait_for(self.process.wait(), GUARD)

    async def stderr(self) -> bytes:
        """All of its stderr, to its end."""
        assert self.process.stderr is not None
        return await asyncio.wait_for(self.process.stderr.read(), GUARD)

    async def close(self) -> None:
        """Ends the process if it is still there."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        self.hang_up()
        self._folder.cleanup()


async def _streams(read_fd: int, write_fd: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=16 * 1024 * 1024)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(read_fd, "rb", 0))
    transport, protocol = await loop.connect_write_pipe(
        asyncio.streams.FlowControlMixin, os.fdopen(write_fd, "wb", 0)
    )
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)

#!/usr/bin/env python3
"""From a save to the new answer: `outboard dev` beside `node --watch` and `uvicorn --reload`, in one run.

Run by hand, `python3 tests/bench/reloads.py [ROUNDS]`, after `cargo build`; OUTBOARD_BIN names another binary. uvicorn is measured where
this Python has it. Each number is the time from the end of the write until a request is answered with what was saved; requests are sent
every few milliseconds, so that is how exact it is. No test asserts any of it.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = os.environ.get("OUTBOARD_BIN", str(ROOT / "target/debug/outboard"))
# A guard against hanging, not a measure.
PATIENCE = 60.0
# Between two requests.
STEP = 0.003
# Between two rounds, so that no tool is still at work on the one before.
REST = 0.5

NODE = """import { createServer } from "node:http";
createServer((_, response) => response.end("round 0")).listen(Number(process.env.PORT), "127.0.0.1");
"""
ASGI = """async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"round 0"})
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answer(port: int, path: str) -> str:
    """What is answered now; nothing where nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return ""
    finally:
        connection.close()


def until(port: int, path: str, wanted: str) -> None:
    end = time.monotonic() + PATIENCE
    while wanted not in answer(port, path):
        if time.monotonic() > end:
            sys.exit(f"port {port} does not answer {wanted!r} within {PATIENCE:g} s")
        time.sleep(STEP)


def measure(what: str, command: list[str], cwd: Path, file: Path, port: int, path: str, rounds: int) -> None:
    # Its own group, so that a reloader's children end with it.
    env = {**os.environ, "PORT": str(port), "PYTHONDONTWRITEBYTECODE": "1"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, cwd=cwd, env=env, start_new_session=True, **quiet)
    try:
        until(port, path, "round 0")
        times = []
        for number in range(1, rounds + 1):
            time.sleep(REST)
            text = file.read_text().replace(f"round {number - 1}", f"round {number}")
            file.write_text(text)
            saved = time.monotonic()
            until(port, path, f"round {number}")
            times.append((time.monotonic() - saved) * 1000)
        print(
            f"{what:24}  median {statistics.median(times):6.0f} ms   from {min(times):5.0f} to {max(times):5.0f} ms"
        )
    finally:
        os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def plugin(root: Path, language: str, file: str) -> tuple[Path, Path]:
    """A new plugin whose answer has the round in it."""
    folder = root / f"mine-{language}"
    made = subprocess.run(
        [BINARY, "new", str(folder), "--language", language, "--json"], check=True, capture_output=True
    )
    json.loads(made.stdout)
    source = folder / file
    source.write_text(source.read_text().replace('"world"', '"round 0"'))
    return folder, source


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    with tempfile.TemporaryDirectory(prefix="outboard-reloads-") as name:
        root = Path(name)
        print(f"from a save to the new answer, {rounds} saves each")
        for language, file in (("js", "background/index.js"), ("py", "main.py")):
            folder, source = plugin(root, language, file)
            port = free_port()
            command = [BINARY, "dev", str(folder), "--listen", f"127.0.0.1:{port}"]
            measure(
                f"outboard dev, {language}", command, root, source, port, f"/api/mine-{language}/", rounds
            )
        bare = root / "bare"
        bare.mkdir()
        (bare / "server.mjs").write_text(NODE)
        measure(
            "node --watch",
            ["node", "--watch", "server.mjs"],
            bare,
            bare / "server.mjs",
            free_port(),
            "/",
            rounds,
        )
        if find_spec("uvicorn") is None:
            print("uvicorn --reload          not measured: this Python has no uvicorn")
            return
        (bare / "app.py").write_text(ASGI)
        port = free_port()
        command = [
            sys.executable,
            "-m",
            "uvicorn",
            "app:app",
            "--reload",
            "--port",
            str(port),
            "--log-level",
            "error",
        ]
        measure("uvicorn --reload", command, bare, bare / "app.py", port, "/", rounds)


main()

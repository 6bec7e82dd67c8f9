"""From a save to the new answer: `outboard dev` beside `node --watch` and `uvicorn --reload`, in one run.

Called by table.py, and by hand: `python3 tests/bench/reloads.py [ROUNDS]`; OUTBOARD_BIN names another binary. uvicorn is measured where
this Python, or that of the SDK's tests, has it. Requests are sent every few milliseconds, so that is how exact it is.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from scene import ROOT, TARGET, row

# Has uvicorn, where `make test-python` has made it.
PYTHON = ROOT / "target" / "python-tests" / "bin" / "python3"
BINARY = os.environ.get("OUTBOARD_BIN", str(TARGET / "outboard"))
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


class Contestant:
    """A tool that runs a server and starts it anew when its file is saved."""

    def __init__(self, what: str, command: list[str], cwd: Path, file: Path, port: int, path: str) -> None:
        self.what, self.file, self.port, self.path = what, file, port, path
        self.times: list[float] = []
        # Its own group, so that a reloader's children end with it.
        env = {**os.environ, "PORT": str(port), "PYTHONDONTWRITEBYTECODE": "1"}
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, cwd=cwd, env=env, start_new_session=True, **quiet)

    def begin(self) -> None:
        until(self.port, self.path, "round 0")

    def save(self, number: int) -> None:
        self.file.write_text(self.file.read_text().replace(f"round {number - 1}", f"round {number}"))
        saved = time.monotonic()
        until(self.port, self.path, f"round {number}")
        self.times.append((time.monotonic() - saved) * 1000)

    def end(self) -> None:
        os.killpg(self.process.pid, signal.SIGINT)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


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


def contestants(root: Path) -> Iterator[Contestant]:
    for language, file in (("js", "background/index.js"), ("py", "main.py")):
        folder, source = plugin(root, language, file)
        port = free_port()
        command = [BINARY, "dev", str(folder), "--listen", f"127.0.0.1:{port}"]
        yield Contestant(f"outboard dev, {language}", command, root, source, port, f"/api/mine-{language}/")
    bare = root / "bare"
    bare.mkdir()
    (bare / "server.mjs").write_text(NODE)
    command = ["node", "--watch", "server.mjs"]
    yield Contestant("node --watch", command, bare, bare / "server.mjs", free_port(), "/")
    python = next((python for python in (sys.executable, str(PYTHON)) if has_uvicorn(python)), None)
    if python is None:
        print(
            "uvicorn --reload is not measured: neither this Python nor target/python-tests has it",
            file=sys.stderr,
        )
        return
    # In a folder of its own, since it watches all of it.
    asgi = root / "asgi"
    asgi.mkdir()
    (asgi / "app.py").write_text(ASGI)
    port = free_port()
    command = [python, "-m", "uvicorn", "app:app", "--reload"]
    command += ["--port", str(port), "--log-level", "error"]
    yield Contestant("uvicorn --reload", command, asgi, asgi / "app.py", port, "/")


def has_uvicorn(python: str) -> bool:
    asked = [python, "-c", "import uvicorn"]
    return Path(python).exists() and subprocess.run(asked, check=False, capture_output=True).returncode == 0


def load() -> str:
    return Path("/proc/loadavg").read_text().split()[0]


def times(rounds: int) -> tuple[dict[str, list[float]], str]:
    """Milliseconds of each save, of each contestant; and the load before the first."""
    with tempfile.TemporaryDirectory(prefix="outboard-reloads-") as name:
        running: list[Contestant] = []
        before = load()
        try:
            for one in contestants(Path(name)):
                running.append(one)
                one.begin()
            for number in range(1, rounds + 1):
                turns = running.copy()
                random.shuffle(turns)
                for one in turns:
                    time.sleep(REST)
                    one.save(number)
        finally:
            for one in running:
                one.end()
    print(f"{rounds} saves each; load {before} before, {load()} after", flush=True)
    return {one.what: one.times for one in running}, before


def measure_reloads(rounds: int) -> list[dict[str, str]]:
    """From the end of a write of a file until a request is answered with what was saved: `outboard dev` on a new plugin, beside the
    reloaders of the languages on the smallest server. All run side by side, idle but for the one whose file is saved, and take turns
    in another order each round; five saves a round. The machine's load before the first stands beside the figures."""
    found, loaded = times(rounds * 5)
    rows = []
    for language, ours, peer in (
        ("JavaScript", "outboard dev, js", "node --watch"),
        ("Python", "outboard dev, py", "uvicorn --reload"),
    ):
        what = f"Save to the new answer, {language}"
        rows.append(row(what, "ms", found[ours], found.get(peer), f"load {loaded}, {peer}", "< 1 s"))
    return rows


if __name__ == "__main__":
    measure_reloads(int(sys.argv[1]) if len(sys.argv) > 1 else 4)

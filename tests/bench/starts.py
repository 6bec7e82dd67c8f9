"""Starting: after a crash, at boot, and what clients notice of it."""

import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from beside import wrk
from scene import GUARD, TARGET, Outboard, cpu_seconds, row, wait_for


def unix_get(path):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        return client.recv(64).startswith(b"HTTP/1.1 200")


class Bare:
    """The same program without a supervisor, from its spawn to its first 200."""

    def __init__(self, folder, name="bare"):
        self.path = Path(folder) / f"{name}.sock"
        self.path.unlink(missing_ok=True)
        self.child = subprocess.Popen([TARGET / "bench-plugin", "--serve", self.path])

    def ready(self):
        end = time.monotonic() + GUARD
        while time.monotonic() < end:
            try:
                if unix_get(self.path):
                    return self
            except OSError:
                pass
            time.sleep(0.0002)
        raise SystemExit("the bare program never answered")

    def end(self):
        self.child.kill()
        self.child.wait()


def ended(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"
    except OSError:
        return True


def measure_restart(rounds):
    """From SIGKILL of a plugin's process to the next 200: kill, notice, prove empty, spawn, handshake, start, route."""
    ours, bare = [], []
    with Outboard() as outboard, tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            outboard.cli("stop", "bench")
            outboard.cli("start", "bench")  # a new beginning, so that the first restart is at once
            pid = outboard.plugin_pid()
            begun = time.perf_counter()
            os.kill(pid, signal.SIGKILL)
            while not ended(pid):
                pass
            with socket.create_connection(("127.0.0.1", outboard.port)) as client:
                client.sendall(
                    f"GET /api/bench/ HTTP/1.1\r\nhost: {outboard.listen}\r\nconnection: close\r\n\r\n".encode()
                )
                client.settimeout(GUARD)
                assert client.recv(64).startswith(b"HTTP/1.1 200")
            ours.append((time.perf_counter() - begun) * 1e3)
            begun = time.perf_counter()
            program = Bare(folder).ready()
            bare.append((time.perf_counter() - begun) * 1e3)
            program.end()
    return [row("Crash to the next 200", "ms", ours, bare, "bare spawn to its first 200", "bare + 5 ms")]


def measure_boot(rounds):
    """Processor time until 50 plugins with the Rust SDK run, of the supervisor and of all of them, beside 50 bare spawns of the
    same program until each has answered."""
    names, ours, bare = [f"plugin-{n}" for n in range(50)], [], []
    for _ in range(rounds):
        with Outboard(names) as outboard:
            ours.append(cpu_seconds(outboard.process.pid, outboard.pid, *outboard.plugin_pids()) * 1e3)
        with tempfile.TemporaryDirectory() as folder:
            programs = [Bare(folder, name) for name in names]
            bare.append(cpu_seconds(*(program.ready().child.pid for program in programs)) * 1e3)
            for program in programs:
                program.end()
    return [row("Boot of 50 plugins, processor time of all", "ms", ours, bare, "50 bare spawns", "≤ 4")]


FEW, MANY = 400, 2000


def measure_many(rounds):
    """Processor time of the supervisor for each plugin: until all of them run, and in a second of rest after that. 2,000 plugins beside
    400; where each plugin costs the same, the ratio is 1."""
    boot, rest = {FEW: [], MANY: []}, {FEW: [], MANY: []}
    for _ in range(min(rounds, 3)):
        for count in (FEW, MANY):
            with Outboard([f"plugin-{n}" for n in range(count)]) as outboard:
                wait_for(
                    lambda: all(plugin["state"] == "running" for plugin in outboard.cli("status")["plugins"])
                )
                begun = cpu_seconds(outboard.pid)
                boot[count].append(begun * 1e3 / count)
                # The first seconds finish what the start began.
                time.sleep(10)
                begun = cpu_seconds(outboard.pid)
                time.sleep(10)
                rest[count].append((cpu_seconds(outboard.pid) - begun) * 1e6 / 10 / count)
    return [
        row(
            f"Boot, processor time of the supervisor for each of {MANY} plugins",
            "ms",
            boot[MANY],
            boot[FEW],
            f"each of {FEW}",
            "≤ 1.2",
        ),
        row(
            f"Rest, processor time of the supervisor for each of {MANY} plugins",
            "µs/s",
            rest[MANY],
            rest[FEW],
            f"each of {FEW}",
            "≤ 1.2",
        ),
    ]


# CommonJS: the form that a bare node begins soonest. It takes an ES module in such a file for CommonJS at first, and reads it twice.
SCRIPT = """module.exports = { onStart() {}, onStop() {} };
setInterval(() => {}, 1 << 30);
"""


def settled_cpu(pid):
    """Processor time of a process that has begun, when it has come to rest: two looks in a row see the same."""
    seen = -1.0
    while (now := cpu_seconds(pid)) != seen:
        seen = now
        time.sleep(0.2)
    return now


def measure_javascript(rounds):
    """Processor time of a trivial JavaScript plugin from its spawn until it has started and come to rest, beside that of a bare `node` on
    the very same module. The module keeps the process alive, so that both are looked at in the same state."""
    ours, bare = [], []
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "index.js"
        script.write_text(SCRIPT)
        with Outboard(("script",), files={"script": (script, "background/index.js", None)}) as outboard:
            for _ in range(rounds):
                outboard.cli("restart", "script")
                ours.append(settled_cpu(outboard.plugin_pid("script")) * 1e3)
                # As few variables as a plugin has: some of Node's own make it read files at its start.
                few = {"PATH": os.environ["PATH"], "HOME": folder}
                child = subprocess.Popen(["node", script], cwd=folder, env=few, stdin=subprocess.DEVNULL)
                time.sleep(0.5)  # it begins with a moment in which nothing has run yet
                bare.append(settled_cpu(child.pid) * 1e3)
                child.kill()
                child.wait()
    return [
        row(
            "Start of a trivial JavaScript plugin, processor time",
            "ms",
            ours,
            bare,
            "bare node on the same module",
            "≤ 1.5",
        )
    ]


def measure_lost(rounds):
    """GET requests without an answer, or with another than 200, while the plugin is restarted five times and its process is killed
    twice: 16 connections, 8 seconds. A request may wait, as it does while a killed plugin's pause lasts."""
    lost = []
    for _ in range(min(rounds, 3)):
        with Outboard() as outboard:
            load = {}

            def run(load=load, port=outboard.port):
                url = f"http://127.0.0.1:{port}/api/bench/"
                load["seen"] = wrk(url, 16, 8, may_fail=True)

            thread = threading.Thread(target=run)
            thread.start()
            for n in range(5):
                time.sleep(0.5)
                outboard.cli("restart", "bench")
                if n in (1, 3):
                    time.sleep(0.5)
                    os.kill(outboard.plugin_pid(), signal.SIGKILL)
            thread.join(GUARD)
            lost.append(load["seen"][1])
    return [row("Requests lost over 5 restarts and 2 kills under load", "", lost, None, "", "0")]

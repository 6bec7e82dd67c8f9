#!/usr/bin/env python3
"""Measures Outboard beside its limits and its peers, in turn and in one run, and writes docs/PERFORMANCE.md.

    make bench                     everything, five rounds
    tests/bench/table.py --rounds 3 --only proxy,memory        with --write, the other rows stay as they are

A figure counts as a ratio alone: both contestants ran in the same minutes on the same machine. Traffic stays on loopback.
Nothing here is part of the test suite.
"""

import argparse
import json
import os
import platform
import re
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
PAGE = ROOT / "docs" / "PERFORMANCE.md"
GUARD = 60  # seconds; nothing that is waited for takes longer unless it hangs


def cpu_seconds(pid):
    """Processor time of all threads of a process so far, in seconds, to the nanosecond."""
    return sum(
        int(task.joinpath("schedstat").read_text().split()[0]) / 1e9 for task in Path(f"/proc/{pid}/task").iterdir()
    )


def pss_mib(pid):
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+)", text, re.M).group(1)) / 1024


def pin(pid, core):
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), {core})


class Outboard:
    """A supervisor in temporary folders, with plugins made from one program, or by `files`: (source, where, command) of each."""

    def __init__(self, plugins=("bench",), program=None, files=None):
        self.folder = Path(tempfile.mkdtemp(prefix="outboard-bench-"))
        for name in plugins:
            folder = self.folder / "plugins" / name
            folder.mkdir(parents=True)
            command = [str(program or TARGET / "bench-plugin")]
            manifest = {"id": name, "name": name, "version": "1.0.0", "run": {"command": command}}
            if files:
                source, where, command = files[name]
                (folder / where).parent.mkdir(exist_ok=True)
                shutil.copy(source, folder / where)
                manifest["run"] = {"command": command}
                if not command:
                    del manifest["run"]
            (folder / "plugin.json").write_text(json.dumps(manifest))
        self.runtime = self.folder / "r"
        command = [TARGET / "outboard", "run", "--ready-json", "--listen", "127.0.0.1:0", "--log-level", "error"]
        command += ["--plugins", self.folder / "plugins", "--data", self.folder / "data", "--runtime-dir", self.runtime]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        self.ready = json.loads(self.process.stdout.readline())
        self.pid, self.listen = self.ready["pid"], self.ready["listen"]

    def cli(self, *words):
        command = [TARGET / "outboard", "--runtime-dir", self.runtime, "--json", *map(str, words)]
        return json.loads(subprocess.run(command, check=True, capture_output=True, timeout=10 * GUARD).stdout)

    def plugin_pid(self, name="bench"):
        return self.cli("status", name)["plugins"][0]["pid"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(GUARD)
        shutil.rmtree(self.folder, ignore_errors=True)


def measure_rpc(rounds):
    """One context call, config.get of about 100 bytes each way, from a plugin with the Rust SDK; 64 in flight, one core."""
    calls, ours, limit, ours_one, limit_one = 100_000, [], [], [], []
    with Outboard() as outboard:
        child = outboard.plugin_pid()
        pin(outboard.pid, 0)
        pin(child, 0)
        outboard.cli("call", "bench", "rpc", 5000, 64)
        for _ in range(rounds):
            before = cpu_seconds(outboard.pid) + cpu_seconds(child)
            outboard.cli("call", "bench", "rpc", calls, 64)
            ours.append((cpu_seconds(outboard.pid) + cpu_seconds(child) - before) / calls * 1e6)
            ours_one.append(outboard.cli("call", "bench", "rpc", 5000, 1)["p50_us"])
            run = ["taskset", "-c", "0", TARGET / "bench-limit", "rpc"]
            limit.append(json.loads(subprocess.check_output([*run, str(calls), "64"]))["cpu_us"])
            limit_one.append(json.loads(subprocess.check_output([*run, "5000", "1"]))["p50_us"])
    return [
        row("RPC, processor time of both processes a call, 64 in flight", "µs", ours, limit, "two blocking processes", "≤ 1.6"),
        row("RPC, median round trip with 1 in flight", "µs", ours_one, limit_one, "two blocking processes", "≤ 1.6"),
    ]


def wrk(url, connections, seconds=3):
    out = subprocess.check_output(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", url], text=True, timeout=GUARD)
    if re.search(r"Non-2xx|Socket errors", out):
        raise SystemExit(f"wrk saw errors:\n{out}")
    return int(re.search(r"(\d+) requests in", out).group(1))


class Nginx:
    """nginx as a proxy to the same Unix socket: keep-alive upstream, no access log, one worker."""

    def __init__(self, upstream):
        self.folder = Path(tempfile.mkdtemp(prefix="nginx-bench-"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        config = f"""
            worker_processes 1; daemon off; pid {self.folder}/pid; error_log {self.folder}/error.log;
            user root;
            events {{ worker_connections 1024; }}
            http {{
              access_log off; client_body_temp_path {self.folder}/body; proxy_temp_path {self.folder}/proxy;
              fastcgi_temp_path {self.folder}/f; uwsgi_temp_path {self.folder}/u; scgi_temp_path {self.folder}/s;
              keepalive_requests 100000000;
              upstream plugin {{ server unix:{upstream}; keepalive 64; keepalive_requests 100000000; }}
              server {{ listen 127.0.0.1:{self.port}; location / {{
                proxy_pass http://plugin; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering on; }} }}
            }}"""
        (self.folder / "nginx.conf").write_text(config)
        self.process = subprocess.Popen(["nginx", "-c", self.folder / "nginx.conf", "-p", self.folder])
        wait_for(lambda: self.workers())
        self.worker = self.workers()[0]

    def workers(self):
        listing = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(pid) for pid in listing]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(GUARD)
        shutil.rmtree(self.folder, ignore_errors=True)


def wait_for(condition):
    end = time.monotonic() + GUARD
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.01)
    raise SystemExit("waited in vain")


def measure_proxy(rounds):
    """The gateway's processor time a request, beside nginx in front of the very same process and socket."""
    rows = []
    with Outboard() as outboard:
        upstream = next((outboard.runtime / "s").iterdir())
        with Nginx(upstream) as nginx:
            for path, what, goal in [("", "about 100 bytes", "≤ 1.0"), ("large", "1 MiB", "")]:
                ours, theirs = [], []
                for _ in range(rounds):
                    for times, pid, port in [
                        (ours, outboard.pid, outboard.listen.rsplit(":", 1)[1]),
                        (theirs, nginx.worker, nginx.port),
                    ]:
                        before = cpu_seconds(pid)
                        done = wrk(f"http://127.0.0.1:{port}/api/bench/{path}", 64)
                        times.append((cpu_seconds(pid) - before) / done * 1e6)
                rows.append(row(f"HTTP proxy, processor time a request, {what}, 64 connections", "µs", ours, theirs, "nginx", goal))
    return rows


def measure_memory(rounds):
    """Proportional set size of the supervisor with 100 idle plugins."""
    names = [f"idle-{n}" for n in range(100)]
    sizes = []
    for _ in range(min(rounds, 3)):
        with Outboard(names) as outboard:
            time.sleep(2)  # idle means that nothing has happened for a while
            sizes.append(pss_mib(outboard.pid))
    return [row("Memory of the supervisor with 100 idle plugins", "MiB", sizes, None, "", "≤ 12 MiB")]


def unix_get(path):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        return client.recv(64).startswith(b"HTTP/1.1 200")


def bare_start(folder):
    """From a bare spawn of the same program to its first 200, in milliseconds."""
    path = Path(folder) / "bare.sock"
    path.unlink(missing_ok=True)
    begun = time.perf_counter()
    child = subprocess.Popen([TARGET / "bench-plugin", "--serve", path])
    try:
        while time.perf_counter() - begun < GUARD:
            try:
                if unix_get(path):
                    return (time.perf_counter() - begun) * 1e3
            except OSError:
                pass
            time.sleep(0.0002)
        raise SystemExit("the bare program never answered")
    finally:
        child.kill()
        child.wait()


def measure_restart(rounds):
    """From SIGKILL of a plugin's process to the next 200: kill, notice, prove empty, spawn, handshake, start, route."""
    ours, bare = [], []
    with Outboard() as outboard, tempfile.TemporaryDirectory() as folder:
        host, port = outboard.listen.rsplit(":", 1)
        for _ in range(rounds):
            outboard.cli("stop", "bench")
            outboard.cli("start", "bench")  # a new beginning, so that the first restart is at once
            pid = outboard.plugin_pid()
            begun = time.perf_counter()
            os.kill(pid, signal.SIGKILL)
            while Path(f"/proc/{pid}/exe").exists() and open(f"/proc/{pid}/stat").read().split()[2] != "Z":
                pass
            with socket.create_connection((host, int(port))) as client:
                client.sendall(f"GET /api/bench/ HTTP/1.1\r\nhost: {outboard.listen}\r\nconnection: close\r\n\r\n".encode())
                client.settimeout(GUARD)
                assert client.recv(64).startswith(b"HTTP/1.1 200")
            ours.append((time.perf_counter() - begun) * 1e3)
            bare.append(bare_start(folder))
    return [row("Crash to the next 200", "ms", ours, bare, "bare spawn to its first 200", "bare + 5 ms")]


def measure_config(rounds):
    """Durable config.set: each is acknowledged when it is on disk."""
    many, one, limit = [], [], []
    with Outboard() as outboard:
        for _ in range(rounds):
            count = 6400
            many.append(count / outboard.cli("call", "bench", "sets", count, 64)["seconds"])
            one.append(500 / outboard.cli("call", "bench", "sets", 500, 1)["seconds"])
            run = [TARGET / "bench-limit", "sync", outboard.folder / "data" / "limit", "1"]
            limit.append(json.loads(subprocess.check_output(run))["a_second"])
    return [
        row("config.set, 64 callers at once", "a second", many, one, "one caller", "≥ 30"),
        row("config.set, one caller", "a second", one, limit, "overwrite and sync in place", "≥ 0.9"),
    ]


def row(what, unit, ours, other, beside, goal):
    middle = statistics.median(ours)
    cells = {"what": what, "ours": f"{figure(middle)} {unit}", "spread": spread(ours), "goal": goal, "beside": "", "ratio": ""}
    if other:
        ratio = statistics.median(a / b for a, b in zip(ours, other))
        cells["beside"] = f"{beside}: {figure(statistics.median(other))} {unit} ({spread(other)})"
        cells["ratio"] = f"{ratio:.2f}"
    print(f"{what}: {cells['ours']} ({cells['spread']}); {cells['beside']}; ratio {cells['ratio'] or '-'}; goal {goal}", flush=True)
    return cells


def figure(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}"


def spread(values):
    return f"{figure(min(values))} to {figure(max(values))}"


def measure_sdks(rounds):
    """A plugin with the TypeScript or the Python SDK makes context calls, config.get of about 100 bytes each way, 64 in flight,
    to the real supervisor. Beside it, the same between two processes of vscode-jsonrpc (a child that asks an echo) and of the
    MCP Python SDK (a client that calls a tool), over standard input and output. Processor time is that of both processes."""
    import sdks

    return sdks.measure(rounds, Outboard, cpu_seconds, row)


MEASURES = {
    "rpc": measure_rpc,
    "sdks": measure_sdks,
    "proxy": measure_proxy,
    "memory": measure_memory,
    "restart": measure_restart,
    "config": measure_config,
}

HEAD = """# Performance

Written by `make bench`. Machines are noisy, so a figure counts as a **ratio**: both contestants of a row ran in turn, in one run, on
one machine; each figure is the median of {rounds} rounds, with the smallest and the largest behind it. Every check, limit and log of
Outboard was on, as it is shipped. None of this is asserted in the test suite.

Taken on {date}, {machine}.

| what | Outboard | spread | beside | ratio | goal |
| --- | --- | --- | --- | --- | --- |
"""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default=",".join(MEASURES))
    parser.add_argument("--write", action="store_true", help="write docs/PERFORMANCE.md")
    options = parser.parse_args()
    rows = [cells for name in options.only.split(",") for cells in MEASURES[name](options.rounds)]
    machine = f"{os.cpu_count()} cores, Linux {platform.release().split('-')[0]}"
    date = time.strftime("%Y-%m-%d")
    lines = {cells["what"]: "| {what} | {ours} | {spread} | {beside} | {ratio} | {goal} |".format(**cells) for cells in rows}
    notes = {name: f"- **{name}** ({date}): {' '.join(MEASURES[name].__doc__.split())}" for name in options.only.split(",")}
    if not options.write:
        return
    if set(notes) != set(MEASURES):
        written = PAGE.read_text()
        lines = {**dict(re.findall(r"^(?=\| (?!what|---)(.+?) \|)(.*)$", written, re.M)), **lines}
        notes = {**dict(re.findall(r"^(?=- \*\*(\w+)\*\*)(.*)$", written, re.M)), **notes}
    notes = {name: notes[name] for name in MEASURES if name in notes}
    text = HEAD.format(rounds=options.rounds, date=date, machine=machine) + "\n".join(lines.values())
    PAGE.write_text(text + "\n\n## What each row measures\n\n" + "\n".join(notes.values()) + "\n")


if __name__ == "__main__":
    main()

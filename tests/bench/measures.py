"""Calls, proxied requests, settings and memory."""

import json
import re
import signal
import subprocess
import time
from pathlib import Path

import databases
import latency
import sdks
from beside import Haproxy, Nginx, Node, wrk
from scene import GUARD, TARGET, Outboard, cpu_seconds, pin, pss_mib, row, wait_for


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
        row(
            "RPC, processor time of both processes a call, 64 in flight",
            "µs",
            ours,
            limit,
            "two blocking processes",
            "≤ 1.6",
        ),
        row(
            "RPC, median round trip with 1 in flight",
            "µs",
            ours_one,
            limit_one,
            "two blocking processes",
            "≤ 1.6",
        ),
    ]


def measure_sdks(rounds):
    """A plugin with the TypeScript or the Python SDK makes context calls, config.get of about 100 bytes each way, 64 in flight,
    to the real supervisor. Beside it, the same between two processes of vscode-jsonrpc (a child that asks an echo) and of the
    MCP Python SDK (a client that calls a tool), over standard input and output. Processor time is that of both processes."""
    return sdks.measure(rounds, Outboard, cpu_seconds, row)


def measure_databases(rounds):
    """What a statement of `ctx.database` costs in a bare Node process, by the addon beside the supervisor and by better-sqlite3, each with
    the same layout, a write-ahead log and the same cache: rows of four columns, read as objects. Processor time, the system's included."""
    return databases.measure(rounds, TARGET / "liboutboard_sqlite.so", row)


def measure_proxy(rounds):
    """The gateway's processor time a request, beside peers in front of the very same process and socket."""
    rows = []
    with Outboard() as outboard:
        upstream = next((outboard.runtime / "s").iterdir())
        with Nginx(upstream) as nginx, Haproxy(upstream) as haproxy, Node("proxy.mjs", upstream) as node:
            for path, what, peers in [
                (
                    "",
                    "about 100 bytes",
                    [(nginx, "nginx", "≤ 1.0"), (node, "http-proxy on Node.js", "≤ 0.25")],
                ),
                ("large", "1 MiB", [(haproxy, "haproxy", "≤ 0.7"), (nginx, "nginx", "")]),
            ]:
                times = {contestant: [] for contestant in [outboard, *(peer for peer, _, _ in peers)]}
                for _ in range(rounds):
                    for contestant, taken in times.items():
                        before = cpu_seconds(contestant.pid)
                        done = wrk(f"http://127.0.0.1:{contestant.port}/api/bench/{path}", 64)
                        taken.append((cpu_seconds(contestant.pid) - before) / done * 1e6)
                for peer, name, goal in peers:
                    told = f"HTTP proxy, processor time a request, {what}, 64 connections, beside {name}"
                    rows.append(row(told, "µs", times[outboard], times[peer], name, goal))
    return rows


def measure_latency(rounds):
    """The median of 2,000 GETs of about 100 bytes, one after the other, from one client of the same user, beside nginx in front of
    the very same process and socket. On a connection each the kernel is asked whose it is, and nginx does not ask."""
    rows = []
    with Outboard() as outboard, Nginx(next((outboard.runtime / "s").iterdir())) as nginx:
        for each, where in [(False, "on one connection"), (True, "on a connection each")]:
            times = {contestant: [] for contestant in (outboard, nginx)}
            for _ in range(rounds):
                for contestant, taken in times.items():
                    taken.append(latency.median_us(contestant.port, "/api/bench/", each, 2000))
            told = f"HTTP proxy, median time of a request, about 100 bytes, {where}"
            rows.append(row(told, "µs", times[outboard], times[nginx], "nginx", ""))
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


def counted_syncs(outboard, count, at_once):
    """Syncs that the supervisor's threads ask for while so many values are set, counted by strace; not timed."""
    listing = outboard.folder / "syncs"
    command = ["strace", "-f", "-qq", "-e", "trace=fsync,fdatasync", "-o", listing, "-p", str(outboard.pid)]
    strace = subprocess.Popen(command, stderr=subprocess.DEVNULL)

    def traced():
        tasks = Path(f"/proc/{outboard.pid}/task").iterdir()
        return all(re.search(r"^TracerPid:\t[1-9]", (task / "status").read_text(), re.M) for task in tasks)

    wait_for(traced)
    outboard.cli("call", "bench", "sets", count, at_once)
    strace.send_signal(signal.SIGINT)
    strace.wait(GUARD)
    return len(re.findall(r"\bf(?:data)?sync\(", listing.read_text()))


def measure_config(rounds):
    """Durable config.set of changing values: each is acknowledged when it is on disk. From a plugin, its pipes and processes
    included; "in the supervisor" is the same call without them. The limit is a bare process that overwrites 100 bytes in place and
    syncs (fsync); "asked for" is that limit where another bare process asks for each through a pipe and waits for a byte back."""
    many, one, many_in, one_in, limit, asked = [], [], [], [], [], []
    with Outboard() as outboard:
        for _ in range(rounds):
            many.append(40_000 / outboard.cli("call", "bench", "sets", 40_000, 64)["seconds"])
            one.append(2500 / outboard.cli("call", "bench", "sets", 2500, 1)["seconds"])
            for kind, taken in [("sync", limit), ("sync-asked", asked)]:
                run = [TARGET / "bench-limit", kind, outboard.data / "limit", "1"]
                taken.append(json.loads(subprocess.check_output(run))["a_second"])
            run = [TARGET / "examples" / "grouped_commits", outboard.data]
            inside = json.loads(subprocess.check_output(run))
            one_in.append(inside["one"])
            many_in.append(inside["many"])
        syncs_one, syncs_many = (
            counted_syncs(outboard, 500, 1) / 500,
            counted_syncs(outboard, 6400, 64) / 6400,
        )
    peer = "overwrite and sync in place"
    return [
        row("config.set, 64 callers at once", "a second", many, one, "one caller", "≥ 30"),
        row("config.set, one caller", "a second", one, limit, peer, "≥ 0.9"),
        row(
            "config.set, one caller, beside two bare processes",
            "a second",
            one,
            asked,
            "overwrite and sync, asked for",
            "",
        ),
        row(
            "config.set in the supervisor, 64 callers at once",
            "a second",
            many_in,
            one_in,
            "one caller",
            "≥ 30",
        ),
        row("config.set in the supervisor, one caller", "a second", one_in, limit, peer, "≥ 0.9"),
        row("config.set, syncs for each, one caller", "", [syncs_one], None, "", "≥ 1"),
        row("config.set, syncs for each, 64 callers at once", "", [syncs_many], None, "", "≥ 1/64"),
    ]

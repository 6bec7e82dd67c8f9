"""How long health takes while a crowd holds all that there is to hold."""

import resource
import socket
import subprocess
import time

from scene import GUARD, Outboard, row

IDLE = 600
WEBSOCKETS = 512
ASKED = 100
# The least with which anybody has run it: the limit of descriptors of a small container.
SCARCE = 64


def connect(outboard, lines, path="/_outboard/health"):
    client = socket.create_connection(("127.0.0.1", outboard.port), GUARD)
    client.sendall(f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{outboard.port}\r\n{lines}\r\n".encode())
    return client


def slowest_health(outboard):
    slowest = 0
    for _ in range(ASKED):
        begun = time.monotonic()
        with connect(outboard, "connection: close\r\n") as client:
            answer = client.recv(4096)
        assert b" 200 " in answer, answer
        slowest = max(slowest, time.monotonic() - begun)
    return slowest * 1000


def measure_crowd(rounds):
    """The slowest of 100 answers of /_outboard/health while 600 clients keep an idle connection and 512 a WebSocket of the bus: as
    shipped, and with 64 descriptors in all. No plugin may have ended meanwhile."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    opening = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    rows = []
    for limit, what in [(None, "as shipped"), (SCARCE, f"with {SCARCE} descriptors")]:
        taken = []
        for _ in range(rounds):
            with Outboard(settings=f"[http]\nbus_clients = {WEBSOCKETS}\n") as outboard:
                if limit:
                    subprocess.run(["prlimit", "--pid", str(outboard.pid), f"--nofile={limit}:"], check=True)
                before = outboard.cli("status")["plugins"][0]["generation"]
                crowd = [connect(outboard, "") for _ in range(IDLE)]
                crowd += [connect(outboard, opening, "/_outboard/bus") for _ in range(WEBSOCKETS)]
                taken.append(slowest_health(outboard))
                assert outboard.cli("status")["plugins"][0]["generation"] == before, "a plugin ended"
                for client in crowd:
                    client.close()
        rows.append(
            row(
                f"Slowest health beside {IDLE} idle clients and {WEBSOCKETS} WebSockets, {what}",
                "ms",
                taken,
                None,
                "",
                "≤ 100",
            )
        )
    return rows

"""What flows one way: messages to UIs, and lines from plugins to their logs."""

import json
import os
import resource
import select
import socket
import subprocess
import threading
import time
import urllib.request

from beside import Node
from scene import GUARD, TARGET, Outboard, cpu_seconds, row, wait_for

CLIENTS = 1000
MESSAGES = 50
PAUSE = 20  # milliseconds
LINES = 30_000
# What each of the messages holds, once, and nothing else.
MARK = b'"n":1'


def masked(text):
    """A client's text frame; its mask is zero, which is a mask."""
    data = text.encode()
    head = (
        bytes([0x81, 0x80 | len(data)])
        if len(data) < 126
        else bytes([0x81, 0xFE]) + len(data).to_bytes(2, "big")
    )
    return head + b"\0\0\0\0" + data


class Crowd:
    """Clients of one WebSocket server. The first never reads; of the others' bytes, the news are counted."""

    def __init__(self, port, path, hello):
        self.sockets, self.reading = [], select.epoll()
        self.news, self.rest = 0, {}
        for n in range(CLIENTS):
            client = socket.socket()
            if n == 0:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            client.connect(("127.0.0.1", port))
            client.sendall(
                f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
                "sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
            )
            client.settimeout(GUARD)
            answer = b""
            while b"\r\n\r\n" not in answer:
                answer += client.recv(4096)
            assert b" 101 " in answer, answer
            client.sendall(masked(hello))
            client.setblocking(False)
            self.sockets.append(client)
            if n:
                self.reading.register(client, select.EPOLLIN)
        self.by_number = {client.fileno(): client for client in self.sockets[1:]}

    def read(self, wait=0.1):
        ready = self.reading.poll(wait)
        for number, _ in ready:
            data = self.by_number[number].recv(65536)
            if not data:
                raise SystemExit("a client that reads was cut off")
            data = self.rest.get(number, b"") + data
            self.news += data.count(MARK)
            # The mark may have been cut in two.
            self.rest[number] = data[1 - len(MARK) :]
        return len(ready)

    def settle(self, said):
        """Says something, so as to count as alive, and reads until nothing comes for a while."""
        for client in self.by_number.values():
            client.sendall(masked(said))
        while self.read(0.5):
            pass

    def deliveries(self, push):
        """Pushes, and reads until each message has come to each client that reads."""
        self.news = 0
        wanted = MESSAGES * (CLIENTS - 1)
        pushing = threading.Thread(target=push)
        pushing.start()
        end = time.monotonic() + GUARD
        while self.news < wanted and time.monotonic() < end:
            self.read()
        pushing.join(GUARD)
        if self.news != wanted:
            raise SystemExit(f"{self.news} deliveries in place of {wanted}")
        return wanted

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for client in self.sockets:
            client.close()


def measure_push(rounds):
    """A message of about 100 bytes to 1,000 WebSocket clients, fifty times, 20 ms apart; one client never reads. Processor time of
    the server for each delivery, the sending plugin's process included, beside one process with socket.io."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    settings = (
        f"[http]\nconnections = {CLIENTS + 20}\nwebsockets = {CLIENTS + 20}\nbus_clients = {CLIENTS + 10}\n"
    )
    ours, theirs = [], []
    with Outboard(settings=settings) as outboard, Node("socket-io.mjs") as node:
        url = f"http://127.0.0.1:{node.port}/push?messages={MESSAGES}&pause={PAUSE}"
        subscribe = json.dumps({"type": "subscribe", "plugin": "bench"})
        pids = [outboard.pid, outboard.plugin_pid()]
        with (
            Crowd(outboard.port, "/_outboard/bus", subscribe) as bus,
            Crowd(node.port, "/socket.io/?EIO=4&transport=websocket", "40") as rooms,
        ):
            for times, crowd, alive, processes, push in [
                (
                    ours,
                    bus,
                    '{"type":"ping"}',
                    pids,
                    lambda: outboard.cli("call", "bench", "push", MESSAGES, PAUSE),
                ),
                (theirs, rooms, "3", [node.pid], lambda: urllib.request.urlopen(url, timeout=GUARD).read()),
            ] * rounds:
                crowd.settle(alive)
                before = cpu_seconds(*processes)
                done = crowd.deliveries(push)
                times.append((cpu_seconds(*processes) - before) / done * 1e6)
    what = "Push of one message to 1,000 WebSocket clients, processor time for each"
    return [row(what, "µs", ours, theirs, "socket.io", "≤ 0.067")]


def measure_lines(rounds):
    """Processor time of the supervisor for each line of 100 bytes that a plugin writes to standard error, until it is in the
    structured log file, beside `cat` that writes the same lines from a pipe to a file."""
    ours, cat = [], []
    with Outboard(settings='[log_files]\nsize = "256 MiB"\n') as outboard:
        log = outboard.data / "logs" / "bench.jsonl"

        def kept():
            return log.read_bytes().count(b'"source":"stderr"') if log.exists() else 0

        for _ in range(rounds):
            time.sleep(3)  # until the source may send as many lines at once again
            whole, before = kept() + LINES, cpu_seconds(outboard.pid)
            outboard.cli("call", "bench", "print", LINES)
            wait_for(lambda whole=whole: kept() >= whole)
            ours.append((cpu_seconds(outboard.pid) - before) / LINES * 1e6)
            with open(outboard.folder / "cat", "wb") as out:
                writer = subprocess.Popen(
                    [TARGET / "bench-plugin", "--print", str(LINES)], stderr=subprocess.PIPE
                )
                reader = subprocess.Popen(["cat"], stdin=writer.stderr, stdout=out)
                writer.stderr.close()
                writer.wait(GUARD)
                _, _, spent = os.wait4(reader.pid, 0)
            cat.append((spent.ru_utime + spent.ru_stime) / LINES * 1e6)
    return [
        row("A line from standard error to the log file, processor time", "µs", ours, cat, "cat", "≤ 2.5")
    ]

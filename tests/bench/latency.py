"""How long one client waits for one small answer, on a connection that it keeps and on a connection for each."""

import contextlib
import socket
import statistics
import time

GUARD = 30  # seconds, for one answer
WARM_UP = 300  # requests before the first that counts


def ask(connection, request):
    connection.sendall(request)
    answer = connection.recv(4096)
    if b" 200 " not in answer[:20]:
        raise RuntimeError(f"not a 200: {answer[:200]!r}")


def median_us(port, path, each, count):
    """The median of so many requests, one after the other, in microseconds; `each` on a connection of its own."""
    end = "connection: close\r\n" if each else ""
    request = f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n{end}\r\n".encode()

    def connect():
        return socket.create_connection(("127.0.0.1", port), GUARD)

    taken = []
    with contextlib.nullcontext() if each else connect() as kept:
        for _ in range(WARM_UP + count):
            began = time.perf_counter()
            with connect() if each else contextlib.nullcontext(kept) as connection:
                ask(connection, request)
                taken.append(time.perf_counter() - began)
    return statistics.median(taken[WARM_UP:]) * 1e6

"""Moves bytes: a :class:`Connection` over two pipes, and its twin in memory.

Made by the session of a plugin and by the testing host. What is sent is queued here, counted in bytes, and written in one
piece a turn of the loop; :attr:`Connection.queued` is what bounds every sender. Must not know what a frame means.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from typing import Protocol

from .frame import Decoder, Found


class Receiver(Protocol):
    """Who gets what a connection reads."""

    def received(self, frame: Found) -> None:
        """One frame came."""

    def ended(self) -> None:
        """Nothing more will come; called once."""


class Connection(Protocol):
    """Something that takes frames to the other side."""

    @property
    def queued(self) -> int:
        """Bytes that were sent here and not yet taken by the other side."""

    def send(self, frame: bytes) -> None:
        """Queues one frame; from any thread, never blocks. A connection that has ended drops it."""

    async def drain(self, timeout: float) -> None:
        """Waits until everything is taken, or for ``timeout`` seconds."""

    def close(self) -> None:
        """Ends the connection; what is still queued is lost."""


class _Outgoing:
    """Frames of one turn of the loop, gathered from any thread and handed on in one piece."""

    def __init__(self, loop: asyncio.AbstractEventLoop, flush: Callable[[], None]) -> None:
        self._loop, self._flush = loop, flush
        self._thread = threading.get_ident()
        self._lock = threading.Lock()
        self._frames: list[bytes] = []
        self.size = 0

    def add(self, frame: bytes) -> None:
        with self._lock:
            self._frames.append(frame)
            self.size += len(frame)
            if len(self._frames) > 1:
                return
        if threading.get_ident() == self._thread:
            self._loop.call_soon(self._flush)
            return
        try:
            self._loop.call_soon_threadsafe(self._flush)
        except RuntimeError:
            pass  # The loop is closed: the session is over.

    def take(self) -> bytes:
        with self._lock:
            data = b"".join(self._frames)
            self._frames.clear()
            self.size = 0
        return data


class PipeConnection(asyncio.Protocol):
    """The wire of a real process: two descriptors."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._decoder = Decoder()
        self._outgoing = _Outgoing(asyncio.get_running_loop(), self._write)
        self._reading: asyncio.ReadTransport | None = None
        self._writing: asyncio.WriteTransport | None = None
        self._written = asyncio.Event()
        self._written.set()
        self._ended = False

    @classmethod
    async def open(cls, receiver: Receiver, read_fd: int, write_fd: int) -> PipeConnection:
        """Takes over both descriptors and begins to read."""
        loop = asyncio.get_running_loop()
        connection = cls(receiver)
        out = os.fdopen(write_fd, "wb", buffering=0)
        connection._writing, _ = await loop.connect_write_pipe(lambda: _Writing(connection), out)
        into = os.fdopen(read_fd, "rb", buffering=0)
        connection._reading, _ = await loop.connect_read_pipe(lambda: connection, into)
        return connection

    @property
    def queued(self) -> int:
        buffered = self._writing.get_write_buffer_size() if self._writing else 0
        return self._outgoing.size + buffered

    def send(self, frame: bytes) -> None:
        if not self._ended:
            self._outgoing.add(frame)

    def _write(self) -> None:
        data = self._outgoing.take()
        if self._writing is None or self._writing.is_closing():
            return
        self._writing.write(data)

    def data_received(self, data: bytes) -> None:
        for frame in self._decoder.feed(data):
            self._receiver.received(frame)

    def connection_lost(self, exc: Exception | None) -> None:
        self.end()

    def end(self) -> None:
        """The other side has gone, or closed one of the pipes."""
        if not self._ended:
            self._ended = True
            self._written.set()
            self._receiver.ended()

    def pause_writing(self) -> None:
        self._written.clear()

    def resume_writing(self) -> None:
        self._written.set()

    async def drain(self, timeout: float) -> None:
        self._write()
        if self._writing is None or self._writing.is_closing():
            return
        # With a limit of nothing, the transport says when its buffer is empty.
        self._writing.set_write_buffer_limits(high=0)
        try:
            await asyncio.wait_for(self._written.wait(), timeout)
        except asyncio.TimeoutError:
            pass

    def close(self) -> None:
        for transport in (self._reading, self._writing):
            if transport is not None:
                transport.close()


class _Writing(asyncio.BaseProtocol):
    """The write transport's side of a :class:`PipeConnection`; the read transport has the connection itself."""

    def __init__(self, connection: PipeConnection) -> None:
        self._connection = connection

    def pause_writing(self) -> None:
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        self._connection.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._connection.end()


class MemoryConnection:
    """One end of a connection inside a process; see :func:`memory`."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._outgoing = _Outgoing(loop, self._deliver)
        self._decoder = Decoder()
        self.receiver: Receiver | None = None
        self.other: MemoryConnection | None = None

    @property
    def queued(self) -> int:
        return self._outgoing.size

    def send(self, frame: bytes) -> None:
        if self.other is not None:
            self._outgoing.add(frame)

    def _deliver(self) -> None:
        data = self._outgoing.take()
        other = self.other
        if other is None or other.receiver is None:
            return
        for frame in other._decoder.feed(data):
            other.receiver.received(frame)

    async def drain(self, timeout: float) -> None:
        self._deliver()

    def close(self) -> None:
        for end in (self, self.other):
            if end is not None and end.other is not None:
                end.other = None
                if end.receiver is not None:
                    end.receiver.ended()


def memory() -> tuple[MemoryConnection, MemoryConnection]:
    """Two ends, each of which receives what the other sends. Needs a running loop."""
    loop = asyncio.get_running_loop()
    one, two = MemoryConnection(loop), MemoryConnection(loop)
    one.other, two.other = two, one
    return one, two

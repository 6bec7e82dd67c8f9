"""Takes the protocol away from stdin and stdout, before an author's code can touch them.

Called once, when the package is imported in a process that a host started; ``Plugin.run`` calls it for a process that
somebody else wired up. Afterwards ``print``, C libraries and child processes write to the log, not into the protocol,
and no child of the plugin inherits the wire or the listener. Must not know what is said on the wire.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TextIO

from ..error import CallError, ErrorReason

# Says that a host started this process; removed from the environment so that no child of ours takes itself for the plugin.
STARTED_BY_HOST = "OUTBOARD_PROTOCOL"
RPC_FDS = "OUTBOARD_RPC_FDS"
HTTP_FD = "OUTBOARD_HTTP_FD"
HTTP_SOCKET = "OUTBOARD_HTTP_SOCKET"
_LISTEN = ("LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES")
# Where socket activation puts the first descriptor.
FIRST_LISTEN_FD = 3


@dataclass(frozen=True)
class Inherited:
    """What the host gave to this process: private descriptors that no child inherits."""

    read_fd: int
    write_fd: int
    http_fd: int | None
    http_path: str | None


_taken: Inherited | None = None


def started_by_host() -> bool:
    """Whether a host started this process, and the wire was not yet taken."""
    return STARTED_BY_HOST in os.environ


def take() -> Inherited:
    """Moves the wire to private descriptors and points stdout at stderr. Does it once; later calls give the same."""
    global _taken
    if _taken is None:
        read_fd, write_fd = _take_wire(os.environ.pop(RPC_FDS, None))
        os.environ.pop(STARTED_BY_HOST, None)
        http_fd = _take_listener()
        _taken = Inherited(read_fd, write_fd, http_fd, os.environ.get(HTTP_SOCKET))
        os.register_at_fork(after_in_child=_forget)
    return _taken


def _take_wire(named: str | None) -> tuple[int, int]:
    if named is None:
        wire = os.dup(0), os.dup(1)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        os.dup2(2, 1)
    else:
        wire = _named_fds(named)
        for fd in wire:
            os.set_inheritable(fd, False)
    # A log file is read line by line; Python buffers whole blocks when stdout is not a terminal.
    _by_line(sys.stdout)
    return wire


def _named_fds(named: str) -> tuple[int, int]:
    try:
        read_fd, write_fd = (int(fd) for fd in named.split(","))
        os.fstat(read_fd)
        os.fstat(write_fd)
    except (ValueError, OSError) as error:
        raise CallError(
            ErrorReason.INVALID_PARAMS,
            f"{RPC_FDS}={named!r} does not name two open descriptors ({error}); the host sets it, do not change it",
        ) from error
    return read_fd, write_fd


def _take_listener() -> int | None:
    named = os.environ.pop(HTTP_FD, None)
    pid, count = os.environ.get("LISTEN_PID"), os.environ.get("LISTEN_FDS", "0")
    for name in _LISTEN:
        os.environ.pop(name, None)
    if named is None and pid == str(os.getpid()) and count.isdigit() and int(count) > 0:
        named = str(FIRST_LISTEN_FD)
    if named is None or not named.isdigit():
        return None
    fd = int(named)
    try:
        os.set_inheritable(fd, False)
    except OSError:
        return None
    return fd


def _by_line(stream: TextIO) -> None:
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(line_buffering=True)


def _forget() -> None:
    """In a forked child: a copy of the wire there would keep the host waiting for our end."""
    if _taken is None:
        return
    for fd in (_taken.read_fd, _taken.write_fd, _taken.http_fd):
        if fd is not None:
            try:
                os.close(fd)
            except OSError:
                pass

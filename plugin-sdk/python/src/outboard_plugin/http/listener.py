"""The Unix socket that the host sends this plugin's HTTP requests to.

Opened when the first application is served. Must not know what is served on it.
"""

from __future__ import annotations

import os
import socket

from ..error import CallError, ErrorReason
from ..wire.descriptors import Inherited

# Connections that may wait to be accepted, where we bind ourselves; as many as requests may wait for a plugin.
BACKLOG = 128


def open_listener(inherited: Inherited) -> socket.socket:
    """The inherited listener, or one bound at the path that the host named."""
    if inherited.http_fd is not None:
        return socket.socket(fileno=inherited.http_fd)
    if inherited.http_path:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            os.unlink(inherited.http_path)
        except FileNotFoundError:
            pass
        listener.bind(inherited.http_path)
        listener.listen(BACKLOG)
        return listener
    raise CallError(
        ErrorReason.NOT_FOUND,
        "the host gave this process no HTTP listener (neither OUTBOARD_HTTP_FD nor OUTBOARD_HTTP_SOCKET is set), so no "
        "application can be served",
    )

"""A plugin's process: from its descriptors to its exit.

Called by ``Plugin.run``. Ends when the host has stopped the plugin, when the wire has closed, or at SIGTERM, whichever is
first, and in bounded time even where a thread of the plugin never returns. Must not know what is said on the wire.
"""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import os
import signal
import sys
import threading
from typing import Any

from .context.logger import HostLogHandler
from .error import stack_of, text_of
from .http.listener import open_listener
from .session import Hooks, Session
from .wire import descriptors
from .wire.pipes import PipeConnection

# How long what was said last may take to reach the host.
DRAIN_TIMEOUT = 1.0
# From the first sign of the end to a forced exit: less than the host waits before it uses a signal.
EXIT_TIMEOUT = 4.5
# Exit code of a program that was called wrongly, as in the shell.
USAGE = 2


def run(hooks: Hooks) -> None:
    """Runs the plugin that has these hooks to its end."""
    if not descriptors.started_by_host() and descriptors._taken is None and sys.stdin.isatty():
        print(
            "This is an Outboard plugin: put its folder into the plugins folder, and `outboard run` starts it."
        )
        sys.exit(USAGE)
    inherited = descriptors.take()
    asyncio.run(_main(hooks, inherited))


async def _main(hooks: Hooks, inherited: descriptors.Inherited) -> None:
    loop = asyncio.get_running_loop()
    session = Session(hooks, lambda: open_listener(inherited))
    _report_failures(loop, session)
    terminated = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, terminated.set)
    connection = await PipeConnection.open(session.peer, inherited.read_fd, inherited.write_fd)
    session.connect(connection)
    ends = [asyncio.ensure_future(session.over()), asyncio.ensure_future(terminated.wait())]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    _exit_in_bounded_time()
    for end in ends:
        end.cancel()
    await session.close()
    await connection.drain(DRAIN_TIMEOUT)
    connection.close()


def _report_failures(loop: asyncio.AbstractEventLoop, session: Session) -> None:
    """What nobody caught becomes a log record with its traceback: in tasks, in threads, and in Python's own loggers."""

    def report(what: str, failure: BaseException | None) -> None:
        if session.ctx is not None and not session.peer.over.is_set():
            session.ctx.logger.error("unhandled", what, failure)
        else:
            print(what, stack_of(failure) if failure else "", file=sys.stderr, sep="\n")

    def in_loop(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        report(context["message"], context.get("exception"))

    def in_thread(args: threading.ExceptHookArgs) -> None:
        name = args.thread.name if args.thread else "?"
        said = text_of(args.exc_value) if args.exc_value is not None else args.exc_type.__name__
        report(f"the thread {name!r} failed: {said}", args.exc_value)

    loop.set_exception_handler(in_loop)
    threading.excepthook = in_thread
    session.on_greeted = _carry_logs


def _carry_logs(session: Session) -> None:
    """Python's loggers write to the host, unless the plugin has set up logging itself."""
    root = logging.getLogger()
    if session.ctx is not None and not root.handlers:
        root.addHandler(HostLogHandler(session.ctx.logger))


def _exit_in_bounded_time() -> None:
    """Ends the process by force when something of the plugin keeps it: a thread in a loop, a clean-up that hangs."""

    def force() -> None:
        print(
            f"outboard-plugin: not ended {EXIT_TIMEOUT:g} s after the stop; where it stands:", file=sys.stderr
        )
        faulthandler.dump_traceback(sys.__stderr__ or 2)
        os._exit(1)

    timer = threading.Timer(EXIT_TIMEOUT, force)
    timer.daemon = True
    timer.start()

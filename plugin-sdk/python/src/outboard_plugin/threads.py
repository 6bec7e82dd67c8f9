"""Runs an author's plain functions where they may block, and lets them reach the loop from there.

Called by the session for hooks and by ``ctx.ipc`` for channels. The threads are daemons: one that never returns must not
keep the process from ending. Must not know what the functions do.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def call(function: Callable[..., Any], *args: Any) -> Any:
    """Calls a coroutine function on the loop, and a plain function in a thread of its own, so that pings are answered."""
    if inspect.iscoroutinefunction(_innermost(function)):
        return await function(*args)
    result = await in_thread(function, *args)
    # A plain function that hands out a coroutine, such as a lambda or a partial around one.
    return await result if inspect.isawaitable(result) else result


async def in_thread(function: Callable[..., T], *args: Any) -> T:
    """Runs a function in a daemon thread. Cancelling the task leaves the thread to itself: Python cannot end one."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()
    context = contextvars.copy_context()

    def deliver(set_outcome: Callable[[Any], None], outcome: Any) -> None:
        if not future.done():
            set_outcome(outcome)

    def work() -> None:
        try:
            outcome: Any = context.run(function, *args)
            setter: Callable[[Any], None] = future.set_result
        except StopIteration as error:
            outcome, setter = (
                RuntimeError(f"the function raised StopIteration({error})"),
                future.set_exception,
            )
        except BaseException as error:
            outcome, setter = error, future.set_exception
        try:
            loop.call_soon_threadsafe(deliver, setter, outcome)
        except RuntimeError:
            pass  # The loop is closed: nobody waits any more.

    threading.Thread(
        target=work, name=f"outboard {getattr(function, '__name__', 'call')}", daemon=True
    ).start()
    return await future


def wait(loop: asyncio.AbstractEventLoop, loop_thread: int, awaitable: Coroutine[Any, Any, T]) -> T:
    """From a thread: runs a coroutine on the loop and waits for its result."""
    if threading.get_ident() == loop_thread:
        awaitable.close()
        raise RuntimeError("ctx.wait blocks, and this is the event loop's own thread: use `await` here")
    return asyncio.run_coroutine_threadsafe(awaitable, loop).result()


def _innermost(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function below ``functools.partial``, and the ``__call__`` of an object."""
    while hasattr(function, "func") and hasattr(function, "keywords"):
        function = function.func
    if not inspect.isroutine(function) and not inspect.isclass(function):
        return type(function).__call__
    return function

"""One side of a session: asks, answers, and keeps both apart.

The plugin's session and the testing host each own one. Every call that is made ends exactly once: answered, timed out,
cancelled, or failed because the session ended; every call that is taken is answered exactly once. Must not know what a
method means.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from ..error import CallError, ErrorReason
from . import message, salvage
from .frame import Found, Oversized, Skipped
from .pipes import Connection

# How long a call may stay unanswered; `$/progress` from the other side starts it anew. The host's own figure.
CALL_TIMEOUT = 30.0
# Calls of ours that await an answer at a time; further ones wait for a place, within their own deadline. As many as a host works on
# at once, unless it is set otherwise: it refuses those beyond.
CALLS_IN_FLIGHT = 256
# Calls of the other side that run at a time; further ones are refused, so that a flood of them cannot fill the memory.
SERVED_AT_ONCE = 256
# Bytes that may wait to be taken before calls of the other side are refused: their answers would wait too. It is read from all
# the while, since two sides that each wait for the other to read first wait for ever.
SERVED_BELOW = 16 * 1024 * 1024
# Bytes that may wait to be taken before notifications are dropped: calls never are, events and log records may be.
NOTIFICATIONS_ABOVE = 4 * 1024 * 1024

_TOO_LONG = "a frame was longer than 8 MiB and was skipped"

Answer = Callable[[str, dict[str, Any]], Awaitable[Any]]
Tell = Callable[[str, dict[str, Any]], None]

# The call of the other side that the current task, or the thread that it started, is serving.
_serving: contextvars.ContextVar[Any] = contextvars.ContextVar("outboard_serving", default=None)


@dataclass
class _Pending:
    answer: asyncio.Future[Any]
    method: str
    timeout: float
    timer: asyncio.TimerHandle


class Peer:
    """A JSON-RPC 2.0 peer over one connection."""

    def __init__(self, answer: Answer, tell: Tell, *, urgent: frozenset[str] = frozenset()) -> None:
        """``answer`` serves a request, ``tell`` takes a notification; ``urgent`` methods are served above the limit."""
        self._answer, self._tell, self._urgent = answer, tell, urgent
        self._loop = asyncio.get_running_loop()
        self._connection: Connection | None = None
        self._pending: dict[int, _Pending] = {}
        self._places = asyncio.Semaphore(CALLS_IN_FLIGHT)
        self._served: dict[str, asyncio.Task[None]] = {}
        self._last_id = 0
        self._closed: CallError | None = None
        # Whether the frame that is being skipped is an answer whose call is not known yet.
        self._unnamed = False
        self.over = asyncio.Event()
        self.dropped = 0
        self.noise = 0

    def connect(self, connection: Connection) -> None:
        """Gives the peer its connection; before this, nothing can be sent."""
        self._connection = connection

    # --- what we ask ---

    async def request(self, method: str, params: Any = None, timeout: float = CALL_TIMEOUT) -> Any:
        """Makes a call and gives its result; raises :class:`CallError`. Cancelling the task withdraws the call."""
        asked = self._loop.time()
        if self._places.locked():
            try:
                await asyncio.wait_for(self._places.acquire(), timeout)
            except asyncio.TimeoutError:
                raise CallError(
                    ErrorReason.LIMIT_EXCEEDED,
                    f"{method}: {CALLS_IN_FLIGHT} calls already await an answer, and none came in {timeout:g} s",
                ) from None
        else:
            await self._places.acquire()
        try:
            left = timeout - (self._loop.time() - asked)
            return await self._call(method, {} if params is None else params, max(left, 0.001))
        finally:
            self._places.release()

    async def _call(self, method: str, params: Any, timeout: float) -> Any:
        if self._closed is not None or self._connection is None:
            raise self._closed or CallError(ErrorReason.SHUTTING_DOWN, f"{method}: the session is not open")
        self._last_id += 1
        call_id = self._last_id
        frame = message.write_request(call_id, method, params)
        answer: asyncio.Future[Any] = self._loop.create_future()
        timer = self._loop.call_later(timeout, self._expire, call_id)
        self._pending[call_id] = _Pending(answer, method, timeout, timer)
        self._connection.send(frame)
        try:
            return await answer
        except asyncio.CancelledError:
            self.notify("$/cancelRequest", {"id": call_id})
            raise
        finally:
            self._pending.pop(call_id).timer.cancel()

    def _expire(self, call_id: int) -> None:
        pending = self._pending.get(call_id)
        if pending is None or pending.answer.done():
            return
        self.notify("$/cancelRequest", {"id": call_id})
        why = f"{pending.method}: no answer within {pending.timeout:g} s"
        pending.answer.set_exception(CallError(ErrorReason.TIMEOUT, why))

    def notify(self, method: str, params: Any) -> bool:
        """Tells the other side; from any thread, never blocks. False where it was dropped: too much waits already."""
        frame = message.write_notification(method, params)
        connection = self._connection
        if connection is None or self._closed is not None:
            return False
        if connection.queued > NOTIFICATIONS_ABOVE:
            self.dropped += 1
            return False
        connection.send(frame)
        return True

    def progress(self, text: str | None) -> bool:
        """Says that the call which the current task serves is still being worked on. False outside of one."""
        call_id = _serving.get()
        if call_id is None:
            return False
        return self.notify(
            "$/progress", {"id": call_id} if text is None else {"id": call_id, "message": text}
        )

    # --- what comes ---

    def received(self, frame: Found) -> None:
        """Takes one frame from the connection."""
        if isinstance(frame, Oversized):
            call = salvage.answered_at_beginning(frame.beginning)
            self._unnamed = isinstance(call, salvage.Unnamed)
            self._break(None if isinstance(call, salvage.Unnamed) else call, _TOO_LONG)
            self._send(
                message.write_error(None, CallError(ErrorReason.LIMIT_EXCEEDED, _TOO_LONG, message.LASTING))
            )
            return
        if isinstance(frame, Skipped):
            self._skipped(frame.ending)
            return
        try:
            found = message.parse(frame)
        except message.Noise:
            self.noise += 1
            return
        except message.Broken as broken:
            self._break(salvage.answered(frame), broken.error.message)
            self._send(message.write_error(None, broken.error))
            return
        if isinstance(found, message.Response):
            self._settle(found)
        elif isinstance(found, message.Notification):
            self._told(found)
        else:
            self._serve(found)

    def ended(self) -> None:
        """The connection is over: whoever waits is told, whoever serves is cancelled."""
        self.fail(CallError(ErrorReason.SHUTTING_DOWN, "the session with the host has ended"))
        for task in tuple(self._served.values()):
            task.cancel()
        self.over.set()

    def fail(self, why: CallError) -> None:
        """Ends every call that awaits an answer, and refuses further ones."""
        self._closed = self._closed or why
        for pending in tuple(self._pending.values()):
            if not pending.answer.done():
                pending.answer.set_exception(why)

    def _skipped(self, ending: bytes) -> None:
        """A frame that was too long has ended: an answer whose beginning did not tell its call may tell it here."""
        if self._unnamed:
            self._unnamed = False
            call = salvage.answered_at_end(ending)
            only = next(iter(self._pending)) if len(self._pending) == 1 else None
            self._break(only if call is None else call, _TOO_LONG)

    def _break(self, call_id: int | None, why: str) -> None:
        """A call whose answer is broken will get no other one."""
        pending = None if call_id is None else self._pending.get(call_id)
        if pending is not None and not pending.answer.done():
            text = f"{pending.method}: the answer is broken: {why}"
            pending.answer.set_exception(CallError(ErrorReason.INTERNAL_ERROR, text))

    def _settle(self, response: message.Response) -> None:
        known = isinstance(response.id, int) and not isinstance(response.id, bool)
        pending = self._pending.get(response.id) if known else None
        if pending is None or pending.answer.done():
            return  # Late, double, or about no call of ours.
        if response.error is not None:
            pending.answer.set_exception(response.error)
        else:
            pending.answer.set_result(response.result)

    def _told(self, told: message.Notification) -> None:
        params = told.params or {}
        if not isinstance(params, dict):
            return
        if told.method == "$/cancelRequest":
            task = self._served.get(_key(params.get("id")))
            if task is not None:
                task.cancel()
        elif told.method == "$/progress":
            self._extend(params.get("id"))
        else:
            self._tell(told.method, params)

    def _extend(self, call_id: Any) -> None:
        pending = self._pending.get(call_id) if isinstance(call_id, int) else None
        if pending is None or pending.answer.done():
            return
        pending.timer.cancel()
        pending.timer = self._loop.call_later(pending.timeout, self._expire, call_id)

    def _serve(self, request: message.Request) -> None:
        key = _key(request.id)
        if request.params is not None and not isinstance(request.params, dict):
            self._refuse(request, ErrorReason.INVALID_PARAMS, f"{request.method}: `params` must be an object")
        elif request.method == "ping":
            self._send(message.write_result(request.id, {}))
        elif key in self._served:
            self._refuse(request, ErrorReason.INVALID_REQUEST, "a call with this id is still running")
        elif len(self._served) >= SERVED_AT_ONCE and request.method not in self._urgent:
            self._refuse(
                request, ErrorReason.LIMIT_EXCEEDED, f"{SERVED_AT_ONCE} calls already run in this plugin"
            )
        elif self._is_clogged() and request.method not in self._urgent:
            self._refuse(
                request, ErrorReason.LIMIT_EXCEEDED, "answers wait unread; try again when they have been read"
            )
        else:
            task = self._loop.create_task(self._run(request), name=f"outboard {request.method}")
            self._served[key] = task
            task.add_done_callback(lambda done: self._answered(request, key, done))

    def _is_clogged(self) -> bool:
        return self._connection is not None and self._connection.queued > SERVED_BELOW

    async def _run(self, request: message.Request) -> None:
        _serving.set(request.id)
        result = await self._answer(request.method, request.params or {})
        self._send(message.write_result(request.id, result))

    def _answered(self, request: message.Request, key: str, task: asyncio.Task[None]) -> None:
        self._served.pop(key, None)
        if task.cancelled():
            self._refuse(request, ErrorReason.CANCELLED, f"{request.method} was cancelled")
            return
        exception = task.exception()
        if exception is not None:
            self._send(message.write_error(request.id, CallError.from_exception(exception)))

    def _refuse(self, request: message.Request, reason: ErrorReason, text: str) -> None:
        self._send(message.write_error(request.id, CallError(reason, text)))

    def _send(self, frame: bytes) -> None:
        if self._connection is not None:
            self._connection.send(frame)

    async def settled(self, timeout: float) -> None:
        """Waits until the calls that are being served have been answered, the current one aside."""
        current = asyncio.current_task()
        others = [task for task in self._served.values() if task is not current]
        if others:
            await asyncio.wait(others, timeout=timeout)


def _key(call_id: Any) -> str:
    return json.dumps(call_id) if isinstance(call_id, (str, int, float)) else ""

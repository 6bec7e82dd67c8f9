"""Frames and messages, byte by byte."""

from __future__ import annotations

import asyncio
import json
import unittest
from typing import Any

from outboard_plugin.error import CallError, ErrorReason
from outboard_plugin.wire import DEPTH_MAX, FRAME_MAX, message, salvage
from outboard_plugin.wire.frame import Decoder, Found, Oversized, Skipped
from outboard_plugin.wire.peer import Peer


def frames(decoder: Decoder, *pieces: bytes) -> list[Found]:
    return [frame for piece in pieces for frame in decoder.feed(piece)]


class Frames(unittest.TestCase):
    def test_a_frame_may_come_one_byte_at_a_time(self) -> None:
        decoder = Decoder()
        pieces = [bytes([byte]) for byte in b'{"a":1}\n{"b":2}\n']
        self.assertEqual(frames(decoder, *pieces), [b'{"a":1}', b'{"b":2}'])

    def test_many_frames_may_come_at_once(self) -> None:
        self.assertEqual(frames(Decoder(), b"1\n2\n3\n4"), [b"1", b"2", b"3"])

    def test_blank_lines_and_carriage_returns_are_tolerated(self) -> None:
        self.assertEqual(frames(Decoder(), b"\r\n\n  \n{}\r\n"), [b"{}"])

    def test_a_frame_over_the_limit_costs_itself_alone(self) -> None:
        decoder = Decoder(limit=8)
        found = frames(decoder, b"0123", b"456789", b"more and more", b"\nnext\n")
        self.assertEqual(found, [Oversized(b"0123456789"), Skipped(b"0123456789more and more"), b"next"])

    def test_a_whole_frame_over_the_limit_is_reported_too(self) -> None:
        self.assertEqual(
            frames(Decoder(limit=4), b"12345\n1234\n"), [Oversized(b"12345"), Skipped(b"12345"), b"1234"]
        )

    def test_a_byte_order_mark_is_passed_over_at_the_beginning_of_a_stream_however_it_is_cut(self) -> None:
        stream = "\ufeffa\n\ufeffb\n".encode()
        for size in (1, 2, 3, 100):
            pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
            self.assertEqual(frames(Decoder(), *pieces), [b"a", "\ufeffb".encode()])


class Messages(unittest.TestCase):
    def test_requests_notifications_and_responses_are_told_apart(self) -> None:
        request = message.parse(b'{"jsonrpc":"2.0","id":"a","method":"m","params":{"x":1}}')
        self.assertEqual(request, message.Request("a", "m", {"x": 1}))
        told = message.parse(b'{"jsonrpc":"2.0","method":"m"}')
        self.assertEqual(told, message.Notification("m", None))
        answer = message.parse(b'{"jsonrpc":"2.0","id":7,"result":null}')
        self.assertEqual(answer, message.Response(7, None, None))

    def test_an_error_answer_keeps_code_text_and_data(self) -> None:
        text = b'{"jsonrpc":"2.0","id":7,"error":{"code":-32009,"message":"taken","data":{"owner":"x"}}}'
        answer = message.parse(text)
        assert isinstance(answer, message.Response) and answer.error is not None
        self.assertIs(answer.error.reason, ErrorReason.CONFLICT)
        self.assertEqual(answer.error.data, {"owner": "x", "reason": "conflict", "retryable": False})

    def test_text_that_somebody_printed_is_noise(self) -> None:
        for noise in (b"hello", b"42", b'{"level":"info"}', b"\xff\xfe", b"[1,2]", b'{jsonrpc "jsonrpc"'):
            with self.subTest(noise=noise), self.assertRaises(message.Noise):
                message.parse(noise)

    def test_a_failed_attempt_at_a_message_is_answered_with_its_reason(self) -> None:
        cases = {
            b'[{"jsonrpc":"2.0"}]': ErrorReason.INVALID_REQUEST,
            b'{"jsonrpc":"1.0","method":"m"}': ErrorReason.INVALID_REQUEST,
            b'{"jsonrpc":"2.0","id":null,"method":"m"}': ErrorReason.INVALID_REQUEST,
            b'{"jsonrpc":"2.0","id":true,"method":"m"}': ErrorReason.INVALID_REQUEST,
            b'{"jsonrpc":"2.0","id":1,"method":5}': ErrorReason.INVALID_REQUEST,
            b'{"jsonrpc":"2.0","id":1,"result":1,"error":{}}': ErrorReason.INVALID_REQUEST,
            b'{"jsonrpc":"2.0","result":1}': ErrorReason.INVALID_REQUEST,
            b'{"jsonrpc":"2.0","id":1,"method":"m"': ErrorReason.PARSE_ERROR,
            b'{"jsonrpc":"2.0","method":"m","params":NaN}': ErrorReason.PARSE_ERROR,
            b'{"jsonrpc":"2.0","method":"m","params":' + b"[" * 200_000: ErrorReason.INVALID_REQUEST,
        }
        for text, reason in cases.items():
            with self.subTest(text=text[:60]), self.assertRaises(message.Broken) as caught:
                message.parse(text)
            self.assertIs(caught.exception.error.reason, reason)

    def test_an_id_is_echoed_as_it_came(self) -> None:
        for call_id in (0, -1, 2**70, "a", "7", "ü"):
            line = message.write_result(call_id, {})
            self.assertEqual(json.loads(line)["id"], call_id)

    def test_what_is_no_json_is_refused_with_its_path(self) -> None:
        loop: dict[str, Any] = {}
        loop["self"] = loop
        cases: list[tuple[Any, str]] = [
            ({"a": [1, {"b": object()}]}, "$.a[1].b is an object, which JSON cannot hold"),
            ([float("nan")], "$[0] is NaN"),
            ({"when": b"bytes"}, "$.when is a bytes"),
            (loop, "$.self refers back to what contains it"),
        ]
        for value, said in cases:
            with self.subTest(said=said), self.assertRaises(CallError) as caught:
                message.write_notification("ipc.send", value)
            self.assertIn(said, caught.exception.message)
            self.assertIs(caught.exception.reason, ErrorReason.INVALID_PARAMS)

    def test_a_frame_over_the_limit_is_refused_where_it_is_made(self) -> None:
        with self.assertRaises(CallError) as caught:
            message.write_notification("ipc.send", "x" * FRAME_MAX)
        self.assertIs(caught.exception.reason, ErrorReason.LIMIT_EXCEEDED)

    def test_a_lone_surrogate_does_not_break_the_line(self) -> None:
        line = message.write_notification("ipc.send", "file \udce4 name")
        self.assertEqual(json.loads(line)["params"], "file \ufffd name")

    def test_depth_is_measured_where_json_ends(self) -> None:
        deep: Any = 1
        for _ in range(DEPTH_MAX + 10):
            deep = [deep]
        self.assertIn("nested deeper", message.where_not_json(deep) or "")


class _Sent:
    """A connection that keeps what is sent."""

    queued = 0

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []

    def send(self, frame: bytes) -> None:
        self.frames.append(json.loads(frame))

    async def drain(self, timeout: float) -> None: ...

    def close(self) -> None: ...


class Calls(unittest.IsolatedAsyncioTestCase):
    async def test_a_call_whose_answer_is_broken_or_too_long_ends_at_once_wherever_its_id_stands(
        self,
    ) -> None:
        async def nothing(method: str, params: dict[str, Any]) -> Any: ...

        peer, sent = Peer(nothing, lambda method, params: None), _Sent()
        peer.connect(sent)
        decoder = Decoder(limit=1024)

        def hears(line: str) -> None:
            for frame in decoder.feed(line.encode() + b"\n"):
                peer.received(frame)

        large = "x" * 5000
        for answer, why in (
            ('{"jsonrpc":"2.0","id":ID}', "neither `method`, nor `result`"),
            ('{"jsonrpc":"2.0","id":ID,"result":NaN}', "not JSON"),
            ('{"jsonrpc":"2.0","id":ID,"result":"\\ud83d"}', "surrogate"),
            ('{"jsonrpc":"2.0","id":ID,"result":1,"error":{"code":1,"message":"m"}}', "either"),
            (f'{{"jsonrpc":"2.0","id":ID,"result":"{large}"}}', "longer than"),
            (f'{{"jsonrpc":"2.0","result":"{large}","id":ID}}', "longer than"),
            (f'{{"id":ID,"error":{{"code":1,"message":"{large}"}},"jsonrpc":"2.0"}}', "longer than"),
            (f'{{"jsonrpc":"2.0","result":"{large}","id":ID,"more":"{large}"}}', "longer than"),
        ):
            with self.subTest(answer[:60]):
                call = asyncio.ensure_future(peer.request("config.getAll"))
                await asyncio.sleep(0)
                hears(answer.replace("ID", str(sent.frames[-1]["id"])))
                with self.assertRaises(CallError) as caught:
                    await asyncio.wait_for(call, 5)
                self.assertIs(caught.exception.reason, ErrorReason.INTERNAL_ERROR)
                self.assertIn("config.getAll: the answer is broken: ", caught.exception.message)
                self.assertIn(why, caught.exception.message)
                self.assertIsNone(sent.frames[-1]["id"], "the other side is told as well")
        # What only looks like an answer ends nothing.
        call = asyncio.ensure_future(peer.request("config.getAll"))
        await asyncio.sleep(0)
        call_id = sent.frames[-1]["id"]
        hears(f'{{"jsonrpc":"2.0","id":{call_id},"method":"ping","result":1}}')
        hears(f'{{"jsonrpc":"2.0","id":{call_id},"result":3}}')
        self.assertEqual(await asyncio.wait_for(call, 5), 3)

    def test_the_id_of_a_broken_answer_is_told_from_what_only_looks_like_it(self) -> None:
        for frame, call in (
            (rb'{"jsonrpc":"2.0","result":{"id":1,"t":"\"id\":2,{"},"id" : 7 }', 7),
            (rb'{"jsonrpc":"2.0","id":7,"result":{"half":', 7),
            (rb'{"jsonrpc":"2.0","id":7,"id":8,"result":1}', None),
            (rb'{"jsonrpc":"2.0","id":"7","result":NaN}', None),
            (rb'[{"jsonrpc":"2.0","id":7,"result":1}]', None),
        ):
            self.assertEqual(salvage.answered(frame), call, frame)


if __name__ == "__main__":
    unittest.main()

"""The golden vectors that every SDK reads and writes."""

from __future__ import annotations

import base64
import json
import unittest
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from outboard_plugin import Plugin
from outboard_plugin.error import CallError
from outboard_plugin.testing import Host
from outboard_plugin.wire import message
from outboard_plugin.wire.frame import Decoder, Oversized, Skipped

VECTORS = Path(__file__).resolve().parents[3] / "proto-schema" / "vectors"


def vectors(file: str) -> Iterator[dict[str, Any]]:
    for line in (VECTORS / file).read_text().splitlines():
        if line.strip():
            yield json.loads(line)


def frame_of(vector: dict[str, Any]) -> bytes:
    """As the framer hands it on: without the blanks around it."""
    line = bytes.fromhex(vector["hex"]) if "hex" in vector else str(vector["frame"]).encode()
    return line.strip(b" \t\r")


def read(frame: bytes) -> dict[str, Any]:
    found = message.parse(frame)
    if isinstance(found, message.Request):
        means = {"kind": "request", "id": found.id, "method": found.method, "params": found.params}
    elif isinstance(found, message.Notification):
        means = {"kind": "notification", "method": found.method, "params": found.params}
    elif found.error is not None:
        means = {"kind": "error", "id": found.id, "error": found.error}
    else:
        means = {"kind": "result", "id": found.id, "result": found.result}
    return means


def write(means: dict[str, Any]) -> bytes:
    if means["kind"] == "request":
        return message.write_request(means["id"], means["method"], means.get("params"))
    if means["kind"] == "notification":
        return message.write_notification(means["method"], means.get("params"))
    if means["kind"] == "error":
        return message.write_error(means["id"], CallError.from_wire(means["error"]))
    return message.write_result(means["id"], means["result"])


def value_of(notation: Any) -> Any:
    """What a vector's notation stands for."""
    if isinstance(notation, list):
        return [value_of(item) for item in notation]
    if not isinstance(notation, dict):
        return notation
    tag = notation.get("$outboard")
    value: Any = notation.get("value")
    if tag == "number":
        return float(value)
    if tag == "bytes":
        return base64.b64decode(value)
    if tag == "object":
        return value
    if tag == "half":
        return {"a\ud83d": 1} if value == "key" else "a\ud83d"
    if tag == "circle":
        circle: dict[str, Any] = {}
        circle["self"] = circle
        return circle
    return {key: value_of(inner) for key, inner in notation.items()}


WRAP: dict[str, Callable[[Any], Any]] = {
    "list": lambda inner: [inner],
    "object": lambda inner: {"a": inner},
    "set": lambda inner: frozenset({inner}),
    "map": lambda inner: {1: inner},
}


class Values(unittest.IsolatedAsyncioTestCase):
    async def test_a_value_is_taken_or_refused_in_the_words_of_its_vector(self) -> None:
        plugin = Plugin()
        plugin.on_start(lambda ctx: None)
        async with Host(plugin) as host:
            for vector in vectors("values.jsonl"):
                given = value_of(vector["value"])
                within = vector.get("within", {"kind": "list", "times": 0})
                for _ in range(within["times"]):
                    given = WRAP[within["kind"]](given)
                if "config" in vector:
                    with self.subTest(vector["name"], of="config"):
                        self.assertEqual(await self.said_of_config(host, given), vector["config"])
                if "event" in vector:
                    with self.subTest(vector["name"], of="event"):
                        self.assertEqual(self.said_of_event(host, given), vector["event"])

    async def said_of_config(self, host: Host, value: Any) -> str | None:
        try:
            await host.ctx.config.set("k", value)
        except CallError as error:
            return error.message.removeprefix("config.set('k'): ")
        return None

    def said_of_event(self, host: Host, value: Any) -> str | None:
        try:
            host.ctx.ipc.send("c", value)
        except CallError as error:
            return error.message
        return None


class GoldenVectors(unittest.TestCase):
    def check(self, found: dict[str, Any], means: dict[str, Any]) -> None:
        error = found.pop("error", None)
        if error is not None:
            self.assertEqual((error.code, error.message), (means["error"]["code"], means["error"]["message"]))
            self.assertLessEqual((means["error"].get("data") or {}).items(), error.data.items())
        self.assertEqual(
            {name: value for name, value in found.items() if name != "params" or value is not None},
            {name: value for name, value in means.items() if name != "error"},
        )

    def test_every_valid_frame_is_read_as_what_it_means_and_written_so_again(self) -> None:
        for vector in vectors("valid.jsonl"):
            with self.subTest(vector["name"]):
                self.check(read(frame_of(vector)), vector["means"])
                self.check(read(write(vector["means"]).strip()), vector["means"])

    def test_every_invalid_frame_has_the_outcome_of_its_vector(self) -> None:
        for vector in vectors("invalid.jsonl"):
            with self.subTest(vector["name"]):
                try:
                    found = message.parse(frame_of(vector))
                    self.fail(f"read as {found}")
                except message.Noise:
                    outcome: tuple[str, int | None] = ("noise", None)
                except message.Broken as broken:
                    outcome = ("broken", broken.error.code)
                self.assertEqual(outcome, (vector["outcome"], vector.get("code")))

    def test_every_stream_gives_its_frames_however_it_is_cut(self) -> None:
        for vector in vectors("streams.jsonl"):
            chunks = [chunk.encode() for chunk in vector["chunks"]]
            whole = b"".join(chunks)
            for cut in (chunks, [whole], [bytes([byte]) for byte in whole]):
                with self.subTest(vector["name"], pieces=len(cut)):
                    decoder = Decoder(vector["limit"])
                    frames = [frame for chunk in cut for frame in decoder.feed(chunk)]
                    found = [
                        {"oversized": True} if isinstance(frame, Oversized) else {"line": frame.decode()}
                        for frame in frames
                        if not isinstance(frame, Skipped)
                    ]
                    self.assertEqual(found, vector["frames"])


if __name__ == "__main__":
    unittest.main()

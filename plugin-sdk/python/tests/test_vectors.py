"""The golden vectors that every SDK reads and writes."""

from __future__ import annotations

import json
import unittest
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from outboard_plugin.error import CallError
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

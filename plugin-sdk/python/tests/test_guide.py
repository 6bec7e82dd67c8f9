"""The samples of docs/WRITING-A-PLUGIN.md and of the README, as they stand there."""

from __future__ import annotations

import re
import unittest
from pathlib import Path
from typing import Any

from outboard_plugin import CallError, Plugin
from outboard_plugin.testing import Host

from .scripted_host import ScriptedHost

ROOT = Path(__file__).resolve().parents[3]
GUIDE = ROOT / "docs" / "WRITING-A-PLUGIN.md"
README = ROOT / "plugin-sdk" / "python" / "README.md"


def samples(file: Path, section: str) -> list[str]:
    """The blocks of Python below a heading."""
    text = f"\n{file.read_text()}".split(f"\n{section}\n", 1)[1]
    return re.findall(r"```python\n(.*?)```", re.split(r"\n## ", text, maxsplit=1)[0], re.DOTALL)


def plugin_of(sample: str) -> Plugin:
    """The plugin that a sample makes, which its last line would run."""
    assert sample.endswith("plugin.run()\n"), sample
    names: dict[str, Any] = {"__name__": "sample"}
    exec(compile(sample.removesuffix("plugin.run()\n"), "sample.py", "exec"), names)
    plugin = names["plugin"]
    assert isinstance(plugin, Plugin)
    return plugin


class Samples(unittest.IsolatedAsyncioTestCase):
    async def test_the_plugin_of_the_guide_starts_and_answers(self) -> None:
        [sample] = samples(GUIDE, "## Python")
        async with Host(plugin_of(sample), plugin_id="my-plugin", config={"units": "imperial"}) as host:
            self.assertEqual(await host.invoke("get-status"), {"online": True, "units": "imperial"})
            self.assertEqual((await host.request("GET", "/api/my-plugin/")).json(), {"hello": "world"})

    async def test_the_provider_and_the_consumer_of_the_guide_do_what_they_say(self) -> None:
        provider, consumer = samples(GUIDE, "## Services")
        async with Host(plugin_of(provider), plugin_id="weather") as host:
            weather = host.service("weather")
            self.assertEqual(await weather.call("getReport", {"station": "EDDF"}), {"wind": 12})
            with self.assertRaisesRegex(CallError, "there is no report of LSZH"):
                await weather.call("getReport", {"station": "LSZH"})
            made = {"station": "LSZH", "wind": 7, "caller": "a-liar"}
            await weather.call("setReport", made, caller="briefing")
            told = await weather.next_emitted("changed")
            self.assertEqual(told.payload, {"station": "LSZH", "wind": 7, "by": "briefing"})
        host = Host(plugin_of(consumer), plugin_id="briefing")
        weather = host.service("weather")
        weather.provide({"getReport": lambda params: {"of": params["station"]}})
        async with host:
            self.assertEqual(await host.invoke("get-briefing", "EDDF"), {"of": "EDDF"})
            weather.emit("changed", {"wind": 3})
            self.assertEqual((await host.next_event("changed")).payload, {"wind": 3})

    async def test_the_first_plugin_of_the_readme_starts_and_answers(self) -> None:
        sample = samples(README, "# Outboard plugins in Python")[0]
        async with Host(plugin_of(sample), plugin_id="hello") as host:
            self.assertEqual(await host.invoke("get-status"), {"online": True})

    async def test_the_bones_of_a_plugin_without_an_sdk_are_a_whole_plugin(self) -> None:
        [sample] = samples(GUIDE, "## Python without an SDK")
        host = ScriptedHost(sample)
        await host.spawn()
        self.addAsyncCleanup(host.close)
        for method, result in (
            ("initialize", {"protocolVersion": 1}),
            ("start", {}),
            ("ping", {}),
            ("stop", {}),
        ):
            self.assertEqual((await host.call(method, {}))["result"], result)
        self.assertEqual((await host.call("other", {}))["error"]["code"], -32601)
        host.hang_up()
        self.assertEqual(await host.exit(), 0)


if __name__ == "__main__":
    unittest.main()

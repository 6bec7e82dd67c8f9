"""Tests of the plugin without a supervisor: ``.venv/bin/python3 -m unittest``."""

from __future__ import annotations

import unittest
from typing import Any

import main

from outboard_plugin.testing import Host


class LandingLogPlugin(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        self.host = Host(main.plugin, plugin_id="landing-log-py", defaults={"hard_landing_rate": -600})
        await self.host.open()
        await self.host.start()
        self.addAsyncCleanup(self.host.stop)

    async def test_a_landing_is_kept_listed_and_told(self) -> None:
        added = await self.host.request("POST", "/landings", json={"flight": "QFA1", "rate": -180.5})
        self.assertEqual(added.status, 201)
        listed = await self.host.request("GET", "/landings")
        self.assertEqual(listed.json(), [added.json()])
        one = await self.host.request("GET", f"/landings/{added.json()['id']}")
        self.assertEqual(one.json()["flight"], "QFA1")
        event = await self.host.next_event("landed")
        self.assertEqual(event.payload, {**added.json(), "hard": False})

    async def test_what_counts_as_hard_is_a_setting(self) -> None:
        await self.host.request("POST", "/landings", json={"flight": "QFA1", "rate": -300})
        self.assertEqual((await self.host.invoke("summary"))["hard"], 0)
        await self.host.set_config("hard_landing_rate", -250)
        self.assertEqual(
            await self.host.invoke("summary"),
            {"landings": 1, "hard": 1, "softest": -300.0, "hardest": -300.0},
        )

    async def test_nonsense_is_refused(self) -> None:
        bodies: list[Any] = [
            [],
            {"flight": "QFA1"},
            {"flight": "", "rate": -1},
            {"flight": "QFA1", "rate": "soft"},
        ]
        for body in bodies:
            with self.subTest(body=body):
                self.assertEqual((await self.host.request("POST", "/landings", json=body)).status, 400)
        self.assertEqual((await self.host.request("POST", "/landings", body=b"{")).status, 400)
        self.assertEqual((await self.host.request("GET", "/landings/7")).status, 404)


if __name__ == "__main__":
    unittest.main()

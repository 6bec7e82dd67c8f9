"""The part of the table about the databases of JavaScript plugins: our addon beside better-sqlite3, and beside Node's own SQLite where
this Node has one. better-sqlite3 is installed below target/ when it is first needed, which compiles it. Called by table.py.
"""

import json
import os
import subprocess
import tempfile
from pathlib import Path

from packages import npm_install

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(__file__).resolve().parent / "peers" / "databases.mjs"
INSTALLED = ROOT / "target" / "bench-peers" / "better-sqlite3"
# What the figures are taken beside; a newer one is a change of the table.
BETTER = "12.11.1"
# The first Node whose own SQLite is used.
OWN_SINCE = 24

ROWS = [
    ("transaction", "inserts in a transaction"),
    ("single", "single inserts"),
    ("points", "point reads"),
    ("scans", "scans of 10,000 rows"),
]


def install():
    """Puts better-sqlite3 below target/, once."""
    npm_install(INSTALLED, {"better-sqlite3": BETTER})
    return INSTALLED / "node_modules" / "better-sqlite3"


def measure(rounds, addon, row):
    """The rows. `addon` is where ours was built, `row` makes a row of the table."""
    package = install()
    node = int(subprocess.check_output(["node", "-p", "process.versions.node"], text=True).split(".")[0])
    engines = {"addon": "addon", "better": str(package), **({"node": "node"} if node >= OWN_SINCE else {})}
    found = {name: [] for name in engines}
    environment = {**os.environ, "OUTBOARD_SQLITE_ADDON": str(addon)}
    with tempfile.TemporaryDirectory(prefix="outboard-bench-") as folder:
        for _ in range(rounds):
            for name, engine in engines.items():
                told = subprocess.check_output(["node", PROGRAM, folder, engine], env=environment)
                found[name].append(json.loads(told))
    rows = []
    for key, words in ROWS:
        rates = {name: [round_[key] for round_ in rounds_] for name, rounds_ in found.items()}
        what, unit = f"Database of a JavaScript plugin, {words}", "a second of processor time"
        rows.append(row(what, unit, rates["addon"], rates["better"], f"better-sqlite3 {BETTER}", "≥ 0.7"))
        if "node" in rates:
            rows.append(
                row(
                    f"{what}, beside Node's own",
                    unit,
                    rates["addon"],
                    rates["node"],
                    f"node:sqlite of Node {node}",
                    "",
                )
            )
    return rows

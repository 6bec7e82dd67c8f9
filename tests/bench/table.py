#!/usr/bin/env python3
"""Measures Outboard beside its limits and its peers, in turn and in one run, and writes docs/PERFORMANCE.md.

    make bench                     everything, five rounds
    tests/bench/table.py --rounds 3 --only proxy,memory        with --write, the other rows stay as they are

A figure counts as a ratio alone: both contestants ran in the same minutes on the same machine. Traffic stays on loopback.
Nothing here is part of the test suite.
"""

import argparse
import os
import platform
import re
import time

import crowds
import flows
import measures
import reloads
import services
import starts
from scene import ROOT

PAGE = ROOT / "docs" / "PERFORMANCE.md"

MEASURES = {
    "rpc": measures.measure_rpc,
    "sdks": measures.measure_sdks,
    "databases": measures.measure_databases,
    "proxy": measures.measure_proxy,
    "latency": measures.measure_latency,
    "config": measures.measure_config,
    "push": flows.measure_push,
    "lines": flows.measure_lines,
    "memory": measures.measure_memory,
    "restart": starts.measure_restart,
    "boot": starts.measure_boot,
    "many": starts.measure_many,
    "javascript": starts.measure_javascript,
    "lost": starts.measure_lost,
    "crowd": crowds.measure_crowd,
    "services": services.measure_services,
    "reloads": reloads.measure_reloads,
}

HEAD = """# Performance

Written by `make bench`. Machines are noisy, so a figure counts as a **ratio**: both contestants of a row ran in turn, in one run, on
one machine; each figure is the median of {rounds} rounds, with the smallest and the largest behind it. Every check, limit and log of
Outboard was on, as it is shipped. None of this is asserted in the test suite. Why some goals are missed, and what would be given up
for them, is written down for [requests and pushes](decisions/what-a-proxied-request-costs.md) and for
[config.set](decisions/the-state-log-has-its-size-from-the-start.md).

Taken on {date}, {machine}.

| what | Outboard | spread | beside | ratio | goal |
| --- | --- | --- | --- | --- | --- |
"""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default=",".join(MEASURES))
    parser.add_argument("--write", action="store_true", help="write docs/PERFORMANCE.md")
    options = parser.parse_args()
    rows = [cells for name in options.only.split(",") for cells in MEASURES[name](options.rounds)]
    machine = f"{os.cpu_count()} cores, Linux {platform.release().split('-')[0]}"
    date = time.strftime("%Y-%m-%d")
    lines = {
        cells["what"]: "| {what} | {ours} | {spread} | {beside} | {ratio} | {goal} |".format(**cells)
        for cells in rows
    }
    notes = {
        name: f"- **{name}** ({date}): {' '.join(MEASURES[name].__doc__.split())}"
        for name in options.only.split(",")
    }
    if not options.write:
        return
    if set(notes) != set(MEASURES):
        written = PAGE.read_text()
        lines = {**dict(re.findall(r"^(?=\| (?!what|---)(.+?) \|)(.*)$", written, re.M)), **lines}
        notes = {**dict(re.findall(r"^(?=- \*\*(\w+)\*\*)(.*)$", written, re.M)), **notes}
    notes = {name: notes[name] for name in MEASURES if name in notes}
    text = HEAD.format(rounds=options.rounds, date=date, machine=machine) + "\n".join(lines.values())
    PAGE.write_text(text + "\n\n## What each row measures\n\n" + "\n".join(notes.values()) + "\n")


if __name__ == "__main__":
    main()

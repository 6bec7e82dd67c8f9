"""Events of a service to many plugins, one of which does not read."""

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

from scene import TARGET, Outboard, cpu_seconds, pss_mib, row, wait_for

PROGRAM = Path(__file__).resolve().parent / "peers" / "simulator.py"
CONSUMERS = 20
HZ = 20
# Less than three missed pings take, after which a plugin that does not read is ended.
SECONDS = 8
# What a simulator says of an aircraft at once.
BYTES = 2048


def measure_services(rounds):
    """A plugin emits an event of 2 KiB at 20 Hz, marked as latest only, and twenty plugins subscribe, one of which does not read.
    Processor time of the supervisor alone for each event that one of the nineteen has had, beside a bare process that writes as many
    bytes into each of twenty pipes as often. The age of an event is from before its emit to after its reading, both plugins in Python.
    What is skipped is counted for the one that does not read: all but what fits into its pipe. Which contestant comes first changes each
    round."""
    names = [f"reader-{number}" for number in range(CONSUMERS - 1)]
    plugins = ("sim", "slow", *names)
    files = {name: (PROGRAM, "main.py", [sys.executable, "main.py"]) for name in plugins}
    ours, bare, median, late, skipped, grown = [], [], [], [], [], []
    limit = [str(word) for word in (TARGET / "bench-limit", "pipes", CONSUMERS, HZ, SECONDS, BYTES)]
    for number in range(rounds):
        if number % 2:
            bare.append(json.loads(subprocess.check_output(limit))["cpu_us"])
        with Outboard(plugins, files=files, manifests={"sim": {"provides": ["sim"]}}) as outboard:
            wait_for(lambda: len(outboard.cli("services")[0]["consumers"]) == CONSUMERS)
            outboard.cli("call", "sim", "fly", 1, HZ, BYTES)
            for name in names:
                outboard.cli("call", name, "seen")
            memory, before = pss_mib(outboard.pid), cpu_seconds(outboard.pid)
            emitted = outboard.cli("call", "sim", "fly", SECONDS, HZ, BYTES)["emitted"]
            spent = cpu_seconds(outboard.pid) - before
            grown.append(pss_mib(outboard.pid) - memory)
            time.sleep(0.5)  # the last events are on their way
            ages = [age for name in names for age in outboard.cli("call", name, "seen")["ages"]]
            # One that is short of processor time for a moment is given the newest alone.
            assert len(ages) > 0.95 * emitted * len(names), (len(ages), emitted)
            ours.append(spent / len(ages) * 1e6)
            cuts = statistics.quantiles(ages, n=100)
            median.append(cuts[49])
            late.append(cuts[98])
            [service] = outboard.cli("services")
            assert service["missed"] == 0 and service["skipped"] > 0, service
            skipped.append(service["skipped"])
            (outboard.folder / "plugins" / "slow" / "read-on").touch()
        if not number % 2:
            bare.append(json.loads(subprocess.check_output(limit))["cpu_us"])
    what = f"Event at {HZ} Hz to {CONSUMERS} plugins, one of which does not read"
    return [
        row(
            f"{what}: processor time of the supervisor for each delivered",
            "µs",
            ours,
            bare,
            "bare write into a pipe",
            "",
        ),
        row(f"{what}: age when it is read, median", "µs", median, None, "", ""),
        row(f"{what}: age when it is read, 99th percentile", "µs", late, None, "", ""),
        row(f"{what}: skipped of {(SECONDS + 1) * HZ}", "", skipped, None, "", "> 0"),
        row(f"{what}: memory that the supervisor takes for it", "MiB", grown, None, "", "≤ 1 MiB"),
    ]

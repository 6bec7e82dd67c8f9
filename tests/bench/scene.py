"""What every measurement needs: supervisors in temporary folders, processor time, memory, and rows of the table."""

import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
# Where peers are put that come from npm: nobody's dependencies, and in no lock file.
PEERS = ROOT / "target" / "bench-peers" / "web"
GUARD = 60  # seconds; nothing that is waited for takes longer unless it hangs


def cpu_seconds(*pids):
    """Processor time of some processes so far, in seconds, to the nanosecond: of all their threads, of those that have ended too."""
    # What clock_getcpuclockid(3) gives for a pid, which Python has no name for.
    return sum(time.clock_gettime((~pid << 3) | 2) for pid in pids)


def pss_mib(pid):
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+)", text, re.M).group(1)) / 1024


def pin(pid, core):
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), {core})


def children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def wait_for(condition):
    end = time.monotonic() + GUARD
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.01)
    raise SystemExit("waited in vain")


class Outboard:
    """A supervisor in temporary folders, with plugins made from one program, or by `files`: (source, where, command) of each;
    `manifests` has further members of some."""

    def __init__(self, plugins=("bench",), settings="", files=None, manifests=None):
        self.folder = Path(tempfile.mkdtemp(prefix="outboard-bench-"))
        for name in plugins:
            folder = self.folder / "plugins" / name
            folder.mkdir(parents=True)
            manifest = {
                "id": name,
                "name": name,
                "version": "1.0.0",
                "run": {"command": [str(TARGET / "bench-plugin")]},
            }
            if files:
                source, where, command = files[name]
                (folder / where).parent.mkdir(exist_ok=True)
                shutil.copy(source, folder / where)
                manifest["run"] = {"command": command}
                if not command:
                    del manifest["run"]
            manifest |= (manifests or {}).get(name, {})
            (folder / "plugin.json").write_text(json.dumps(manifest))
        self.runtime, self.data = self.folder / "r", self.folder / "data"
        (self.folder / "outboard.toml").write_text(settings)
        command = [
            TARGET / "outboard",
            "run",
            "--ready-json",
            "--listen",
            "127.0.0.1:0",
            "--log-level",
            "error",
        ]
        command += ["--plugins", self.folder / "plugins", "--data", self.data, "--runtime-dir", self.runtime]
        command += ["--config", self.folder / "outboard.toml"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        self.ready = json.loads(self.process.stdout.readline())
        self.pid, self.listen = self.ready["pid"], self.ready["listen"]
        self.port = int(self.listen.rsplit(":", 1)[1])

    def cli(self, *words):
        command = [TARGET / "outboard", "--runtime-dir", self.runtime, "--json", *map(str, words)]
        return json.loads(subprocess.run(command, check=True, capture_output=True, timeout=10 * GUARD).stdout)

    def plugin_pid(self, name="bench"):
        return self.cli("status", name)["plugins"][0]["pid"]

    def plugin_pids(self):
        return [plugin["pid"] for plugin in self.cli("status")["plugins"]]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(GUARD)
        shutil.rmtree(self.folder, ignore_errors=True)


def row(what, unit, ours, other, beside, goal):
    """One line of the table. A ratio is the median of the rounds' own ratios."""
    cells = {"what": what, "ours": f"{figure(statistics.median(ours))} {unit}".strip(), "goal": goal}
    cells |= {"spread": spread(ours), "beside": "", "ratio": ""}
    if other:
        ratio = statistics.median(a / b for a, b in zip(ours, other, strict=True))
        cells["beside"] = f"{beside}: {figure(statistics.median(other))} {unit} ({spread(other)})"
        cells["ratio"] = f"{ratio:.2f}"
    print(
        f"{what}: {cells['ours']} ({cells['spread']}); {cells['beside']}; ratio {cells['ratio'] or '-'}; goal {goal}",
        flush=True,
    )
    return cells


def figure(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.2f}" if value < 10 else f"{value:.1f}"


def spread(values):
    return f"{figure(min(values))} to {figure(max(values))}"

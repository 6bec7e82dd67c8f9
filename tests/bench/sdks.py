"""The part of the table about plugins in TypeScript and Python: calls from a plugin to its host, beside other JSON-RPC libraries
of the two languages. The peers are installed below target/ when they are first needed. Called by table.py.
"""

import json
import os
import subprocess
from pathlib import Path

from packages import npm_install

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(__file__).resolve().parent / "peers"
INSTALLED = ROOT / "target" / "bench-peers"
# What the figures are taken beside; a newer one is a change of the table.
VSCODE = "8.2.1"
MCP = "1.30.0"
CALLS = 100_000
CALLS_MCP = 3_000
AT_ONCE = 64


def install():
    """Puts the peers and an environment with the Python SDK below target/, once."""
    npm_install(INSTALLED, {"vscode-jsonrpc": VSCODE})
    make_venv = ROOT / "plugin-sdk" / "python" / "make-venv"
    if not (INSTALLED / "mcp").exists():
        subprocess.run([make_venv, "--plain", INSTALLED / "mcp", f"mcp=={MCP}"], check=True)
    subprocess.run([make_venv, INSTALLED / "sdk"], check=True)


def ours(outboard, name, calls, cpu_seconds):
    """One round of a plugin: microseconds of processor time a call, and calls a second."""
    child = outboard.plugin_pid(name)
    before = cpu_seconds(outboard.pid) + cpu_seconds(child)
    seconds = outboard.cli("call", name, "rpc", calls, AT_ONCE)["seconds"]
    return (cpu_seconds(outboard.pid) + cpu_seconds(child) - before) / calls * 1e6, calls / seconds


def theirs(*command):
    """One round of a peer."""
    found = json.loads(
        subprocess.check_output(
            [*map(str, command), str(AT_ONCE)], env={**os.environ, "NODE_ENV": "production"}
        )
    )
    return found["cpu_us"], found["a_second"]


def measure(rounds, outboard, cpu_seconds, row):
    """The rows. `outboard` makes a supervisor, `row` a row of the table."""
    install()
    # The real interpreter: a `python3` on the path may be a script that looks for one.
    python = str(INSTALLED / "sdk" / "bin" / "python3")
    files = {
        "typescript": (PROGRAMS / "plugin.js", "background/index.js", None),
        "python": (PROGRAMS / "plugin.py", "main.py", [python, "main.py"]),
    }
    found = {name: [] for name in ("typescript", "vscode", "python", "mcp")}
    with outboard(tuple(files), files=files) as running:
        for name in files:
            running.cli("call", name, "rpc", 20_000, AT_ONCE)  # so that everything is compiled and warm
        for _ in range(rounds):
            found["typescript"].append(ours(running, "typescript", CALLS, cpu_seconds))
            found["vscode"].append(theirs("node", PROGRAMS / "vscode-jsonrpc.mjs", INSTALLED, CALLS))
            found["python"].append(ours(running, "python", CALLS // 5, cpu_seconds))
            found["mcp"].append(
                theirs(INSTALLED / "mcp" / "bin" / "python3", PROGRAMS / "mcp_stdio.py", CALLS_MCP)
            )
    rows = []
    for name, peer, language, library, goal in [
        ("typescript", "vscode", "TypeScript", f"vscode-jsonrpc {VSCODE}", "≤ 0.2"),
        ("python", "mcp", "Python", f"MCP Python SDK {MCP}", ""),
    ]:
        (cpu, rate), (peer_cpu, peer_rate) = zip(*found[name], strict=True), zip(*found[peer], strict=True)
        what = f"RPC from the {language} SDK, 64 in flight"
        rows.append(
            row(f"{what}, processor time of both processes a call", "µs", cpu, peer_cpu, library, goal)
        )
        rows.append(row(f"{what}, calls", "a second", rate, peer_rate, library, ""))
    return rows

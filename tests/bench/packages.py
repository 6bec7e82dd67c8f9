"""Packages of npm that a measure takes beside ours, put into a folder of their own when they are first needed. Called by whoever has
such a peer. Must not know what is measured.
"""

import subprocess
import sys


def npm_install(folder, versions):
    """Puts these packages, name and version, into the folder, where one of them is missing."""
    if all((folder / "node_modules" / name).exists() for name in versions):
        return
    folder.mkdir(parents=True, exist_ok=True)
    npm = ["npm", "install", "--prefix", folder, "--no-save", "--no-package-lock", "--no-audit", "--no-fund"]
    wanted = [f"{name}@{version}" for name, version in versions.items()]
    # What npm says is not part of the table.
    subprocess.run([*npm, *wanted], check=True, stdout=sys.stderr)

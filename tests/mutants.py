"""Changes the code in one place at a time and looks whether a test notices. `make mutants` calls this.

tests/mutants.toml names the grounds, which are the parts of the code that are changed, and lists the mutants that may live,
each with a reason. A mutant that lives and is not listed fails the run, and so does a listed one that does not live any more.
Everything happens in a copy of the tree below target/mutants, so the sources here are never touched.
"""

import argparse
import collections
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import time

import tomllib

HOME = pathlib.Path(__file__).resolve().parent.parent
LIST = HOME / "tests/mutants.toml"
WORK = HOME / "target/mutants"
TREE = WORK / "tree"

# Seconds that the build and the tests of one mutant may take. A change that makes a loop endless is found by the second.
BUILD_LIMIT = 300
TEST_LIMIT = 60
# Seconds that cargo-mutants and what it runs get to end once they were told to.
END_LIMIT = 30

ENVIRONMENT = os.environ | {
    "CARGO_TARGET_DIR": str(WORK / "build"),
    "CARGO_INCREMENTAL": "1",
    "CARGO_PROFILE_DEV_DEBUG": "false",
    "CARGO_TERM_COLOR": "never",
    # Most mutants are found by the first few cases; hundreds more would be run for each that is not.
    "PROPTEST_CASES": "64",
    # What one mutant fails on must not be tried on the next: the score would hang on their order.
    "PROPTEST_DISABLE_FAILURE_PERSISTENCE": "1",
}

LINE_AND_COLUMN = re.compile(r"^([^:]+):\d+:\d+: ")


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument(
        "grounds", nargs="*", help="names of grounds in tests/mutants.toml; all of them where none is given"
    )
    arguments.add_argument(
        "--seed", type=int, help="draw the samples with another seed than the one in tests/mutants.toml"
    )
    given = arguments.parse_args()
    # What was begun is ended as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
    listed = tomllib.loads(LIST.read_text())
    seed = listed["seed"] if given.seed is None else given.seed
    known = {ground["name"]: ground for ground in listed["ground"]}
    for name in given.grounds:
        if name not in known:
            sys.exit(f"tests/mutants.toml: {name} is not a ground; there are {', '.join(known)}")
    copy_tree()
    chosen = [known[name] for name in given.grounds] or list(known.values())
    complaints = [
        complaint for ground in chosen for complaint in run(ground, seed, listed.get("survivor", []))
    ]
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    sys.exit(1 if complaints else 0)


def copy_tree():
    """Brings the copy up to date. What has not changed keeps its time, so that cargo builds only what has."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=HOME, check=True, capture_output=True, text=True).stdout.split("\0")
    wanted = {name for name in names if name and (HOME / name).is_file()}
    TREE.mkdir(parents=True, exist_ok=True)
    for there in [path for path in TREE.rglob("*") if path.is_file()]:
        if str(there.relative_to(TREE)) not in wanted:
            there.unlink()
    for name in wanted:
        source, target = HOME / name, TREE / name
        if not target.exists() or target.read_bytes() != source.read_bytes():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)


def run(ground, seed, survivors):
    """Tries a ground's mutants, prints its score, and gives what is wrong with it, a sentence each."""
    name = ground["name"]
    choice = [
        "--package",
        ground["package"],
        *(part for glob in ground["files"] for part in ("--file", glob)),
    ]
    mutants = [mutant["name"] for mutant in json.loads(cargo_mutants("--list", "--json", *choice))]
    drawn = mutants
    if "sample" in ground:
        # cargo-mutants 27 filters all but those that leave out a field, which are tried in any case.
        always = [mutant for mutant in mutants if ": delete field " in mutant]
        others = [mutant for mutant in mutants if mutant not in always]
        drawn = always + random.Random(seed).sample(others, min(ground["sample"], len(others)))
        choice += ["--re", "^(?:" + "|".join(map(re.escape, drawn)) + ")$"]
    drawing = f", drawn with seed {seed}" if "sample" in ground else ""
    print(
        f"{name}: {len(drawn)} of {len(mutants)} mutants{drawing}; at most {ground['minutes']} minutes",
        flush=True,
    )
    whole = try_mutants(ground, choice)
    found = {
        kind: lines(WORK / name / f"mutants.out/{kind}.txt")
        for kind in ("caught", "timeout", "missed", "unviable")
    }
    noticed, missed = len(found["caught"]) + len(found["timeout"]), found["missed"]
    tried = noticed + len(missed)
    share = f"{100 * noticed / tried:.1f} %" if tried else "nothing"
    print(
        f"{name}: a test notices {noticed} of {tried} mutants that compile ({share}); {len(missed)} live",
        flush=True,
    )
    if not whole:
        yield (
            f"{name}: {tried + len(found['unviable'])} of {len(drawn)} mutants were tried in {ground['minutes']} minutes; "
            "give the ground more in tests/mutants.toml, or free the machine"
        )
    yield from judge(found, survivors, drawn)


def try_mutants(ground, choice):
    """Whether all of them were tried within the ground's minutes."""
    output = WORK / ground["name"]
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    limits = ["--timeout", str(TEST_LIMIT), "--build-timeout", str(BUILD_LIMIT)]
    command = [
        "cargo",
        "mutants",
        "--dir",
        str(TREE),
        "--in-place",
        "--output",
        str(output),
        *limits,
        *choice,
    ]
    command += ["--cargo-arg=--locked", "--", *ground["tests"]]
    with subprocess.Popen(
        command, env=ENVIRONMENT, start_new_session=True, stdout=subprocess.DEVNULL
    ) as trying:
        try:
            # 0: all were noticed; 2: some were not; 3: for some the time was up.
            if trying.wait(60 * ground["minutes"]) in (0, 2, 3):
                return True
            sys.exit(f"{ground['name']}: cargo mutants failed; its log is in {output / 'mutants.out'}")
        except subprocess.TimeoutExpired:
            return False
        finally:
            end(trying)


def end(trying):
    for stop in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(trying.pid, stop)
        except ProcessLookupError:
            return
        until = time.monotonic() + END_LIMIT
        while trying.poll() is None and time.monotonic() < until:
            time.sleep(0.1)


def judge(found, survivors, drawn):
    """What lives is listed, and what is listed lives, as far as it was tried."""
    living = collections.Counter(without_place(mutant) for mutant in found["missed"])
    allowed = collections.Counter({entry["mutant"]: entry.get("times", 1) for entry in survivors})
    places = collections.defaultdict(list)
    for mutant in found["missed"]:
        places[without_place(mutant)].append(mutant)
    for mutant, times in living.items():
        if times > allowed[mutant]:
            for place in places[mutant]:
                yield f"no test notices this: {place}"
    every = collections.Counter(without_place(mutant) for mutant in drawn)
    tried = collections.Counter(without_place(mutant) for kind in found.values() for mutant in kind)
    for entry in survivors:
        mutant = entry["mutant"]
        # A sample may hold some of those that have one name: then it says nothing of how many live.
        if every[mutant] and tried[mutant] == every[mutant] and not living[mutant]:
            yield f"a test notices this now, or it is gone; take it off tests/mutants.toml: {mutant}"


def cargo_mutants(*arguments):
    command = ["cargo", "mutants", "--dir", str(TREE), *arguments]
    return subprocess.run(command, env=ENVIRONMENT, check=True, stdout=subprocess.PIPE, text=True).stdout


def without_place(mutant):
    """The mutant's name without line and column, which change with every line above."""
    return LINE_AND_COLUMN.sub(r"\1: ", mutant)


def lines(file):
    return file.read_text().splitlines() if file.exists() else []


if __name__ == "__main__":
    main()

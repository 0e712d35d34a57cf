"""reproducible: two builds of one commit, one after the other in one directory, are the same bit for bit.

The directory belongs to what a build is told (Build-Path in its .buildinfo): Swift keeps source paths in modules and messages.
"""

import shutil
import subprocess
from pathlib import Path

from Rig.checks.check import Check, Fault
from Rig.deadlines import RigError
from Rig.figures import Report

from ..package import renumbered
from ..root import REPOSITORY

FOLDER = REPOSITORY / ".build" / "reproducible"
TREE = FOLDER / "tree"
TURNS = ("one", "other")


def build() -> None:
    """Both builds; 10 to 30 minutes."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    # Whatever is committed meanwhile, both build the same.
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=REPOSITORY, check=True, capture_output=True, text=True
    ).stdout.strip()
    for turn in TURNS:
        shutil.rmtree(TREE, ignore_errors=True)
        subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(REPOSITORY), str(TREE)], check=True)
        subprocess.run(["git", "checkout", "--quiet", "--detach", commit], cwd=TREE, check=True)
        # The same versions of the packages; packaging/build-deb says why this file is no part of the commit.
        if (REPOSITORY / "Package.resolved").exists():
            shutil.copy(REPOSITORY / "Package.resolved", TREE)
        print(f"reproducible: building {commit[:12]} in {TREE}", flush=True)
        log = FOLDER / f"{turn}.log"
        with log.open("wb") as sink:
            command = [str(TREE / "packaging" / "build-deb"), "--output", str(FOLDER / f"{turn}.out")]
            done = subprocess.run(command, stdout=sink, stderr=subprocess.STDOUT)
        if done.returncode != 0:
            raise RigError(f"packaging/build-deb exits with {done.returncode}; its words are in {log}")


def run(report: Report, fault: Fault | None) -> None:
    first, second = (sorted((FOLDER / f"{turn}.out").glob("*.deb")) for turn in TURNS)
    if not first or [file.name for file in first] != [file.name for file in second]:
        raise RigError(f"the two builds made different packages: {first}, {second}")
    if fault is not None:
        second = [renumbered(file, "9.9.9", FOLDER) for file in second]
    for one, other in zip(first, second, strict=True):
        same = one.read_bytes() == other.read_bytes()
        samples = f"{one.stat().st_size} bytes" if same else _difference(one, other)
        report.equal(one.name.split("_")[0], "the same" if same else "different", "the same", samples)


def _difference(one: Path, other: Path) -> str:
    done = subprocess.run(["diffoscope", "--max-report-size=4000", str(one), str(other)], capture_output=True, text=True)
    return done.stdout[:4000] or done.stderr[-500:]


CHECK = Check(
    "reproducible",
    "Two builds of one commit, in one directory, are the same bit for bit.",
    run,
    (Fault("other-version", "The second build is of another version.", ("sipcall",)),),
    build,
    by_hand=True,
)

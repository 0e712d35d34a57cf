"""sip-lossy: 1,000 calls of each of three seeds over a simulated network that loses, doubles, delays and reorders."""

import json
import os
import subprocess
import tempfile
from pathlib import Path

from ..box import REPOSITORY
from ..deadlines import RigError
from ..figures import Report
from .check import Check, Fault

SEEDS = 3
CALLS = 1000
LOSS_GOAL = 0.15
"""Of all datagrams, doubled ones counted once: 20 % less what came through as a second copy."""
DEADLINE_SECONDS = 600


def run(report: Report, fault: Fault | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "figures"
        environment = {**os.environ, "SIPCALL_LOSSY_FIGURES": str(path)}
        if fault is not None:
            environment["SIPCALL_LOSSY_BROKEN"] = "1"
        command = ["swift", "test", "--skip-build", "--filter", "LossyCallTests"]
        done = subprocess.run(
            command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=DEADLINE_SECONDS
        )
        lines = path.read_text().splitlines() if path.exists() else []
    if not lines:
        raise RigError(f"the simulation wrote no figures:\n{(done.stdout + done.stderr)[-1500:]}")
    figures = [json.loads(line) for line in lines]
    total = {name: sum(one[name] for one in figures) for name in figures[0]}
    samples = (
        f"{len(figures)} seeds, {total['answered']} calls answered, {total['agreements']} sessions changed, "
        f"{total['transfers']} transfers asked for to the end, {total['challenges']} challenges, "
        f"{total['registrations']} registrations, {total['datagrams']} datagrams, {total['lost']} lost"
    )
    report.equal("calls", total["calls"], SEEDS * CALLS, samples)
    report.equal("right-ends", total["right"], SEEDS * CALLS, "both sides know that it is over, and why")
    report.equal("leaks", total["leaks"], 0, f"of {2 * len(figures)} user agents with something left")
    report.at_least("challenges", total["challenges"], SEEDS * CALLS, "of INVITE and REGISTER", samples)
    report.at_least("transfers", total["transfers"], SEEDS * CALLS / 10, "REFERs that came to an end", samples)
    report.at_least("registrations", total["registrations"], SEEDS * 4, "REGISTERs granted", samples)
    report.at_least("loss", total["lost"] / total["datagrams"], LOSS_GOAL, "of all datagrams", samples)
    report.equal("test", done.returncode, 0, "the simulation's own expectations")


def _build_tests() -> None:
    if subprocess.run(["swift", "build", "--build-tests"], cwd=REPOSITORY).returncode != 0:
        raise RigError("the tests cannot be built")


CHECK = Check(
    "sip-lossy",
    "With 20 % loss, 100 ± 50 ms, doubled and reordered datagrams 3,000 calls end as they should, and none leaks.",
    run,
    (Fault("no-repetitions", "Nothing that was sent before arrives again.", ("right-ends", "test")),),
    prepare=_build_tests,
)

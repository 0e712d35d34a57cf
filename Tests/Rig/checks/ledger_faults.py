"""ledger-faults: the disk is full, fails, or tears a write apart, under load and below SQLite, and nothing that was kept is lost.

Pages call all the time. In each round one of the two processes meets a disk that takes nothing (ENOSPC), a disk that fails while it
is read and written (EIO), or a write of which half reaches the disk before the process is gone. What is acknowledged is what
another process has seen committed. As long as no process dies, every call has its record in the end, whether it was kept at
once or had to wait. ROUNDS in the environment: how many of each (100 for the whole figure, some 10 minutes).
"""

import os
import random
import shutil
import subprocess
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from ..benches.many_calls import sipp
from ..box import Box, binary
from ..carrier import Account
from ..deadlines import wait_until
from ..disk import BROKEN, FULL, TORN, Disk
from ..figures import Report
from ..namespaces import Network
from .check import Check, Fault, broken_by
from .ledger_crash import Load, another, break_ledger, listed, start, waiting, watch
from .ledger_files import Told, corrupt, durable, rows

ROUNDS = int(os.environ.get("ROUNDS", "2"))
FOR_EVER = 1 << 30
NAMES = {FULL: "full", BROKEN: "errors", TORN: "torn"}


@dataclass
class Trial:
    """A box on a disk that fails, with pages that call."""

    box: Box
    disk: Disk
    load: Load
    seen: Told = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)
    """Operations that failed, by what failed them."""
    during: int = 0
    """Calls that ended while the disk took nothing."""

    def fail(self, mode: int, part: str) -> None:
        """One round."""
        process = self.box.core() if part == "core" else self.box.web()
        watch(self.box.state, self.seen, time.monotonic() + random.uniform(0.05, 0.3))
        had = self.load.ended
        # One operation in the midst of others, some, or all of them until the disk is well again.
        count = 1 if mode == TORN else random.choice((1, random.randint(2, 20), FOR_EVER))
        self.disk.fail(mode, process, random.randint(0, 15), count)
        if mode == TORN:
            wait_until(lambda: self.disk.failed > 0, 30, "a write to be torn")
            self.disk.mend()
            self._mourn(part, process)
        else:
            wait_until(lambda: self.disk.failed > 0, 30, "an operation to fail")
            watch(self.box.state, self.seen, time.monotonic() + random.uniform(0.2, 1.0))
            self.during += self.load.ended - had
            self.disk.mend()
        name = NAMES[mode]
        self.failed[name] = self.failed.get(name, 0) + self.disk.failed
        self.load.wait_for_more()

    def _mourn(self, part: str, process: int) -> None:
        if part == "core":
            # `sipcall run` ends with its core, and whoever runs it starts it again.
            self.load.going.clear()
            self.box.program.wait_for_exit(20)
            start(self.box)
            self.load.going.set()
        else:
            wait_until(lambda: another(self.box, process), 20, "another web process")

    def settle(self) -> None:
        """Nothing waits any more. A disk that failed is tried again after ten seconds."""
        watch(self.box.state, self.seen, time.monotonic() + 0.5)
        wait_until(lambda: not waiting(self.box.state), 60, "the spool to be empty", pause=0.2)


def run(report: Report, fault: Fault | None) -> None:
    folder = Path(tempfile.mkdtemp(prefix="sipcall-check-"))
    try:
        with ExitStack() as stack:
            _measure(report, fault, folder, stack)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _measure(report: Report, fault: Fault | None, folder: Path, stack: ExitStack) -> None:
    rounds = ROUNDS if fault is None else 1
    network = stack.enter_context(Network())
    stack.enter_context(sipp(network.carrier, folder, "bench-answers", 5060))
    box = Box(network.box, folder, Account())
    box.state.mkdir()
    disk = stack.enter_context(Disk(folder, box.state))
    if not broken_by(fault, "good-disk"):
        box.environment = disk.environment
    stack.callback(box.stop)
    start(box)
    with Load(box) as load:
        trial = Trial(box, disk, load)
        load.wait_for_more()
        for mode in (FULL, BROKEN):
            for number in range(rounds):
                trial.fail(mode, "core" if number % 2 else "web")
        load.going.clear()
        wait_until(lambda: not box.in_use(), 20, "all calls to end")
        trial.settle()
        # What had to wait in memory is tried again every five seconds.
        end = time.monotonic() + 30
        while (alive := len(rows(box.state))) < load.ended and time.monotonic() < end:
            time.sleep(0.2)
        ended = load.ended
        load.going.set()
        for number in range(rounds):
            trial.fail(TORN, "core" if number % 3 == 2 else "web")
    trial.settle()
    history = listed(box)
    box.stop()
    if fault is not None:
        break_ledger(box.state / "web" / "ledger", fault)
    failed = ", ".join(f"{name} {count}" for name, count in trial.failed.items())
    samples = f"{rounds} rounds each; operations that failed: {failed}; {load.ended} calls, {len(trial.seen)} records acknowledged"
    broken = corrupt(box.state)
    report.equal("corrupt-files", ", ".join(broken) or "none", "none", "integrity_check of every database")
    if broken:
        return
    final, counts = durable(box.state), rows(box.state)
    lost = [name for name, revision in trial.seen.items() if final.get(name, -1) < revision]
    report.equal("lost", len(lost), 0, samples)
    report.equal("doubled", sum(count - 1 for count in counts.values()), 0, f"{len(counts)} calls in the ledger")
    report.at_least("kept-in-the-end", alive, ended, "", "calls with a record, of those made before any process died")
    report.at_least("calls-meanwhile", trial.during, 1, "", "calls that ended while the disk failed")
    report.equal("shown", len({name.hex() for name in trial.seen} - set(history)), 0, "acknowledged and not on the pages")
    verified = subprocess.run(
        [str(binary()), "verify", "ledger", "keys", "audit", "--state", str(box.state)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    report.equal("verified", verified.returncode, 0, "; ".join(verified.stdout.splitlines()))


CHECK = Check(
    "ledger-faults",
    "A full disk, a failing disk and torn writes lose, double and corrupt no record that was kept.",
    run,
    (
        Fault("good-disk", "The box does not meet the disk that fails.", ("an operation to fail",)),
        Fault("forgetful", "A row is removed from the ledger.", ("lost",)),
        Fault("doubling", "A part of the ledger is there twice.", ("doubled",)),
        Fault("garbage", "A page of the ledger is overwritten.", ("corrupt-files",)),
    ),
)

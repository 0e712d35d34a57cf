"""ledger-crash: core and web are killed at random moments under load, and no record of a call is lost or doubled.

What counts as acknowledged is what another process has seen committed, in the core's spool or in the ledger, before the
signal. Pages call all the time; the master key is changed at every start, so that some kills meet the rewrapping of keys; old
parts of the ledger expire at every start, and half of the web processes are killed once more right then; the newest part turns
over; backups are made all the time, some of which are killed themselves.
ROUNDS in the environment: how often something is killed (1,000 for the whole figure, some 40 minutes).
"""

import contextlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ..benches.many_calls import sipp
from ..box import Box, binary
from ..carrier import Account
from ..deadlines import DeadlinePassed, RigError, wait_until
from ..figures import Report
from ..namespaces import Network
from ..phone_socket import PhoneSocket
from .check import Check, Fault, broken_by
from .ledger_files import Keyring, Told, corrupt, durable, rows
from .ledger_upkeep import SETTINGS, Backups, Upkeep, synchronised

ROUNDS = int(os.environ.get("ROUNDS", "6"))
PAGES = 4
CORE_EVERY = 3
"""Of so many kills one meets the core; the others meet the web process."""


class Load:
    """Pages that call one after the other, whatever dies meanwhile."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self._stop = threading.Event()
        self.going = threading.Event()
        """Cleared while the box is started: its password takes a while to check, and 401 is no call."""
        self.going.set()
        self._pool = ThreadPoolExecutor(PAGES)
        self.ended = 0
        self.errors: Counter[str] = Counter()
        """What went wrong since the last kill; much may, while things die."""

    def __enter__(self) -> "Load":
        self._pages = [self._pool.submit(self._page) for _ in range(PAGES)]
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._pool.shutdown()

    def _page(self) -> None:
        while not self._stop.is_set():
            if not self.going.wait(0.1):
                continue
            try:
                with PhoneSocket(self._box) as phone:
                    while not self._stop.is_set() and self.going.is_set():
                        call = phone.start_call(Account().answers)
                        phone.wait_for("call.state", 5, call=call, state="active")
                        phone.request("call.end", call=call)
                        phone.wait_for("call.ended", 5, call=call)
                        self.ended += 1
            except Exception as error:  # noqa: BLE001 (a page that dies of something new would be missed by nobody)
                self.errors[f"{type(error).__name__}: {error}"[:200]] += 1
            self._stop.wait(0.1)

    def wait_for_more(self) -> None:
        """Returns once a call has ended that began after this."""
        had = self.ended
        self.errors.clear()
        try:
            wait_until(lambda: self.ended > had + PAGES, 30, "calls to go on")
        except DeadlinePassed as passed:
            raise DeadlinePassed(f"{passed}; errors of the pages: {dict(self.errors)}") from None


def run(report: Report, fault: Fault | None) -> None:
    folder = Path(tempfile.mkdtemp(prefix="sipcall-check-"))
    try:
        with ExitStack() as stack:
            _measure(report, fault, folder, stack)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _measure(report: Report, fault: Fault | None, folder: Path, stack: ExitStack) -> None:
    rounds = ROUNDS if fault is None else 2
    network = stack.enter_context(Network())
    stack.enter_context(sipp(network.carrier, folder, "bench-answers", 5060))
    credentials = folder / "credentials"
    credentials.mkdir()
    ring = Keyring([random.randbytes(32)])
    ring.write(credentials / "master-key")
    before = os.environ.get("CREDENTIALS_DIRECTORY")
    os.environ["CREDENTIALS_DIRECTORY"] = str(credentials)
    stack.callback(_restore, before)
    box = Box(network.box, folder, Account(), trunk=SETTINGS)
    box.environment = synchronised(folder)
    stack.callback(box.stop)
    start(box)
    ledger = box.state / "web" / "ledger"
    with Load(box) as load:
        load.wait_for_more()
    wait_until(lambda: not waiting(box.state), 30, "the first records to be filed")
    box.stop()
    upkeep = Upkeep(folder, ledger)
    size = upkeep.fill(ring)
    start(box)
    seen: Told = {}
    kills = {"core": 0, "web": 0, "web at its start": 0}
    backups = Backups(box)
    with Load(box) as load, backups:
        load.wait_for_more()
        for number in range(rounds):
            part = "core" if number % CORE_EVERY == CORE_EVERY - 1 else "web"
            process = box.core() if part == "core" else box.web()
            upkeep.expire(ring)
            watch(box.state, seen, time.monotonic() + random.uniform(0.05, 1.0))
            os.kill(process, signal.SIGKILL)
            kills[part] += 1
            ring = ring.turned(ledger)
            ring.write(credentials / "master-key")
            if part == "core":
                # `sipcall run` ends with its core, and whoever runs it starts it again.
                load.going.clear()
                box.program.wait_for_exit(20)
                start(box)
                load.going.set()
            else:
                wait_until(lambda former=process: another(box, former), 20, "another web process")
                if random.random() < 0.5:
                    # While keys are rewrapped and old parts go.
                    time.sleep(random.uniform(0.02, 0.4))
                    process = box.web()
                    os.kill(process, signal.SIGKILL)
                    kills["web at its start"] += 1
                    wait_until(lambda former=process: another(box, former), 20, "another web process")
            load.wait_for_more()
    watch(box.state, seen, time.monotonic() + 0.5)
    ended = load.ended
    wait_until(lambda: not waiting(box.state), 30, "the spool to be empty", pause=0.2)
    # Whatever a kill has left of expiring is made good by the next start.
    box.stop()
    upkeep.note()
    start(box)
    wait_until(lambda: not waiting(box.state), 30, "the spool to be empty", pause=0.2)
    if broken_by(fault, "hoarding"):
        upkeep.expire(ring)
    left = upkeep.left()
    history = listed(box)
    last = backups.make()
    verified = subprocess.run(
        [str(binary()), "verify", "--state", str(box.state)], capture_output=True, text=True, timeout=120, check=False
    )
    box.stop()
    if fault is not None and fault.name != "hoarding":
        break_ledger(ledger, fault)
    killed = ", ".join(f"{count} of {part}" for part, count in kills.items())
    samples = f"kills: {killed}; {ended} calls, {len(seen)} records acknowledged"
    # What has expired may go.
    for name in upkeep.old & seen.keys():
        del seen[name]
    broken = corrupt(box.state)
    report.equal("corrupt-files", ", ".join(broken) or "none", "none", "integrity_check of every database")
    if broken:
        # What stands in them says nothing then.
        return
    final, counts = durable(box.state), rows(box.state)
    lost = [name for name, revision in seen.items() if final.get(name, -1) < revision]
    report.at_least("calls", ended, rounds, "", "pages call all the time")
    report.at_least("acknowledged", len(seen), rounds, "", samples)
    report.equal("lost", len(lost), 0, samples)
    report.equal("doubled", sum(count - 1 for count in counts.values()), 0, f"{len(counts)} calls in the ledger")
    report.equal("verified", verified.returncode, 0, "; ".join(verified.stdout.splitlines()))
    report.equal("expired-left", left, [], f"{upkeep.expired} old parts were to go")
    parts = sorted(path.name for path in ledger.glob("*.calls.sqlite"))
    report.at_least("parts", len(parts), 2, "", f"{', '.join(parts)}: the first began with {size} bytes")
    report.equal("stuck-backups", backups.stuck, [], "each ends, one way or another, when the web process dies under it")
    report.equal("last-backup", last, 0, f"before: {backups.made} made, {backups.killed} killed, {backups.failed} failed; {backups.said}")
    report.equal("listed", len(history), len(set(history)), "calls on the pages of the history, each once")
    report.equal("shown", len({name.hex() for name in seen} - set(history)), 0, "acknowledged and not on the pages")


def start(box: Box) -> None:
    """Starts it, again if need be: on a machine with much else to do a password takes longer to check than the rig waits."""
    for attempt in range(4):
        box.stop()
        try:
            box.start()
        except DeadlinePassed:
            if attempt == 3:
                raise
        else:
            break
    box.wait_for_trunk(seconds=20)


def _restore(before: str | None) -> None:
    os.environ.pop("CREDENTIALS_DIRECTORY", None)
    if before is not None:
        os.environ["CREDENTIALS_DIRECTORY"] = before


def watch(state: Path, seen: Told, end: float) -> None:
    """Notes what is durable, until `end`."""
    while True:
        for name, revision in durable(state).items():
            seen[name] = max(revision, seen.get(name, 0))
        left = end - time.monotonic()
        if left <= 0:
            return
        time.sleep(min(left, 0.05))


def another(box: Box, former: int) -> bool:
    """Whether another web process has taken the place of one that was killed."""
    try:
        return box.web() != former
    except (RigError, OSError):
        return False


def waiting(state: Path) -> int:
    """Records in the core's spool."""
    with contextlib.closing(sqlite3.connect(f"file:{state}/core/spool.sqlite?mode=ro", uri=True, timeout=5)) as spool:
        return int(spool.execute("SELECT count(*) FROM record").fetchone()[0])


def listed(box: Box) -> list[str]:
    """Every call that the history shows; RigError when it says that something cannot be read."""
    calls: list[str] = []
    after = ""
    while True:
        page: dict[str, Any] = box.history(f"?limit=200{after}")
        if page["unreadable"] or page["unusable"]:
            raise DeadlinePassed(f"the history cannot be read whole: {page['unreadable']} rows, {page['unusable']}")
        calls += [call["call"] for call in page["calls"]]
        if not page.get("next"):
            return calls
        after = f"&after={page['next']}"


def break_ledger(ledger: Path, fault: Fault) -> None:
    """What the checks of the ledger must notice."""
    path = sorted(ledger.glob("*.calls.sqlite"))[-1]
    if fault.name == "forgetful":
        with contextlib.closing(sqlite3.connect(path)) as database, database:
            database.execute("DELETE FROM row WHERE number = 1")
    elif fault.name == "doubling":
        with contextlib.closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copyfile(path, ledger / path.name.replace(".calls", "+99.calls"))
    else:
        with contextlib.closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with path.open("r+b") as file:
            # The first page of the table with the rows, behind that with the names of the tables.
            file.seek(4096)
            file.write(os.urandom(4096))


CHECK = Check(
    "ledger-crash",
    "Core and web killed while they file, turn over, expire, rewrap and back up: nothing lost, doubled or corrupt.",
    run,
    (
        Fault("forgetful", "A record is deleted from the ledger after it was acknowledged.", ("/lost",)),
        Fault("doubling", "A file of the ledger is there twice.", ("/doubled",)),
        Fault("hoarding", "Old parts are not let go.", ("/expired-left",)),
        Fault("torn", "A page of the ledger is overwritten with noise.", ("/corrupt-files",)),
    ),
)

"""A ledger of a million records over a year: filing, history, search, sums, memory, backup and restore, beside plain SQLite.

The ledger's rows are written by the rig, as the box would have written them (ledger_writer.py): the box reads what it has not
made itself. What is measured goes through the product: records wait in the core's spool and are filed by the web process;
pages, search and sums are asked for over HTTP; `sipcall backup` and `sipcall restore` are commands. The peer has the same
values in clear in one table with an index on time and number, in WAL mode with full durability and as large transactions.
"""

import os
import random
import re
import shutil
import sqlite3
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ..box import Box, binary
from ..carrier import Account
from ..checks.ledger_crash import waiting
from ..checks.ledger_files import Keyring, rows
from ..deadlines import RigError, wait_until
from ..ledger_writer import Period, Record, Sealer
from ..namespaces import Network
from ..programs import resident_kilobytes

RECORDS = int(os.environ.get("SIPCALL_BENCH_RECORDS", "1000000"))
FILED = int(os.environ.get("SIPCALL_BENCH_FILED", "20000"))
"""Records that wait in the spool."""
NUMBERS = 20_000
MONTHS = 12
TIMES = 20
"""Of each question."""
BATCH = 256
"""Rows that the peer files in one transaction; the core hands over as many at most."""


@dataclass(frozen=True)
class Line:
    """One line of the table."""

    name: str
    ours: float
    peer: float | None
    goal: float | None
    unit: str
    is_least: bool = False
    """The goal is a least, not a most."""

    @property
    def ok(self) -> bool:
        return self.goal is None or (self.ours >= self.goal if self.is_least else self.ours <= self.goal)

    def __str__(self) -> str:
        peer = f"{self.peer:12.2f} {self.ours / self.peer:8.2f}" if self.peer else " " * 21
        sign = "≥" if self.is_least else "≤"
        goal = f"(goal {sign} {self.goal:g} {self.unit}) {'ok' if self.ok else 'FALLS SHORT'}" if self.goal is not None else ""
        return f"  {self.name:38} {self.ours:12.2f} {peer} {self.unit:10} {goal}"


def run() -> bool:
    folder = Path(tempfile.mkdtemp(prefix="sipcall-bench-"))
    try:
        with ExitStack() as stack:
            lines = _measure(folder, stack)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"bench ledger: {RECORDS} records in {MONTHS} months, {NUMBERS} numbers; {FILED} records filed")
    print(f"  {'':38} {'sipcall':>12} {'SQLite':>12} {'ratio':>8}")
    for line in lines:
        print(line)
    return all(line.ok for line in lines)


def _months() -> list[tuple[str, datetime, datetime]]:
    """The last of them is this month, and ends now."""
    now = datetime.now(UTC)
    months = []
    begin = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    end = now
    for _ in range(MONTHS):
        months.append((begin.strftime("%Y-%m"), begin, end))
        end = begin
        begin = (begin - timedelta(days=1)).replace(day=1)
    return months[::-1]


def _records(begin: datetime, end: datetime, count: int, seed: str) -> Iterator[Record]:
    """In the order of time."""
    chance = random.Random(seed)
    first, length = int(begin.timestamp() * 1000), int((end - begin).total_seconds() * 1000)
    for index in range(count):
        yield Record(
            chance.randbytes(16), first + length * index // count, f"+4930{1_000_000 + chance.randrange(NUMBERS)}",
            chance.choice(("admin", "anna", "bert")), index % 3 == 0, 20 + index % 300,
        )  # fmt: skip


class Peer:
    """The same in clear."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.database = sqlite3.connect(path, isolation_level=None)
        self.database.executescript(
            """
            PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
            CREATE TABLE call (id BLOB PRIMARY KEY, dialled INTEGER, number TEXT, user TEXT, inbound INTEGER, seconds INTEGER, more BLOB);
            CREATE INDEX call_dialled ON call (dialled); CREATE INDEX call_number ON call (number, dialled);
            """
        )

    def add(self, records: list[Record]) -> None:
        """In one transaction."""
        self.database.execute("BEGIN")
        self.database.executemany(
            "INSERT INTO call VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(r.identifier, r.dialled, r.number, r.user, r.inbound, r.seconds, r.content) for r in records],
        )
        self.database.execute("COMMIT")

    def ask(self, sql: str, *arguments: object) -> Callable[[], int]:
        return lambda: len(self.database.execute(sql, arguments).fetchall())


def _measure(folder: Path, stack: ExitStack) -> list[Line]:
    network = stack.enter_context(Network())
    box = Box(network.box, folder, Account())
    stack.callback(box.stop)
    box.start()
    # The box makes its keys, and its tables with its first record.
    key = folder / "recovery"
    shown = _command("recovery-key", "--state", str(box.state))
    key.write_text(f"{re.findall('AGE-SECRET-KEY-1[0-9A-Z]+', shown)[0]}\n")
    web, core = box.state / "web", box.state / "core"
    wait_until(lambda: (core / "sealing-key").exists(), 15, "the core to know the key")
    box.stop()
    sealer = Sealer(bytes.fromhex((core / "sealing-key").read_text()))
    sealer.fill(core / "spool.sqlite", _records(datetime.now(UTC), datetime.now(UTC), 1, "first"))
    box.start()
    wait_until(lambda: sum(rows(box.state).values()) == 1, 20, "the first record to be filed: the rig seals as the box does")
    box.stop()

    peer = Peer(folder / "peer.sqlite")
    months = _months()
    _fill(web, months, peer)
    waited = list(_records(datetime.now(UTC) - timedelta(minutes=1), datetime.now(UTC), FILED, "filed"))
    sealer.fill(core / "spool.sqlite", waited)
    box.start()
    lines = [_filing(box, peer, waited)]
    month = months[-2]
    lines += _questions(box, peer, month)
    lines.append(Line("memory of the web process, after all that", resident_kilobytes(box.web()) / 1024, None, 120, "MB"))
    return lines + _backup(box, peer, folder, key)


def _fill(web: Path, months: list[tuple[str, datetime, datetime]], peer: Peer) -> None:
    ring, ledger = Keyring.read(web / "master.key"), web / "ledger"
    made = max(ledger.glob("*.calls.sqlite"))
    template = made.with_suffix(".template")
    with closing(sqlite3.connect(made)) as source, closing(sqlite3.connect(template)) as target:
        source.backup(target)
    for path in (*ledger.glob("*.calls.sqlite*"), *ledger.glob("*.calls.key")):
        path.unlink()
    peer.database.execute("PRAGMA synchronous = OFF")
    for name, begin, end in months:
        records = list(_records(begin, end, RECORDS // MONTHS, name))
        Period(ledger, ring, name).write(records, template)
        peer.add(records)
    peer.database.execute("PRAGMA synchronous = FULL")
    template.unlink()


def _filing(box: Box, peer: Peer, records: list[Record]) -> Line:
    # From when a tenth has been filed: starting is not filing.
    wait_until(lambda: waiting(box.state) <= len(records) * 9 // 10, 120, "filing to begin")
    began, left = time.monotonic(), waiting(box.state)
    wait_until(lambda: waiting(box.state) == 0, 600, "all records to be filed")
    ours = left / (time.monotonic() - began)
    began = time.monotonic()
    for start in range(0, len(records), BATCH):
        peer.add(records[start : start + BATCH])
    return Line("records filed a second", ours, len(records) / (time.monotonic() - began), 2000, "records/s", is_least=True)


def _median(ask: Callable[[], int], expected: int | None = None) -> float:
    """Milliseconds."""
    times = []
    for _ in range(TIMES):
        began = time.monotonic()
        found = ask()
        times.append((time.monotonic() - began) * 1000)
        if expected is not None and found != expected:
            raise RigError(f"{found} found instead of {expected}")
    return statistics.median(times)


def _questions(box: Box, peer: Peer, month: tuple[str, datetime, datetime]) -> list[Line]:
    newest = "SELECT * FROM call ORDER BY dialled DESC LIMIT 50"
    lines = [Line("newest 50", _median(lambda: len(box.calls("?limit=50")), 50), _median(peer.ask(newest), 50), 50, "ms")]
    times, others = [], []
    for index in range(TIMES):
        number = f"+4930{1_000_000 + index * 997 % NUMBERS}"
        wanted = peer.ask("SELECT * FROM call WHERE number = ? ORDER BY dialled DESC LIMIT 200", number)
        began = time.monotonic()
        expected = wanted()
        others.append((time.monotonic() - began) * 1000)
        began = time.monotonic()
        found, after = 0, ""
        while True:
            page = box.history(f"?limit=200&number=%2B{number[1:]}{after}")
            found += len(page["calls"])
            if not page.get("next") or found >= 200:
                break
            after = f"&after={page['next']}"
        times.append((time.monotonic() - began) * 1000)
        if found != expected:
            raise RigError(f"{found} calls with {number} instead of {expected}")
    lines.append(Line("search by number", statistics.median(times), statistics.median(others), 100, "ms"))
    _, begin, end = month
    bounds = [int(moment.timestamp() * 1000) for moment in (begin, end)]
    sums = "SELECT dialled / 86400000, count(*), sum(seconds) FROM call WHERE dialled >= ? AND dialled < ? GROUP BY 1"
    began = time.monotonic()
    calls = _totals(box, begin, end)
    first = (time.monotonic() - began) * 1000
    if calls != RECORDS // MONTHS:
        raise RigError(f"the sums count {calls} calls instead of {RECORDS // MONTHS}")
    began = time.monotonic()
    peer.ask(sums, *bounds)()
    other = (time.monotonic() - began) * 1000
    lines.append(Line("a month's sums by day, first", first, other, 1000, "ms"))
    lines.append(Line("a month's sums by day, again", _median(lambda: _totals(box, begin, end)), None, 50, "ms"))
    return lines + _wide(box, peer)


def _wide(box: Box, peer: Peer) -> list[Line]:
    """What reads everything: the sums of all months, and a search for a part that no index has."""
    begin, end = datetime.now(UTC) - timedelta(days=400), datetime.now(UTC)
    began = time.monotonic()
    _totals(box, begin, end)
    first = (time.monotonic() - began) * 1000
    began = time.monotonic()
    peer.ask("SELECT dialled / 86400000, count(*), sum(seconds) FROM call GROUP BY 1")()
    other = (time.monotonic() - began) * 1000
    again = _median(lambda: _totals(box, begin, end))
    began = time.monotonic()
    calls, after, pages = 0, "", 0
    while True:
        # A page reads so many rows at most, and tells where to go on.
        page = box.history(f"?limit=50&text=987654{after}")
        calls, pages = calls + len(page["calls"]), pages + 1
        if not page.get("next"):
            break
        after = f"&after={page['next']}"
    whole = (time.monotonic() - began) * 1000
    if calls != 0:
        raise RigError(f"{calls} calls have a part of a number that none has")
    began = time.monotonic()
    peer.ask("SELECT * FROM call WHERE number LIKE '%987654%' OR user LIKE '%987654%'")()
    scan = (time.monotonic() - began) * 1000
    return [
        Line("all sums by day, first", first, other, None, "ms"),
        Line("all sums by day, again", again, None, None, "ms"),
        Line(f"search for a part that nobody has, of {pages} pages", whole, scan, None, "ms"),
        Line("each of these pages", whole / pages, None, 1000, "ms"),
    ]


def _totals(box: Box, begin: datetime, end: datetime) -> int:
    shape = "%Y-%m-%dT%H:%M:%S.000Z"
    return sum(int(step["calls"]) for step in box.totals(begin.strftime(shape), end.strftime(shape)))


def _backup(box: Box, peer: Peer, folder: Path, key: Path) -> list[Line]:
    began = time.monotonic()
    file = _command("backup", "--state", str(box.state), patience=3600).split()[0]
    made = time.monotonic() - began
    began = time.monotonic()
    with closing(sqlite3.connect(folder / "copy.sqlite")) as target:
        peer.database.backup(target)
    other = time.monotonic() - began
    box.stop()
    began = time.monotonic()
    _command("restore", file, "--identity", str(key), "--yes", "--force", "--state", str(folder / "fresh"), patience=3600)
    restored = time.monotonic() - began
    count = sum(rows(folder / "fresh").values())
    if count != RECORDS // MONTHS * MONTHS + FILED:
        raise RigError(f"{count} records are back")
    return [
        Line("backup, proven", made, other, 60, "s"),
        Line("restore, verified", restored, None, 120, "s"),
    ]


def _command(*words: str, patience: float = 120) -> str:
    done = subprocess.run([str(binary()), *words], capture_output=True, text=True, timeout=patience, check=False)
    if done.returncode != 0:
        raise RigError(f"sipcall {words[0]} exits with {done.returncode}: {done.stderr.strip()}")
    return done.stdout

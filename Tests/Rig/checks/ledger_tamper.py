"""ledger-tamper: whatever is altered in a row, a key or an entry of the audit log, `sipcall verify` notices.

A small ledger that the box itself has made is altered at rest: one bit of every byte of every column, key and list (all eight with
BITS=8 in the environment), and the audit log cut, thinned out and shuffled in every way that a few entries allow. The product
looks at each of them in a process of its own, which is handed one altered ledger after the other.
"""

import itertools
import json
import os
import random
import re
import secrets
import shutil
import sqlite3
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from ..benches.many_calls import sipp
from ..box import Box, binary
from ..carrier import Account
from ..deadlines import RigError, wait_until
from ..figures import Report
from ..namespaces import Network
from ..phone_socket import PhoneSocket
from .check import Check, Fault, broken_by
from .ledger_files import Keyring, audit_mark

BITS = int(os.environ.get("BITS", "1"))
CALLS = 2
ERASED = "+4930271828"


class Inspector:
    """`sipcall verify PART --each`: answers for one state directory after the other."""

    def __init__(self, part: str, *words: str) -> None:
        self._command = [str(binary()), "verify", part, "--each", *words]

    def __enter__(self) -> "Inspector":
        self._program = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._program.communicate(timeout=20)

    def faults(self, state: Path) -> list[dict[str, Any]]:
        """What it finds fault with; nothing when all is whole."""
        if self._program.stdin is None or self._program.stdout is None:
            raise RigError("sipcall verify has no pipes")
        self._program.stdin.write(f"{state}\n")
        self._program.stdin.flush()
        line = self._program.stdout.readline()
        if not line:
            raise RigError(f"sipcall verify has ended with {self._program.wait(5)}")
        verdict = json.loads(line)[0]
        if verdict["isWhole"] == bool(verdict["faults"]):
            raise RigError(f"a verdict contradicts itself: {line}")
        faults: list[dict[str, Any]] = verdict["faults"]
        return faults


class Tampering:
    """Alters one file at a time, has it looked at, and puts it back."""

    def __init__(self, state: Path, takes_back: bool) -> None:
        self.state = state
        self.ledger = state / "web" / "ledger"
        self.tried: Counter[str] = Counter()
        self.unnoticed: Counter[str] = Counter()
        self.misnamed: Counter[str] = Counter()
        self._takes_back = takes_back

    def look(self, inspector: Inspector, path: Path, what: str, alter: Callable[[], None], entry: int | None = None) -> None:
        """`entry`: the first broken entry of the audit log, which has to be named."""
        whole = path.read_bytes()
        try:
            alter()
            if path.exists() and path.read_bytes() == whole:
                raise RigError(f"{what}: nothing was altered")
            if self._takes_back:
                path.write_bytes(whole)
            faults = inspector.faults(self.state)
        finally:
            path.write_bytes(whole)
            for ending in ("-wal", "-shm"):
                path.with_name(path.name + ending).unlink(missing_ok=True)
        self.tried[what] += 1
        self.unnoticed[what] += not faults
        if entry is not None and faults:
            named = re.search(r"entry (\d+)", faults[0]["problem"]["sentence"])
            self.misnamed[what] += named is None or int(named.group(1)) != entry

    def sum(self, *kinds: str) -> tuple[int, str]:
        """How many went unnoticed, and what was tried."""
        chosen = [what for what in self.tried if what.startswith(kinds)]
        samples = ", ".join(f"{what} {self.tried[what]}" for what in sorted(chosen))
        return sum(self.unnoticed[what] for what in chosen), f"{sum(self.tried[what] for what in chosen)} altered: {samples}"


def run(report: Report, fault: Fault | None) -> None:
    # Memory, where there is such a file system: each of thousands of alterations is written.
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="sipcall-check-", dir=memory) as name:
        folder = Path(name)
        made = _made(folder)
        state = _rested(made, folder / "rested")
        if broken_by(fault, "spoiled"):
            with _database(next((state / "web" / "ledger").glob("*.calls.sqlite"))) as database:
                database.execute("UPDATE row SET revision = revision + 1")
        before = _files(state)
        said = subprocess.run(
            [str(binary()), "verify", "ledger", "keys", "audit", "--state", str(state)],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        report.equal("intact", said.returncode, 0, "; ".join(said.stdout.splitlines()))
        report.equal("untouched", _files(state) == before, True, f"{len(before)} files after a look")
        if said.returncode != 0:
            return
        tampering = Tampering(state, broken_by(fault, "unaltered"))
        _tamper(tampering)
        rows, samples = tampering.sum("row", "token")
        report.equal("rows", rows, 0, samples)
        keys, samples = tampering.sum("key", "list")
        report.equal("keys", keys, 0, samples)
        entries, samples = tampering.sum("entry", "head")
        report.equal("audit-entries", entries, 0, samples)
        order, samples = tampering.sum("audit")
        report.equal("audit-order", order, 0, samples)
        report.equal("first-broken-entry", dict(+tampering.misnamed), {}, "the entry that a verdict names is the right one")
        _older(report, tampering, broken_by(fault, "forgotten-head"))


def _made(folder: Path) -> Path:
    """The state of a box that has had calls, an erasure and some entries in its audit log."""
    with ExitStack() as stack:
        network = stack.enter_context(Network())
        stack.enter_context(sipp(network.carrier, folder, "bench-answers", 5060))
        box = stack.enter_context(Box(network.box, folder, Account()))
        box.wait_for_trunk()
        with PhoneSocket(box) as phone:
            for number in [ERASED, *[Account().answers] * CALLS]:
                call = phone.start_call(number)
                phone.wait_for("call.state", 10, call=call, state="active")
                phone.request("call.end", call=call)
                phone.wait_for("call.ended", 10, call=call)
        wait_until(
            lambda: len([call for call in box.calls() if "ended" in call]) == CALLS + 1, 10, "the calls to be in the ledger"
        )
        # One entry more for the audit log.
        box.sign_in(box.password)
        command = [str(binary()), "privacy", "erase", ERASED, "--yes", "--state", str(box.state)]
        subprocess.run(command, capture_output=True, timeout=60, check=True)
        return box.state


def _rested(made: Path, state: Path) -> Path:
    """What verify reads of it, every log written into its file."""
    ledger = state / "web" / "ledger"
    shutil.copytree(made / "web" / "ledger", ledger)
    shutil.copy(made / "web" / "master.key", state / "web")
    for path in ledger.glob("*.sqlite"):
        with _database(path) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return state


@contextmanager
def _database(path: Path) -> Iterator[sqlite3.Connection]:
    """Committed, and without a log beside it afterwards."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA synchronous = OFF")
        yield database


def _files(state: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in state.rglob("*") if path.is_file()}


def _tamper(tampering: Tampering) -> None:
    ledger = tampering.ledger
    with Inspector("ledger") as inspector:
        for path in sorted(ledger.glob("*.calls.sqlite")):
            for table, columns in (("row", ("number", "id", "kind", "revision", "schema", "sealed")), ("token", ("token", "row"))):
                _columns(tampering, inspector, path, table, columns)
        _bytes(tampering, inspector, ledger / "erasures", "list")
    with Inspector("keys") as inspector:
        for path in sorted(ledger.glob("*.key")):
            _bytes(tampering, inspector, path, "key")
    audit = ledger / "audit.sqlite"
    with Inspector("audit") as inspector:
        _columns(tampering, inspector, audit, "entry", ("sequence", "period", "sealed", "hash"))
        _columns(tampering, inspector, audit, "head", ("period", "sequence", "hash", "mark"))
        for what, entry, statements in _orders(audit):
            tampering.look(inspector, audit, f"audit {what}", lambda s=statements: _execute(audit, s), entry)


def _bits() -> Iterator[int]:
    """Which bits of a byte to try: all in a random order."""
    yield from random.sample(range(8), 8)


def _bytes(tampering: Tampering, inspector: Inspector, path: Path, what: str) -> None:
    whole = path.read_bytes()
    for index in range(len(whole)):
        for bit in itertools.islice(_bits(), BITS):
            altered = whole[:index] + bytes([whole[index] ^ 1 << bit]) + whole[index + 1 :]
            tampering.look(inspector, path, f"{what} {path.suffix or path.name}", lambda new=altered: path.write_bytes(new) and None)


def _columns(tampering: Tampering, inspector: Inspector, path: Path, table: str, columns: tuple[str, ...]) -> None:
    """Every byte of every value. Tables without row numbers of their own are found by what stands in them."""
    with _database(path) as database:
        rows = database.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall()
    find = " AND ".join(f"{column} = ?" for column in columns)
    for row in rows:
        entry = int(row[0]) if table == "entry" else int(row[1]) if table == "head" else None
        for column, value in zip(columns, row, strict=True):
            if isinstance(value, str):
                value = value.encode()
            size = 8 if isinstance(value, int) else len(value)
            for index in range(size):
                tried = 0
                for bit in _bits():
                    # A number that another row has cannot be written.
                    with suppress(sqlite3.IntegrityError):
                        new = _flipped(value, index, bit, isinstance(row[columns.index(column)], str))
                        statement = (f"UPDATE {table} SET {column} = ? WHERE {find}", (new, *row))
                        first = None if column == "sequence" else entry
                        tampering.look(
                            inspector, path, f"{table} {column}", lambda s=statement: _execute(path, [s]), first
                        )
                        tried += 1
                    if tried == BITS:
                        break


def _flipped(value: int | bytes, index: int, bit: int, is_text: bool) -> int | bytes | str:
    if isinstance(value, int):
        flipped = (value & (1 << 64) - 1) ^ 1 << 8 * index + bit
        return flipped - (1 << 64) if flipped >> 63 else flipped
    new = value[:index] + bytes([value[index] ^ 1 << bit]) + value[index + 1 :]
    return new.decode("latin-1") if is_text else new


Statement = tuple[str, tuple[object, ...]]


def _execute(path: Path, statements: list[Statement]) -> None:
    with _database(path) as database:
        for sql, arguments in statements:
            if not database.execute(sql, arguments).rowcount:
                raise RigError(f"nothing fits: {sql}")


def _orders(audit: Path) -> Iterator[tuple[str, int, list[Statement]]]:
    """Entries taken away, exchanged and cut off: what, the first broken entry, how."""
    with _database(audit) as database:
        entries = database.execute("SELECT sequence, period, sealed, hash FROM entry ORDER BY sequence").fetchall()
    count = len(entries)
    if count < 3:
        raise RigError(f"the audit log has {count} entries only")
    for number in range(1, count + 1):
        delete: Statement = ("DELETE FROM entry WHERE sequence = ?", (number,))
        yield "deleted", number, [delete]
        if number < count:
            moved: list[Statement] = [
                ("UPDATE entry SET sequence = ? WHERE sequence = ?", (later - 1, later)) for later in range(number + 1, count + 1)
            ]
            yield "deleted, closed up", number, [delete, *moved]
        cut: Statement = ("DELETE FROM entry WHERE sequence >= ?", (number,))
        yield "cut off", number, [cut]
        if number > 1:
            _, period, _, former = entries[number - 2]
            head = ("UPDATE head SET period = ?, sequence = ?, hash = ?", (period, number - 1, former))
            yield "cut off, head put back", number - 1, [cut, head]
            forged = ("UPDATE head SET mark = ?", (secrets.token_bytes(32),))
            yield "cut off, head forged", number - 1, [cut, head, forged]
    yield "emptied", 1, [("DELETE FROM entry", ()), ("DELETE FROM head", ())]
    yield "without head", count, [("DELETE FROM head", ())]
    for first, second in itertools.combinations(entries, 2):
        change = "UPDATE entry SET period = ?, sealed = ?, hash = ? WHERE sequence = ?"
        yield "exchanged", first[0], [(change, (*second[1:], first[0])), (change, (*first[1:], second[0]))]


def _older(report: Report, tampering: Tampering, is_forgotten: bool) -> None:
    """A whole older log with its own right mark: only a head that was written down elsewhere shows it."""
    audit = tampering.ledger / "audit.sqlite"
    with _database(audit) as database:
        entries = database.execute("SELECT sequence, period, hash FROM entry ORDER BY sequence").fetchall()
    ring = Keyring.read(tampering.state / "web" / "master.key")
    number, _, last = entries[-1]
    words = () if is_forgotten else ("--head", f"{number}:{last.hex()}")
    kinds = Counter(tampering.tried)
    with Inspector("audit", *words) as inspector:
        if inspector.faults(tampering.state):
            raise RigError("the log is said to be broken with its own head")
        for sequence, period, former in entries[:-1]:
            key = ring.unwrap(tampering.ledger / f"{period}.audit.key", f"period {period} audit")
            mark = audit_mark(key, period, sequence, former)
            statements: list[Statement] = [
                ("DELETE FROM entry WHERE sequence > ?", (sequence,)),
                ("UPDATE head SET period = ?, sequence = ?, hash = ?, mark = ?", (period, sequence, former, mark)),
            ]
            tampering.look(inspector, audit, "older log", lambda s=statements: _execute(audit, s), sequence + 1)
    unnoticed, samples = tampering.sum("older")
    report.equal("older-log", unnoticed, 0, f"{samples}; {sum(kinds.values()) + len(entries) - 1} in all")


CHECK = Check(
    "ledger-tamper",
    "Every altered byte of a row, key or audit entry is noticed, and entries that are missing or out of order.",
    run,
    (
        Fault("unaltered", "Everything is put back before it is looked at.", ("/rows", "/keys", "audit-entries", "audit-order")),
        Fault("spoiled", "The ledger was altered before.", ("intact",)),
        Fault("forgotten-head", "Nobody has written down the head of the audit log.", ("older-log",)),
    ),
)

"""What goes on in a ledger beside filing, for checks that kill it meanwhile: a part turns over, old parts expire, backups are made."""

import json
import random
import re
import secrets
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType

from ..box import Box, binary
from ..deadlines import RigError
from ..ledger_writer import Period, Record
from ..programs import process_tree
from .ledger_files import Keyring

_MEGABYTES = 96
"""Far more than a check of a thousand rounds writes: at the quota the oldest records go, and they would count as lost."""
SETTINGS = f"[ledger]\nkeep_days = 30\nmegabytes = {_MEGABYTES}"
_TURNS_OVER = (_MEGABYTES << 20) // 8
"""Bytes at which a file turns over."""
_DAY = 86_400_000
PATIENCE = 120.0
"""Seconds in which a backup ends, one way or another."""


def synchronised(folder: Path) -> dict[str, str]:
    """The environment of a program whose machine's clock follows a time server."""
    library, source = folder / "synchronised.so", Path(__file__).parents[1] / "synchronised.c"
    subprocess.run(["cc", "-O2", "-Wall", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return {"LD_PRELOAD": str(library)}


def _records(count: int, dialled: int) -> Iterator[Record]:
    for index in range(count):
        yield Record(secrets.token_bytes(16), dialled + index, f"+4930{random.randrange(10**6, 10**7)}", "anna", False, 30)


class Upkeep:
    """Writes into a ledger what lies there after months: see ledger_writer.py."""

    def __init__(self, folder: Path, ledger: Path) -> None:
        self._ledger, self._template = ledger, folder / "template.sqlite"
        self._desk = folder / "desk"
        """Where files are written before the box sees them: it never finds one that is not whole."""
        self._desk.mkdir()
        self.expired = 0
        """Parts that were written old enough to go."""
        self.old: set[bytes] = set()
        """The records in them."""

    def fill(self, ring: Keyring) -> int:
        """The newest part, nearly to where it turns over: some calls later there is another. To be called while nobody has it open."""
        path = max(self._ledger.glob("*.calls.sqlite"))
        name = path.name.removesuffix(".calls.sqlite")
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(self._template)) as target:
            source.backup(target)
        count = 1000
        # Each time nearer: pages are not filled evenly.
        for _ in range(4):
            for file in self._ledger.glob(f"{name}.calls.*"):
                file.unlink()
            now = int(time.time() * 1000)
            Period(self._ledger, ring, name).write(_records(count, now - count), self._template)
            count = count * (_TURNS_OVER - 16_000) // path.stat().st_size
        return path.stat().st_size

    def expire(self, ring: Keyring) -> None:
        """Some parts of long ago, which the box will find expired for a day when it looks next."""
        for _ in range(5):
            day = datetime(2001, 1, 1, tzinfo=UTC) + timedelta(days=self.expired)
            records = list(_records(2, int(day.timestamp() * 1000)))
            self.old |= {record.identifier for record in records}
            Period(self._desk, ring, day.strftime("%Y-%m-%d")).write(records, self._template)
            self.expired += 1
        # As the box does it: no database without its key.
        for pattern in ("*.calls.key", "*.calls.sqlite"):
            for path in self._desk.glob(pattern):
                path.rename(self._ledger / path.name)
        self.note()

    def note(self) -> None:
        """That all old parts have been seen expired for a day: the box's own note of it."""
        seen = {path.name.removesuffix(".sqlite"): _DAY for path in self._ledger.glob("20??-??-??.calls.sqlite")}
        path = self._ledger / "expiry.rig"
        path.write_text(json.dumps({"boot": "", "milliseconds": 0, "seen": seen}))
        path.rename(self._ledger / "expiry")

    def left(self) -> list[str]:
        """What is still there of old parts."""
        return sorted(path.name for path in self._ledger.glob("20??-??-??.calls.*"))


class Backups:
    """One backup after the other; some are killed, and many fail while the box dies. A context manager."""

    def __init__(self, box: Box) -> None:
        self._state = box.state
        self._stop = threading.Event()
        self.made = self.killed = self.failed = 0
        self.said: list[str] = []
        self.stuck: list[str] = []
        """What backups waited for that did not end in two minutes."""
        shown = subprocess.run([str(binary()), "recovery-key", "--state", str(box.state)], capture_output=True, text=True, check=True)
        if not re.search("AGE-SECRET-KEY-1", shown.stdout):
            raise RigError("sipcall recovery-key shows no age identity")

    def __enter__(self) -> "Backups":
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            patience = random.choice((PATIENCE, random.uniform(0.1, 3)))
            code = self.make(patience)
            if code is None:
                self.killed += 1
            elif code == 0:
                self.made += 1
            else:
                self.failed += 1
                self._stop.wait(0.2)

    def make(self, patience: float = PATIENCE) -> int | None:
        """The exit code; none when it was killed, which it is after so many seconds."""
        command = [str(binary()), "backup", "--state", str(self._state)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as program:
            try:
                _, said = program.communicate(timeout=patience)
            except subprocess.TimeoutExpired:
                if patience == PATIENCE:
                    tree = [Path(f"/proc/{process}/comm").read_text().strip() for process in process_tree(program.pid)]
                    self.stuck.append(" ".join(tree))
                program.kill()
                _, said = program.communicate()
                if patience == PATIENCE:
                    self.stuck += said.splitlines()[-1:]
                return None
            if program.returncode != 0:
                self.said = said.splitlines()[-2:]
            return program.returncode


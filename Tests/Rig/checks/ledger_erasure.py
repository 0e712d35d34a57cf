"""ledger-erasure: after a number is erased, nothing of the box's web process or below its state directory has it any more."""

import os
import re
import subprocess
import time
import zipfile
from contextlib import ExitStack
from pathlib import Path

from ..box import Box, binary
from ..deadlines import RigError, wait_until
from ..figures import Report
from ..phone_socket import PhoneSocket
from ..rig import Rig, open_rig
from .check import Check, Fault, broken_by

COUNTRY, AREA, LOCAL = "49", "30", "271828"
NUMBER = f"+{COUNTRY}{AREA}{LOCAL}"
"""Answered at the carrier, as every number is that it does not list."""
DIALLED = (
    NUMBER, f"00{COUNTRY}{AREA}{LOCAL}", f"0{AREA}{LOCAL}", f"0{AREA} {LOCAL}", f"0{AREA}/{LOCAL}", f"(0{AREA}) {LOCAL}",
    f"+{COUNTRY} {AREA} {LOCAL}", f"+{COUNTRY} (0){AREA} {LOCAL}", f"+{COUNTRY}-{AREA}-{LOCAL}", f"tel:{NUMBER}",
)  # fmt: skip
OTHER = "+49305772156"
OTHER_CALLS = 3
SEPARATORS = rb"(?:[ \-./()]|%20){0,3}"


def patterns() -> list[re.Pattern[bytes]]:
    """The number in every common spelling: any prefix, any separators; as text of 8 and of 16 bits."""
    digits = f"{AREA}{LOCAL}"
    narrow = SEPARATORS.join(re.escape(digit.encode()) for digit in digits)
    wide = b"".join(digit.encode() + b"\0" for digit in digits)
    return [re.compile(narrow), re.compile(re.escape(wide))]


def run(report: Report, fault: Fault | None) -> None:
    with open_rig() as rig:
        box = rig.box
        if broken_by(fault, "verbose-note"):
            (box.state / "note.txt").write_text(f"called {NUMBER} back\n")
        _calls(rig)
        before = len(_of(box, NUMBER))
        report.equal("records-before", before, len(DIALLED), f"{len(DIALLED)} spellings, {OTHER_CALLS} other calls")
        _exported(report, box)
        if broken_by(fault, "not-erased"):
            _command(box, "privacy", "erase", OTHER, "--yes")
        else:
            certificate = _command(box, "privacy", "erase", DIALLED[5], "--yes")
            report.equal("certificate", f"{len(DIALLED)} of calls" in certificate, True, _line(certificate, "Records"))
        _wait_idle(box)
        report.equal("records-after", len(_of(box, NUMBER)), 0, "GET /api/v1/calls")
        report.equal("others-kept", len(_of(box, OTHER)), OTHER_CALLS, "calls with another number")
        _wait_idle(box)
        with ExitStack() as stack:
            if broken_by(fault, "held-request"):
                connection = stack.enter_context(box.connect())
                connection.sendall(f"GET /?{NUMBER} HTTP/1.1\r\nX-Number: {NUMBER}\r\n".encode())
                time.sleep(0.5)
            _search(report, box)


def _calls(rig: Rig) -> None:
    with PhoneSocket(rig.box) as phone:
        for number in (*DIALLED, *[OTHER] * OTHER_CALLS):
            call = phone.start_call(number)
            phone.wait_for("call.state", 10, call=call, state="active")
            phone.request("call.end", call=call)
            wait_until(lambda: not rig.box.in_use().get("calls"), 10, "the call to end")
    count = len(DIALLED) + OTHER_CALLS
    wait_until(lambda: len([call for call in rig.box.calls("?limit=200") if "ended" in call]) == count, 15, "all records")


def _of(box: Box, number: str) -> list[object]:
    return [call for call in box.calls("?limit=200") if call.get("number") == number]


def _exported(report: Report, box: Box) -> None:
    """The archive has every call before; it is thrown away, since it lies with the person."""
    path = box.state.parent / "person.zip"
    _command(box, "privacy", "export", f"0{AREA} {LOCAL}", "--output", str(path))
    with zipfile.ZipFile(path) as archive:
        whole = archive.testzip() is None
        lines = archive.read("calls.csv").decode().splitlines()
    path.unlink()
    report.equal("archive", len(lines) - 1 if whole else "damaged", len(DIALLED), "calls in calls.csv of the archive")


def _command(box: Box, *words: str) -> str:
    done = subprocess.run(
        [str(binary()), *words, "--state", str(box.state)], capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode != 0:
        raise RigError(f"sipcall {words[0]} {words[1]} exits with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def _line(text: str, word: str) -> str:
    return next((line.strip() for line in text.splitlines() if word in line), text[:80])


def _wait_idle(box: Box) -> None:
    """Until the web process uses no time: what a request left behind is let go by then."""
    web = box.web()
    former, since, end = -1, time.monotonic(), time.monotonic() + 20
    while time.monotonic() < end:
        fields = Path(f"/proc/{web}/stat").read_text().rpartition(") ")[2].split()
        used = int(fields[11]) + int(fields[12])
        if used != former:
            former, since = used, time.monotonic()
        if time.monotonic() - since > 1:
            return
        time.sleep(0.1)


def _search(report: Report, box: Box) -> None:
    files = [path for path in box.state.rglob("*") if path.is_file() and path.name != "sipcall.toml"]
    sizes = sum(path.stat().st_size for path in files)
    if not any(path.name.endswith(".sqlite-wal") for path in files) or not any(path.name == "spool.sqlite" for path in files):
        raise RigError(f"database logs and spool were to be searched, too; there are: {[path.name for path in files]}")
    hits = {path.name: _hits(path.read_bytes()) for path in files}
    report.equal("files", sum(hits.values()), 0, f"hits in {len(files)} files, {sizes} bytes: {_named(hits)}")
    log = box.log.read_bytes()
    report.equal("log", _hits(log), 0, f"hits in {len(log)} bytes that the box has logged")
    web = box.web()
    regions = _memory(web)
    found = {name: sum(_hits(part) for part in parts) for name, parts in regions.items()}
    size = sum(len(part) for parts in regions.values() for part in parts) >> 20
    report.equal("memory", sum(found.values()), 0, f"hits in {size} MiB of the idle web process: {_named(found)}")


def _named(hits: dict[str, int]) -> str:
    return ", ".join(f"{name}: {count}" for name, count in sorted(hits.items()) if count) or "none"


def _hits(content: bytes) -> int:
    return sum(len(pattern.findall(content)) for pattern in patterns())


def _memory(process: int) -> dict[str, list[bytes]]:
    """Everything that the process can write to, by what it is."""
    regions: dict[str, list[bytes]] = {}
    with open(f"/proc/{process}/mem", "rb", buffering=0) as memory:
        for line in Path(f"/proc/{process}/maps").read_text().splitlines():
            place, rights, *_, last = line.split()
            if not rights.startswith("rw"):
                continue
            begin, end = (int(half, 16) for half in place.split("-"))
            name = last if last.startswith(("[", "/")) else "anonymous"
            try:
                regions.setdefault(name, []).append(os.pread(memory.fileno(), end - begin, begin))
            except OSError:
                continue
    if not regions:
        raise RigError("the memory of the web process cannot be read")
    return regions


CHECK = Check(
    "ledger-erasure",
    "An erased number is in no file, no log and not in the memory of the idle web process any more.",
    run,
    (
        Fault("not-erased", "Another number is erased instead.", ("records-after",)),
        Fault("verbose-note", "A file below the state directory notes the number.", ("files",)),
        Fault("held-request", "A request with the number is under way while the memory is read.", ("memory",)),
    ),
)

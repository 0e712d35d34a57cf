"""ledger-restore: a backup and the recovery key bring a box back whole; a wrong key or a damaged file changes nothing."""

import re
import shutil
import subprocess
from pathlib import Path

from ..box import Box, binary
from ..deadlines import RigError, wait_until
from ..figures import Report
from ..phone_socket import PhoneSocket
from ..rig import Rig, open_rig
from .check import Check, Fault, broken_by

ERASED, KEPT = "+4930271828", "+49305772156"
CALLS = 3
"""To each of the two."""


def run(report: Report, fault: Fault | None) -> None:
    with open_rig() as rig:
        box, folder = rig.box, rig.box.state.parent
        key = _recovery_key(box, folder)
        _calls(rig)
        file = Path(_command(box.state, "backup").stdout.split()[0])
        if broken_by(fault, "lost-calls"):
            _calls(rig, already=CALLS)
        before = box.calls("?limit=200")
        _command(box.state, "privacy", "erase", ERASED, "--yes")
        # The list beside a later backup knows of the erasure. In a directory of its own: of one day the newest backup is kept.
        later = folder / "later"
        _command(box.state, "backup", "--output", str(later))
        box.stop()
        fresh = folder / "fresh"
        _refused(report, file, key, fresh)
        words = ["--force"] if broken_by(fault, "list-forgotten") else ["--erasures", str(later / "erasures")]
        if broken_by(fault, "old-list"):
            words = []
        _command(fresh, "restore", str(file), "--identity", str(key), "--yes", *words)
        box.state = fresh
        box.start()
        after = box.calls("?limit=200")
        expected = [call for call in before if call.get("number") == KEPT]
        report.equal("history", [_facts(call) for call in after if call.get("number") == KEPT] == [_facts(c) for c in expected],
                     True, f"{len(expected)} calls with a number that was not erased, as they were")  # fmt: skip
        erased = len([call for call in after if call.get("number") == ERASED])
        report.equal("erased-again", erased, 0, f"of {CALLS} calls that the backup had")
        whole = _command(fresh, "verify", "ledger", "keys", "audit", check=False)
        report.equal("verified", whole.returncode, 0, "; ".join(whole.stdout.splitlines()))
        audit = _command(fresh, "audit", "--json").stdout
        report.equal("audit", "backup.hand-over" in audit and "backup.restored" in audit, True, "entries from before and of it")


def _facts(call: dict[str, object]) -> tuple[object, ...]:
    return tuple(str(call.get(name)) for name in ("id", "number", "direction", "dialled", "ended", "outcome"))


def _recovery_key(box: Box, folder: Path) -> Path:
    shown = _command(box.state, "recovery-key").stdout
    found = re.search(r"AGE-SECRET-KEY-1[0-9A-Z]+", shown)
    if found is None:
        raise RigError("sipcall recovery-key shows no age identity")
    key = folder / "recovery"
    key.write_text(found.group() + "\n")
    return key


def _calls(rig: Rig, already: int = 0) -> None:
    with PhoneSocket(rig.box) as phone:
        for number in [ERASED, KEPT] * CALLS:
            call = phone.start_call(number)
            phone.wait_for("call.state", 10, call=call, state="active")
            phone.request("call.end", call=call)
            wait_until(lambda: not rig.box.in_use().get("calls"), 10, "the call to end")
    count = 2 * (CALLS + already)
    wait_until(lambda: len([c for c in rig.box.calls("?limit=200") if "ended" in c]) == count, 15, "all records")


def _refused(report: Report, file: Path, key: Path, fresh: Path) -> None:
    """None of these may change anything."""
    folder = file.parent
    whole = file.read_bytes()
    cut, altered, wrong = folder / "cut", folder / "altered", folder.parent / "wrong"
    cut.write_bytes(whole[: len(whole) * 2 // 3])
    altered.write_bytes(whole[: len(whole) // 2] + bytes([whole[len(whole) // 2] ^ 1]) + whole[len(whole) // 2 + 1 :])
    subprocess.run(["age-keygen", "-o", str(wrong)], capture_output=True, timeout=10, check=True)
    said = [
        _command(fresh, "restore", str(path), "--identity", str(identity), "--yes", check=False)
        for path, identity in ((cut, key), (altered, key), (file, wrong))
    ]
    codes = [re.findall(r"\[([a-z.-]+)\]", done.stderr)[-1:] for done in said if done.returncode == 1]
    report.equal("refused", codes, [["backup.damaged"], ["backup.damaged"], ["backup.wrong-key"]], "cut, altered, wrong key")
    left = sorted(path.name for path in fresh.iterdir() if path.name != "backup.lock")
    report.equal("untouched", left, [], "files that a refused restore left")
    for path in (cut, altered):
        path.unlink()


def _command(state: Path, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [str(binary()), *words, "--state", str(state)], capture_output=True, text=True, timeout=120, check=False
    )
    if check and done.returncode != 0:
        raise RigError(f"sipcall {words[0]} exits with {done.returncode}: {done.stderr.strip()}")
    return done


CHECK = Check(
    "ledger-restore",
    "A backup and the recovery key bring back history, users and audit log, and nothing that was erased since.",
    run,
    (
        Fault("list-forgotten", "the restore is forced without the erasure list", (r"erased-again",)),
        Fault("old-list", "the erasure list from before the erasure is used", (r"erased-again",)),
        Fault("lost-calls", "the box made calls after its backup", (r"history",)),
    ),
)

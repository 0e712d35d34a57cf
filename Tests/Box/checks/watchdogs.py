"""watchdogs: whatever hangs is noticed, named and back; whatever is merely busy is left alone."""

import contextlib
import json
import re
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from Rig.checks.check import Check, Fault, broken_by
from Rig.deadlines import DeadlinePassed, wait_until
from Rig.figures import Report
from Rig.rig import Rig, open_rig

from ..installed_box import InstalledBox, installed
from ..journal import JournalMark
from ..machine import Machine
from ..preparation import prepare
from ..pressure import disk, floods
from ..state_disk import StateDisk
from ..upkeep import answers, wait_for_units
from ..web_loss import core_killed, web_killed

PARTS = ("core", "web")
CORE_FAULTS = ("sip", "media", "switchboard", "storage", "callLog")
WEB_FAULTS = {"listener": "USR1", "hub": "USR2", "ledger": "HUP"}
"""The signals by which a debug build lets them hang."""
DISK_PATIENCE = {"storage": 40.0, "callLog": 60.0, "ledger": 40.0}
"""They are asked every 10 s, the call log every 30 s, and a disk may stall for 30 s before it counts as hung."""
IMPATIENT_MILLISECONDS = 500
HELD_SECONDS = 2.0
"""How long a process under an impatient watchdog stands still: that is noticed on the fastest machine, too."""


def run(report: Report, fault: Fault | None) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="sipcall-disk-") as folder,
        StateDisk(Path(folder)) as state,
        open_rig(make_box=installed(state.options, debug=True)) as rig,
    ):
        box = rig.box
        assert isinstance(box, InstalledBox)
        machine = box.systemd
        if fault is not None:
            _break(machine, fault)
        if fault is None or broken_by(fault, "no-watchdog"):
            for part in PARTS:
                _stopped(report, machine, part)
        if fault is None or broken_by(fault, "mute"):
            for part, faults in (("core", CORE_FAULTS), ("web", WEB_FAULTS)):
                for name in list(faults)[: 1 if fault is not None else None]:
                    _wedged(report, machine, part, name)
        if fault is None:
            floods(report, rig, machine, seconds=30)
        if broken_by(fault, "impatient"):
            with _held_a_moment(machine):
                floods(report, rig, machine, seconds=8)
        if fault is None:
            _told_by_the_doctor(report, machine)
            disk(report, machine, state)
            _calls(report, rig, machine)


def _calls(report: Report, rig: Rig, machine: Machine) -> None:
    web_killed(report, rig, machine)
    core_killed(report, rig, machine)


def interval(machine: Machine, part: str) -> float:
    """WatchdogSec= of a part in seconds, as the unit's file has it; 0 when there is none."""
    text = machine.output("systemctl", "cat", f"sipcall-{part}.service")
    found = re.findall(r"^WatchdogSec=(\d+)", text, re.MULTILINE)
    return float(found[-1]) if found else 0.0


def _stopped(report: Report, machine: Machine, part: str) -> None:
    """SIGSTOP: nothing of the process runs any more, not even its own watchdog thread."""
    unit, goal = f"sipcall-{part}", interval(machine, part) + 1
    mark, process = JournalMark(machine), machine.main_process(unit)
    began = time.monotonic()
    machine.run("kill", "-STOP", str(process))
    seconds = _until_back(machine, unit, process, began, 3 * goal + 5)
    if seconds is None:
        machine.run("kill", "-KILL", str(process), check=False)
        wait_for_units(machine)
    samples = f"SIGSTOP at {part}, WatchdogSec={goal - 1:g}"
    report.at_most(f"stopped-{part}-back", seconds or float("inf"), goal, "s", samples)
    said = [line for line in mark.lines(f"--unit={unit}") if "Watchdog timeout" in line]
    report.equal(f"stopped-{part}-cause", "named" if said else "missing", "named", "".join(said[:1]) or "journal")


def _wedged(report: Report, machine: Machine, part: str, name: str) -> None:
    """One part of the process hangs; the others go on."""
    unit, watchdog = f"sipcall-{part}", interval(machine, part)
    patience = DISK_PATIENCE.get(name, watchdog)
    # Asked at the next turn, given its time, and then the watchdog's own time runs out.
    goal = patience + 2 * watchdog + 1
    mark, process = JournalMark(machine), machine.main_process(unit)
    began = time.monotonic()
    if part == "core":
        machine.run("sipcall", "fault", name)
    else:
        machine.run("kill", f"-{WEB_FAULTS[name]}", str(process))
    seconds = _until_back(machine, unit, process, began, goal + 10)
    report.at_most(f"wedged-{name}-back", seconds or float("inf"), goal, "s", f"in {part}, WatchdogSec={watchdog:g}")
    named = [entry for entry in mark.entries("SIPCALL_CODE=watchdog.part-hung") if entry.get("SIPCALL_PART")]
    parts = ", ".join(sorted({str(entry["SIPCALL_PART"]) for entry in named}))
    samples = str(named[0].get("MESSAGE", "")) if named else "nothing in the journal"
    report.equal(f"wedged-{name}-named", bool(re.search(_name(name), parts, re.IGNORECASE)), True, f"{parts}: {samples}")
    wait_for_units(machine)
    _reported(report, machine, part, name, parts)


def _reported(report: Report, machine: Machine, part: str, name: str, parts: str) -> None:
    """The report that the next process writes of that end says what hung, and nothing of who was called."""
    folder = f"/var/lib/sipcall/{part}/crashes"
    newest = machine.output("sh", "-c", f"cat $(ls -d {folder}/*.json | tail -n 1)")
    told = json.loads(newest) if newest else {}
    report.equal(f"wedged-{name}-report", (told.get("part"), told.get("result")), (part, "watchdog"), str(told.get("end")))
    # All that the journal names, for one that hangs takes with it whoever waits for it; the cause is the first.
    hung = [str(each) for each in told.get("hungParts") or []]
    report.equal(f"wedged-{name}-report-names-it", sorted(hung), parts.split(", "), f"in this order: {', '.join(hung)}")
    # Where each thread was: the report of a process that still runs is not cut off.
    threads = told.get("threads") or []
    whole = told.get("end") == "SIGABRT" and len(threads) >= 3 and all(thread["frames"] for thread in threads)
    if name == "media":
        report.equal(f"wedged-{name}-report-whole", whole, True, f"{told.get('end')}, {len(threads)} threads")
    # Telephone numbers; the time, and where in the code each thread was, are made of other digits.
    numbers = re.findall(r"\+\d{6,}", newest)
    report.equal(f"wedged-{name}-report-numbers", ", ".join(numbers) or "none", "none", f"{len(newest)} characters")


def _name(fault: str) -> str:
    """What the journal calls the part."""
    return {"sip": "sip", "storage": "storage|disk", "callLog": "call log"}.get(fault, fault)


def _told_by_the_doctor(report: Report, machine: Machine) -> None:
    told = json.loads(machine.run("sipcall", "doctor", "--json", check=False).stdout)
    crashes = next(check for check in told["checks"] if check["check"] == "crashes")
    report.equal("doctor-says-so", crashes["verdict"], "warning", crashes["sentence"])


def _until_back(machine: Machine, unit: str, process: int, began: float, seconds: float) -> float | None:
    """Seconds until another process of the unit serves; None when that does not happen."""
    try:
        wait_until(
            lambda: machine.main_process(unit) not in (0, process) and machine.is_active(unit) and answers(machine),
            seconds, f"{unit} to be back", pause=0.05,
        )  # fmt: skip
    except DeadlinePassed:
        return None
    return time.monotonic() - began


@contextlib.contextmanager
def _held_a_moment(machine: Machine) -> Iterator[None]:
    """Within, each process stands still once: what a moment of a too busy machine looks like."""
    left: list[BaseException] = []

    def hold() -> None:
        try:
            # The flood has begun by then.
            time.sleep(1)
            processes = [str(machine.main_process(f"sipcall-{part}")) for part in PARTS]
            machine.run("kill", "-STOP", *processes)
            time.sleep(HELD_SECONDS)
            # One that is gone by now is what this is for.
            machine.run("kill", "-CONT", *processes, check=False)
        except BaseException as error:
            left.append(error)

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        yield
    finally:
        thread.join()
    if left:
        raise left[0]


def _break(machine: Machine, fault: Fault) -> None:
    settings = {
        "no-watchdog": "WatchdogSec=0",
        "impatient": f"WatchdogSec={IMPATIENT_MILLISECONDS}ms",
        # Its lines go nowhere: whatever is named, nobody reads it.
        "mute": "InaccessiblePaths=/run/systemd/journal\nStandardOutput=null\nStandardError=null",
    }
    for part in PARTS:
        drop_in(machine, part, settings[fault.name])
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "restart", *(f"sipcall-{part}" for part in PARTS))
    wait_for_units(machine)


def drop_in(machine: Machine, part: str, lines: str) -> None:
    """Adds directives to the [Service] of a part's unit; for the caller to reload."""
    place = f"/etc/systemd/system/sipcall-{part}.service.d/rig.conf"
    machine.shell(f"install -D -m 0644 /dev/stdin {place} <<'X'\n[Service]\n{lines}\nX")


CHECK = Check(
    "watchdogs",
    "A stopped or wedged part is named and back in time; floods, slow clients, a full and a stalled disk kill nothing.",
    run,
    (
        Fault("no-watchdog", "The units have no WatchdogSec=.", ("stopped-core-back", "stopped-web-back")),
        Fault("mute", "What the processes say reaches no journal.", ("wedged-sip-named",)),
        Fault("impatient", "The watchdog allows 0.5 s, and each process stands still for 2 s.", ("killed",)),
    ),
    prepare,
)

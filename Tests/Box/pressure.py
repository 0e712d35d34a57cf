"""What a healthy box must live through without a watchdog's kill: floods, slow web clients, a full and a stalled disk."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from Rig.deadlines import RigError, wait_until
from Rig.figures import Report
from Rig.namespaces import BOX_ADDRESS
from Rig.rig import Rig

from .floods import SlowClients, media, signalling
from .journal import JournalMark
from .machine import Machine
from .state_disk import StateDisk
from .upkeep import answers, wait_for_units

RATE = 4000
CLIENTS = 400
STALL_SECONDS = 5
UNITS = ("sipcall-core", "sipcall-web")


def floods(report: Report, rig: Rig, machine: Machine, seconds: float) -> None:
    with _none_killed(report, machine, "signalling-flood") as notes:
        sent = signalling(rig.network.carrier, RATE, seconds)
        notes.append(f"{sent} requests in {seconds:g} s")
        report.at_least("signalling-flood-rate", sent / seconds, 1000, "/s", f"goal of the sender: {RATE}/s")
    with _none_killed(report, machine, "media-flood") as notes:
        sent = media(rig.network.carrier, RATE, seconds)
        notes.append(f"{sent} datagrams in {seconds:g} s")
    with _none_killed(report, machine, "slow-clients") as notes:
        with SlowClients(rig.network.carrier, CLIENTS, (BOX_ADDRESS, rig.box.public_web_port)) as clients:
            time.sleep(seconds)
        notes.append(f"{CLIENTS} at a time for {seconds:g} s, {clients.opened} connections in all")
    rig.box.wait_for_trunk(seconds=20)


def disk(report: Report, machine: Machine, state: StateDisk) -> None:
    with _none_killed(report, machine, "stalled-disk") as notes:
        with state.held():
            time.sleep(STALL_SECONDS)
        notes.append(f"every write held for {STALL_SECONDS} s")
        wait_until(lambda: answers(machine), 5, "the box to answer after the stall")
    with _none_killed(report, machine, "full-disk") as notes:
        mark = JournalMark(machine)
        with state.full():
            said = mark.wait_for("full", "SIPCALL_CODE=storage.full", seconds=30)
            status = wait_until(
                lambda: next((text for text in [machine.show("sipcall-core", "StatusText")] if "full" in text.lower()), None),
                10, "the full disk in the status",
            )  # fmt: skip
            report.equal("full-disk-said", bool(said and status), True, f"journal: {said}; status: {status}")
            time.sleep(10)
        wait_until(lambda: "full" not in machine.show("sipcall-core", "StatusText").lower(), 30, "the status to be well again")
        mended = [line for line in mark.lines("--unit=sipcall-core") if "again" in line.lower()]
        report.equal("full-disk-mended-said", bool(mended), True, "".join(mended[-1:]) or "nothing in the journal")
        notes.append("filled until the box said so, 10 s more, then freed")


@contextmanager
def _none_killed(report: Report, machine: Machine, name: str) -> Iterator[list[str]]:
    """Afterwards the same processes run as before, and the box answers."""
    notes: list[str] = []
    mark = JournalMark(machine)
    before = [machine.main_process(unit) for unit in UNITS]
    yield notes
    after = [machine.main_process(unit) for unit in UNITS]
    causes = [line for unit in UNITS for line in mark.lines(f"--unit={unit}") if "Watchdog" in line or "part-hung" in line]
    # One that the manager has just aborted may still be writing its report.
    killed = max(sum(old != new for old, new in zip(before, after, strict=True)), len(causes))
    report.equal(f"{name}-killed", killed, 0, "; ".join(notes + causes[:2]))
    try:
        wait_for_units(machine, 15)
    except RigError as error:
        report.equal(f"{name}-answers", str(error), "in time", "afterwards")

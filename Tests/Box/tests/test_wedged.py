"""A part that hangs for good, by the fault switch of a debug build: its report names it and says where each thread was."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from Box.journal import JournalMark
from Box.machine import Machine
from Box.package import debug_options, install, install_debug_build, package
from Box.upkeep import claim, wait_for_units
from Rig.deadlines import wait_until

WATCHDOG_SECONDS = 5


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with Machine("wedged", options=debug_options()) as machine:
        install(machine, package())
        install_debug_build(machine)
        wait_for_units(machine)
        claim(machine)
        yield machine


def newest_report(machine: Machine) -> dict[str, Any]:
    text = machine.shell("cat $(ls -d /var/lib/sipcall/core/crashes/*.json | tail -n 1)")
    found: dict[str, Any] = json.loads(text)
    return found


@pytest.mark.parametrize(
    ("fault", "hung"), [("media", ["media loop"]), ("switchboard", ["switchboard", "SIP"])], ids=["media", "switchboard"]
)
def test_the_report_of_a_wedged_part_names_all_that_hang_and_is_not_cut_off(
    machine: Machine, fault: str, hung: list[str]
) -> None:
    before, mark = machine.main_process("sipcall-core"), JournalMark(machine)
    began = time.monotonic()
    machine.run("sipcall", "fault", fault)
    wait_until(
        lambda: machine.main_process("sipcall-core") not in (0, before) and machine.is_active("sipcall-core"),
        5 * WATCHDOG_SECONDS, "the core to be back",
    )  # fmt: skip
    seconds = time.monotonic() - began
    named = [str(entry.get("SIPCALL_PART")) for entry in mark.entries("SIPCALL_CODE=watchdog.part-hung")]
    wait_until(lambda: mark.lines("SIPCALL_CODE=box.crashed"), 5, "the report in the journal")
    report = newest_report(machine)
    threads = report["threads"]
    print(f"{fault}: back after {seconds:.1f} s; {report['hungParts']}; {report['end']}, {len(threads)} threads")
    assert report["result"] == "watchdog" and report["end"] == "SIGABRT"
    assert sorted(report["hungParts"]) == sorted(set(named)) and report["hungPart"] == report["hungParts"][0]
    for part in hung:
        assert any(part.lower() in each.lower() for each in report["hungParts"]), report["hungParts"]
    said = mark.lines("SIPCALL_CODE=box.crashed")[-1]
    assert all(part in said for part in report["hungParts"]), said
    # Whole: every thread has its place in the code, those of our own among them.
    names = {thread["name"] for thread in threads}
    assert len(threads) >= 5 and all(thread["frames"] for thread in threads), names
    assert "watchdog" in names and any("media" in name for name in names), names
    # Asked at the next turn, 2 s of patience, then the manager's time, then at most 2 s for the report.
    assert seconds <= 2 * WATCHDOG_SECONDS + 4

"""A disk that fails under open databases: the kernel takes no more writes, calls go on, and nothing is lost that was kept."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from Box.calls import check_sound, dial, hang_up
from Box.installed_box import InstalledBox, installed
from Box.journal import JournalMark
from Box.machine import Machine
from Box.state_disk import StateDisk
from Box.upkeep import Kept, wait_for_units
from Rig.browser import PhonePage
from Rig.deadlines import wait_until
from Rig.rig import Rig, open_rig

PARTS = ("core", "web")
NOTICED_SECONDS = 30
"""Storage is asked every 10 s."""


@pytest.fixture(scope="module")
def state() -> Iterator[StateDisk]:
    with tempfile.TemporaryDirectory(prefix="sipcall-disk-") as folder, StateDisk(Path(folder)) as disk:
        yield disk


@pytest.fixture(scope="module")
def rig(state: StateDisk) -> Iterator[Rig]:
    with open_rig(make_box=installed(state.options)) as rig:
        rig.box.wait_for_trunk()
        yield rig


def records(phone: PhonePage) -> set[str]:
    """The calls that the ledger knows, as the page is told them."""
    found: list[dict[str, Any]] = phone.page.evaluate(
        """async () => {
            const headers = { 'Content-Type': 'application/json' }
            const renewal = await fetch('/api/v1/session/renewal', { method: 'POST', headers, body: '{}' })
            const bearer = { Authorization: `Bearer ${(await renewal.json()).token}` }
            return (await (await fetch('/api/v1/calls?limit=200', { headers: bearer })).json()).calls
        }"""
    )
    return {record["call"] for record in found}


def disk_verdict(machine: Machine) -> dict[str, str]:
    report = json.loads(machine.run("sipcall", "doctor", "--json", check=False).stdout)
    found: dict[str, str] = next(check for check in report["checks"] if check["check"] == "disk")
    return found


def test_a_disk_that_fails_under_open_databases_stops_no_call_and_loses_nothing(rig: Rig, state: StateDisk) -> None:
    assert isinstance(rig.box, InstalledBox)
    machine = rig.box.systemd
    phone = rig.phone("?codec=pcmu&dsp=off")
    dial(rig, phone)
    check_sound(phone)
    hang_up(rig, phone)
    before = wait_until(lambda: records(phone), 10, "the first call in the ledger")
    kept = Kept.of(machine)
    processes = [machine.main_process(f"sipcall-{part}") for part in PARTS]

    dial(rig, phone)
    mark = JournalMark(machine)
    state.fail()
    assert machine.run("touch", "/var/lib/sipcall/core/x", check=False).returncode != 0
    print(mark.wait_for("read-only", "SIPCALL_CODE=storage.read-only", seconds=NOTICED_SECONDS))
    wait_until(lambda: "read-only" in machine.show("sipcall-core", "StatusText"), 5, "the status to say so")
    print(machine.show("sipcall-core", "StatusText"))
    check_sound(phone)
    hang_up(rig, phone)
    # Another one, from its beginning to its end.
    dial(rig, phone)
    check_sound(phone)
    hang_up(rig, phone)
    assert records(phone) >= before
    status, disk = rig.box.status(), disk_verdict(machine)
    assert status["verdict"] == "limited" and "storage.read-only" in [problem["code"] for problem in status["problems"]]
    assert disk["verdict"] == "fault" and "can only be read" in disk["sentence"] and disk["remedy"]
    assert [machine.main_process(f"sipcall-{part}") for part in PARTS] == processes
    phone.page.close()

    machine.run("systemctl", "stop", "sipcall.target")
    for part in PARTS:
        ended = lambda part=part: machine.show(f"sipcall-{part}", "ActiveState") == "inactive"  # noqa: E731
        wait_until(ended, 10, f"sipcall-{part} to end")
    state.replace(machine)
    machine.run("systemctl", "start", "sipcall.target")
    wait_for_units(machine)
    rig.box.wait_for_trunk()
    assert "read-only" not in machine.show("sipcall-core", "StatusText")
    changed = kept.lines - Kept.of(machine).lines
    # When somebody was last seen.
    assert [line for line in changed if not line.endswith("web/accounts.sqlite")] == []
    assert disk_verdict(machine)["verdict"] in ("ok", "warning")
    phone = rig.phone("?codec=pcmu&dsp=off")
    after = records(phone)
    print(f"{len(before)} record(s) before, {len(after)} on the mended disk")
    assert after >= before
    dial(rig, phone)
    check_sound(phone)
    hang_up(rig, phone)
    wait_until(lambda: records(phone) - after, 10, "the next call in the ledger")
    phone.page.close()

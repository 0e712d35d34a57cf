"""What goes wrong on a machine that nobody looks after: the box goes on, says what is wrong, and is well again afterwards."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from Box.installed_box import InstalledBox, installed
from Box.journal import JournalMark
from Box.machine import Machine
from Box.read_only import read_only
from Box.state_disk import StateDisk
from Box.upkeep import wait_for_units
from Rig.browser import PhonePage
from Rig.calls import talk
from Rig.deadlines import wait_until
from Rig.rig import FAR_HERTZ, Rig, open_rig

PARTS = ("core", "web")


@pytest.fixture(scope="module")
def state() -> Iterator[StateDisk]:
    with tempfile.TemporaryDirectory(prefix="sipcall-disk-") as folder, StateDisk(Path(folder)) as disk:
        yield disk


@pytest.fixture(scope="module")
def rig(state: StateDisk) -> Iterator[Rig]:
    with open_rig(make_box=installed(state.options)) as rig:
        yield rig


@pytest.fixture
def machine(rig: Rig) -> Machine:
    assert isinstance(rig.box, InstalledBox)
    wait_for_units(rig.box.systemd)
    rig.box.wait_for_trunk()
    return rig.box.systemd


def verdicts(machine: Machine) -> dict[str, dict[str, str]]:
    """What the doctor finds, by the name of the check."""
    report = json.loads(machine.run("sipcall", "doctor", "--json", check=False).stdout)
    return {check["check"]: check for check in report["checks"]}


def dial(rig: Rig, phone: PhonePage) -> None:
    rig.answers.forget_recordings()
    phone.dial(rig.account.answers)
    phone.wait_for_state("active", seconds=10)


def check_sound(phone: PhonePage) -> None:
    tone, _ = talk(phone, 3)
    assert abs(tone.hertz - FAR_HERTZ) < 5, tone


def hang_up(rig: Rig, phone: PhonePage) -> None:
    phone.press("hangup")
    rig.answers.wait_for("CALL_CLOSED", 5)
    phone.wait_for_state("idle", "ended", seconds=5)
    wait_until(lambda: not rig.box.in_use(), 10, "the box to let go of the call")


def kill(machine: Machine, part: str) -> None:
    process = machine.main_process(f"sipcall-{part}")
    machine.run("kill", "-KILL", str(process))
    wait_until(lambda: machine.main_process(f"sipcall-{part}") not in (0, process), 10, f"another {part}")
    wait_for_units(machine)


def test_the_doctor_finds_a_healthy_box_healthy(rig: Rig, machine: Machine) -> None:
    found = verdicts(machine)
    print({name: check["verdict"] for name, check in found.items()})
    assert len(found) >= 15
    # The machines of these tests follow no time server, and their disk for the state is small.
    assert {name for name, check in found.items() if check["verdict"] != "ok"} <= {"clock", "disk"}, found
    assert found["disk"]["verdict"] in ("ok", "warning")
    assert found["clock"]["verdict"] == "warning" and found["clock"]["remedy"]
    assert found["registration"]["verdict"] == "ok"


def test_disks_that_can_only_be_read_stop_no_call_and_are_named(rig: Rig, machine: Machine, state: StateDisk) -> None:
    with read_only(machine, state):
        mark = JournalMark(machine)
        rig.box.wait_for_trunk()
        phone = rig.phone("?codec=pcmu&dsp=off")
        dial(rig, phone)
        processes = [machine.main_process(f"sipcall-{part}") for part in PARTS]
        assert machine.run("touch", "/var/lib/sipcall/core/x", "/etc/x", check=False).returncode != 0
        wait_until(lambda: "read-only" in machine.show("sipcall-core", "StatusText"), 5, "the status to say so")
        print(machine.show("sipcall-core", "StatusText"))
        status = rig.box.status()
        print(status["verdict"], status["problems"])
        print(machine.output("sipcall", "status"))
        print(machine.output("sipcall", "doctor"))
        disk = verdicts(machine)["disk"]
        check_sound(phone)
        hang_up(rig, phone)
        dial(rig, phone)
        check_sound(phone)
        hang_up(rig, phone)
        assert [machine.main_process(f"sipcall-{part}") for part in PARTS] == processes
        assert status["verdict"] == "limited" and "storage.read-only" in [problem["code"] for problem in status["problems"]]
        assert disk["verdict"] == "fault" and "can only be read" in disk["sentence"] and disk["remedy"]
    wait_until(lambda: "read-only" not in machine.show("sipcall-core", "StatusText"), 30, "the status to be well again")
    mark.wait_for("storage works again", "--unit=sipcall-core")
    assert verdicts(machine)["disk"]["verdict"] in ("ok", "warning")
    phone.page.close()


def test_processes_that_start_on_read_only_disks_serve(rig: Rig, machine: Machine, state: StateDisk) -> None:
    with read_only(machine, state):
        for part in PARTS:
            kill(machine, part)
        rig.box.wait_for_trunk()
        phone = rig.phone("?codec=pcmu&dsp=off")
        dial(rig, phone)
        check_sound(phone)
        hang_up(rig, phone)
        phone.page.close()
        wait_until(lambda: "read-only" in machine.show("sipcall-core", "StatusText"), 30, "the status to say so")
    wait_until(lambda: "read-only" not in machine.show("sipcall-core", "StatusText"), 30, "the status to be well again")

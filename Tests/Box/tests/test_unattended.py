"""What goes wrong on a machine that nobody looks after: the box goes on, says what is wrong, and is well again afterwards."""

import json
import subprocess
import time

import pytest
from Box.calls import check_sound, dial, hang_up
from Box.journal import JournalMark
from Box.machine import Machine
from Box.read_only import read_only
from Box.state_disk import StateDisk
from Box.upkeep import wait_for_units
from Rig.capture import Capture
from Rig.deadlines import wait_until
from Rig.namespaces import BOX_ADDRESS
from Rig.rig import Rig

PARTS = ("core", "web")
NEW_ADDRESS = "10.9.0.77"


@pytest.fixture
def machine(boxed: Machine) -> Machine:
    return boxed


def verdicts(machine: Machine) -> dict[str, dict[str, str]]:
    """What the doctor finds, by the name of the check."""
    report = json.loads(machine.run("sipcall", "doctor", "--json", check=False).stdout)
    return {check["check"]: check for check in report["checks"]}


def kill(machine: Machine, part: str) -> None:
    process = machine.main_process(f"sipcall-{part}")
    machine.run("kill", "-KILL", str(process))
    wait_until(lambda: machine.main_process(f"sipcall-{part}") not in (0, process), 10, f"another {part}")
    wait_for_units(machine)


def says_full(machine: Machine) -> bool:
    return "full" in machine.show("sipcall-core", "StatusText").lower()


def test_the_doctor_finds_a_healthy_box_healthy(rig: Rig, machine: Machine) -> None:
    found = verdicts(machine)
    print({name: check["verdict"] for name, check in found.items()})
    assert len(found) >= 15
    # The machines of these tests follow no time server, their disk for the state is small, and nobody has backed them up.
    assert {name for name, check in found.items() if check["verdict"] != "ok"} <= {"backup", "clock", "disk"}, found
    assert found["backup"]["remedy"]
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


def test_a_call_runs_on_through_a_full_disk_and_processes_that_start_on_it_serve(
    rig: Rig, machine: Machine, state: StateDisk
) -> None:
    phone = rig.phone("?codec=pcmu&dsp=off")
    dial(rig, phone)
    processes = [machine.main_process(f"sipcall-{part}") for part in PARTS]
    with state.full():
        wait_until(lambda: says_full(machine), 30, "the status to say so")
        check_sound(phone)
        hang_up(rig, phone)
        assert [machine.main_process(f"sipcall-{part}") for part in PARTS] == processes
        for part in PARTS:
            kill(machine, part)
        rig.box.wait_for_trunk()
        phone.page.close()
        phone = rig.phone("?codec=pcmu&dsp=off")
        dial(rig, phone)
        check_sound(phone)
        hang_up(rig, phone)
        wait_until(lambda: says_full(machine), 30, "the status of the new process to say so")
    wait_until(lambda: not says_full(machine), 30, "the status to be well again")
    phone.page.close()


def test_a_box_that_boots_without_a_network_is_ready_and_finds_the_provider_when_there_is_one(
    rig: Rig, machine: Machine
) -> None:
    cable = lambda way: subprocess.run(rig.network.box.command("ip", "link", "set", "eth0", way), check=True)  # noqa: E731
    cable("down")
    try:
        machine.reboot()
        began = time.monotonic()
        wait_for_units(machine, 10)
        ready = time.monotonic() - began
        assert rig.box.status()["trunk"]["state"] != "registered"
    finally:
        cable("up")
    rig.box.wait_for_trunk(seconds=40)
    print(f"ready {ready:.1f} s after a boot without a network; registered {time.monotonic() - began:.1f} s after it")
    assert ready <= 5


def test_a_new_address_is_registered_without_anybody_s_doing(rig: Rig, machine: Machine) -> None:
    def move(address: str) -> None:
        cable = rig.network.box
        subprocess.run(cable.command("ip", "-4", "address", "flush", "dev", "eth0"), check=True)
        subprocess.run(cable.command("ip", "address", "add", f"{address}/24", "dev", "eth0"), check=True)

    process = machine.main_process("sipcall-core")
    with Capture(rig.network.carrier) as capture:
        try:
            move(NEW_ADDRESS)
            wait_until(lambda: registered_from(capture, NEW_ADDRESS), 20, "a registration from the new address")
        finally:
            move(BOX_ADDRESS)
        wait_until(lambda: registered_from(capture, BOX_ADDRESS), 20, "a registration from the former address")
    rig.box.wait_for_trunk()
    phone = rig.phone("?codec=pcmu&dsp=off")
    dial(rig, phone)
    check_sound(phone)
    hang_up(rig, phone)
    phone.page.close()
    assert machine.main_process("sipcall-core") == process


def registered_from(capture: Capture, address: str) -> bool:
    """Whether the provider took a registration whose contact is this address."""
    accepted = [packet.payload for packet in capture.datagrams if packet.target[0] == address and packet.payload.startswith(b"SIP/2.0 200")]
    return any(b"REGISTER" in answer and f"@{address}".encode() in answer for answer in accepted)

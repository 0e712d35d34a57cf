"""What systemd does when a part fails."""

import json
import time

import pytest
from Box.machine import Machine
from Box.package import UNITS
from Box.upkeep import claim, wait_for_units, waits_to_be_claimed
from Rig.deadlines import wait_until

from .conftest import Installed


@pytest.fixture
def machine(installed: Installed) -> Machine:
    """With both parts running and no failure remembered."""
    installed.machine.run("systemctl", "stop", *UNITS)
    # systemd counts starts, and refuses the sixth of a socket or timer within ten seconds.
    installed.machine.run("systemctl", "reset-failed")
    installed.machine.run("systemctl", "start", *UNITS)
    wait_for_units(installed.machine)
    if waits_to_be_claimed(installed.machine):
        claim(installed.machine)
    return installed.machine


def wait_for_another(machine: Machine, unit: str, before: int, seconds: float) -> None:
    wait_until(
        lambda: machine.is_active(unit) and machine.main_process(unit) not in (0, before), seconds, f"{unit} to be back"
    )


@pytest.mark.parametrize(("killed", "other"), [("core", "web"), ("web", "core")])
def test_a_killed_part_is_back_within_a_second_and_the_other_does_not_notice(
    machine: Machine, killed: str, other: str
) -> None:
    before, bystander = machine.main_process(f"sipcall-{killed}"), machine.main_process(f"sipcall-{other}")
    began = time.monotonic()
    machine.run("kill", "-KILL", str(before))
    wait_for_another(machine, f"sipcall-{killed}", before, 5)
    seconds = time.monotonic() - began
    print(f"sipcall-{killed} is back after kill -9 in {seconds:.2f} s")
    assert machine.main_process(f"sipcall-{other}") == bystander
    wait_until(lambda: machine.run("sipcall", "status", check=False).returncode == 0, 5, "the box to answer")
    assert seconds <= 1


def test_a_part_that_fails_again_and_again_is_slowed_down_and_never_given_up(machine: Machine) -> None:
    parts = ("core", "web")
    for _ in range(6):
        before = {part: machine.main_process(f"sipcall-{part}") for part in parts}
        machine.run("kill", "-KILL", *map(str, before.values()))
        for part in parts:
            wait_for_another(machine, f"sipcall-{part}", before[part], 15)
    for part in parts:
        assert "Trying again in 4 s" in machine.journal(f"sipcall-{part}"), part
        assert machine.is_active(f"sipcall-{part}")


def test_a_wrong_configuration_is_named_and_mending_it_is_enough(machine: Machine) -> None:
    path = machine.files / "etc/sipcall/sipcall.toml"
    good = path.read_text()
    try:
        path.write_text(good.replace("[sip]", '[sip]\nlisten = "nowhere"', 1))
        machine.run("systemctl", "restart", "sipcall-core", check=False)
        wait_until(lambda: "Trying again in 5 s" in machine.journal("sipcall-core"), 10, "the pause to be announced")
        assert "/etc/sipcall/sipcall.toml:" in machine.journal("sipcall-core")
        assert "sip.listen" in machine.journal("sipcall-core")
        # Two starts in the five seconds, not two hundred.
        assert int(machine.show("sipcall-core", "NRestarts")) <= 2
    finally:
        path.write_text(good)
    wait_until(lambda: machine.is_active("sipcall-core"), 12, "the core to find the mended file by itself")


def test_a_reload_with_a_mistake_names_it_and_the_former_configuration_serves_on(machine: Machine) -> None:
    path = machine.files / "etc/sipcall/sipcall.toml"
    good = path.read_text()
    process = machine.main_process("sipcall-core")
    try:
        path.write_text(good.replace("[media]", '[media]\nports = "backwards"', 1))
        done = machine.run("systemctl", "reload", "sipcall-core", check=False)
        assert done.returncode != 0
        journal = machine.journal("sipcall-core")
        assert "/etc/sipcall/sipcall.toml:" in journal and "media.ports" in journal and "former configuration" in journal
    finally:
        path.write_text(good)
    machine.run("systemctl", "reload", "sipcall-core")
    assert machine.main_process("sipcall-core") == process
    assert machine.is_active("sipcall-core")


@pytest.mark.parametrize("part", ["core", "web"])
def test_a_crash_leaves_a_report_and_a_line_that_names_it(machine: Machine, part: str) -> None:
    before = machine.main_process(f"sipcall-{part}")
    machine.run("kill", "-SEGV", str(before))
    wait_for_another(machine, f"sipcall-{part}", before, 10)
    wait_until(
        lambda: "ended by SIGSEGV" in machine.journal(f"sipcall-{part}"), 5, "the crash to be named in the journal"
    )
    reports = machine.output("ls", f"/var/lib/sipcall/{part}/crashes").split()
    assert reports
    report = json.loads(machine.output("cat", f"/var/lib/sipcall/{part}/crashes/{reports[-1]}"))
    assert report["end"] == "SIGSEGV" and report["part"] == part and report["uptimeSeconds"] >= 0
    # Places in the code, each with its build; no address of the process.
    assert any(frame.startswith("sipcall+0x") for thread in report["threads"] for frame in thread["frames"])
    assert any(image["name"] == "sipcall" and image["buildID"] for image in report["images"])
    machine.shell(f"rm -r /var/lib/sipcall/{part}/crashes")


def test_the_operators_commands_work_on_the_installed_box(machine: Machine) -> None:
    wait_until(lambda: machine.run("sipcall", "status", check=False).returncode == 0, 5, "the box to answer")
    assert "no calls" in machine.show("sipcall-core", "StatusText")
    doctor = json.loads(machine.run("sipcall", "doctor", "--json", check=False).stdout)
    assert doctor
    machine.run("sipcall", "drain", "--timeout", "5")
    wait_until(lambda: "no new ones are taken" in machine.show("sipcall-core", "StatusText"), 5, "the status to say so")
    machine.run("sipcall", "drain", "--cancel")
    check_way_back(machine)


def check_way_back(machine: Machine) -> None:
    """The address alone: whoever has claimed the box signs in."""
    told = machine.output("sipcall", "setup-url")
    assert "https://" in told and "#" not in told, told


def test_a_stop_ends_everything_in_order_within_2_seconds(machine: Machine) -> None:
    began = time.monotonic()
    machine.run("systemctl", "stop", "sipcall.target")
    # systemctl waits for the target alone, which takes the parts with it.
    for part in ("core", "web"):
        ended = lambda part=part: machine.show(f"sipcall-{part}", "ActiveState") == "inactive"  # noqa: E731
        wait_until(ended, 5, f"sipcall-{part} to end")
        assert machine.show(f"sipcall-{part}", "Result") == "success"
    seconds = time.monotonic() - began
    print(f"stopping took {seconds:.2f} s")
    assert seconds <= 2


def test_the_trunk_password_reaches_the_core_alone(machine: Machine) -> None:
    path = machine.files / "etc/sipcall/sipcall.toml"
    good = path.read_text()
    secret = "never-in-a-log-8f2c"
    try:
        # 192.0.2.1 and the next are nobody (RFC 5737): the accounts are read, the registrations go nowhere.
        text = good
        for account, host in (("trunk", "192.0.2.1"), ("trunk2", "192.0.2.2"), ("trunk16", "192.0.2.3")):
            machine.shell(f"install -D -m 0600 /dev/stdin /etc/credstore/sipcall.{account}.password <<X\n{secret}\nX")
            text += f'\n[[trunk]]\nserver = "{host}"\nuser = "100"\npassword_file = "{account}.password"\n'
        path.write_text(text)
        machine.run("systemctl", "restart", "sipcall.target")
        # The target does not wait for its parts.
        for part in ("core", "web"):
            running = lambda part=part: machine.is_active(f"sipcall-{part}")  # noqa: E731
            wait_until(running, 10, f"sipcall-{part} to run")
        wait_until(lambda: machine.run("sipcall", "status", check=False).returncode == 0, 5, "the box to answer")
        status = machine.output("sipcall", "status", "--json")
        assert '"none"' not in status
        for host in ("192.0.2.1", "192.0.2.2", "192.0.2.3"):
            assert f'"{host}"' in status, "the account's name"
        web = machine.main_process("sipcall-web")
        found = machine.run(
            "nsenter", f"--target={web}", "--mount", "--", "ls", "/run/credentials/sipcall-web.service", check=False
        )
        assert "trunk" not in found.stdout
        assert secret not in machine.output("journalctl", "--no-pager")
    finally:
        path.write_text(good)
        machine.shell("rm -f /etc/credstore/sipcall.trunk*.password")
        machine.run("systemctl", "restart", "sipcall.target")

"""Installing, upgrading, rebooting, removing and purging, on one machine in this order."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from Box.machine import Machine
from Box.package import UNITS, footprint, install, package, renumbered
from Rig.deadlines import wait_until

# What a purge leaves on purpose: accounts (a number given away again would own files of theirs elsewhere).
LEFT = "account sipcall"


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with Machine("lifecycle") as machine:
        yield machine


@pytest.fixture(scope="module")
def before(machine: Machine) -> set[str]:
    # The administrator's own directory: it stays.
    machine.run("mkdir", "-p", "/etc/credstore")
    return footprint(machine)


@pytest.fixture(scope="module", autouse=True)
def first(machine: Machine, before: set[str]) -> None:
    install(machine, package())


def check_running(machine: Machine) -> None:
    for unit in UNITS:
        wait_until(lambda unit=unit: machine.is_active(unit), 10, f"{unit} to run")  # type: ignore[misc]
    wait_until(lambda: machine.run("sipcall", "status", check=False).returncode == 0, 5, "the box to answer")


def test_upgrades_and_reboots_keep_settings_and_state(machine: Machine, tmp_path: Path) -> None:
    machine.shell("echo '# a local change' >>/etc/sipcall/sipcall.toml")
    password = machine.output("cat", "/var/lib/sipcall/web/admin.json")
    for turn in range(20):
        process = machine.main_process("sipcall-core")
        install(machine, renumbered(package(), f"0.1.0+upgrade{turn:02}", tmp_path))
        check_running(machine)
        assert machine.main_process("sipcall-core") != process
        machine.reboot()
        check_running(machine)
    assert "# a local change" in machine.output("cat", "/etc/sipcall/sipcall.toml")
    assert machine.output("stat", "--format=%a %U:%G", "/etc/sipcall/sipcall.toml") == "640 root:sipcall"
    assert machine.output("cat", "/var/lib/sipcall/web/admin.json") == password
    assert json.loads(machine.output("sipcall", "status", "--json"))["calls"] == 0


def test_reinstalling_is_harmless(machine: Machine, tmp_path: Path) -> None:
    install(machine, renumbered(package(), "0.1.0+upgrade19", tmp_path), "--reinstall")
    check_running(machine)


def test_removing_stops_everything_and_keeps_settings_and_state(machine: Machine) -> None:
    machine.run("apt-get", "remove", "--yes", "--quiet", "sipcall")
    for unit in UNITS:
        assert not machine.is_active(unit)
    assert machine.shell("pgrep -u sipcall-core,sipcall-web || true") == ""
    assert "# a local change" in machine.output("cat", "/etc/sipcall/sipcall.toml")
    machine.run("test", "-e", "/var/lib/sipcall/web/admin.json")


def test_installing_again_finds_the_old_state(machine: Machine) -> None:
    password = machine.output("cat", "/var/lib/sipcall/web/admin.json")
    install(machine, package())
    check_running(machine)
    assert machine.output("cat", "/var/lib/sipcall/web/admin.json") == password
    machine.run("apt-get", "remove", "--yes", "--quiet", "sipcall")


def test_purging_leaves_nothing_but_the_accounts(machine: Machine, before: set[str]) -> None:
    machine.shell("install -m 0600 /dev/stdin /etc/credstore/sipcall.trunk.password <<X\nhidden\nX")
    machine.run("apt-get", "purge", "--yes", "--quiet", "sipcall")
    after = footprint(machine)
    assert machine.run("test", "-e", "/run/sipcall", check=False).returncode != 0
    assert sorted(line for line in after - before if not line.startswith(LEFT)) == []
    # systemd's own record of enabled units is /var/lib/systemd/deb-systemd-helper-*: emptied by dh's part of postrm.
    assert machine.shell("grep -rl sipcall /var/lib/systemd/deb-systemd-helper-enabled || true") == ""

"""Installing, upgrading, rebooting, removing and purging, on one machine in this order."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from Box.machine import Machine
from Box.package import UNITS, footprint, install, package, renumbered
from Rig.deadlines import wait_until

# What a purge leaves on purpose: accounts (a number given away again would own files of theirs elsewhere).
LEFT = "account sipcall"

ACCOUNTS = "/var/lib/sipcall/web/accounts.sqlite"


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


def know_no_state(contents: Path) -> None:
    script = contents / "DEBIAN" / "preinst"
    text = script.read_text()
    assert "known=1\n" in text
    script.write_text(text.replace("known=1\n", "known=0\n"))


def check_running(machine: Machine) -> None:
    for unit in UNITS:
        wait_until(lambda unit=unit: machine.is_active(unit), 10, f"{unit} to run")  # type: ignore[misc]
    wait_until(lambda: machine.run("sipcall", "status", check=False).returncode == 0, 5, "the box to answer")


def test_an_older_version_that_cannot_read_the_state_is_refused_before_anything_is_touched(
    machine: Machine, tmp_path: Path
) -> None:
    machine.shell("echo '# a local change' >>/etc/sipcall/sipcall.toml")
    process = machine.main_process("sipcall-core")
    try:
        place = machine.files / "var/cache/older.deb"
        shutil.copy(renumbered(package(), "0.0.1", tmp_path, know_no_state), place)
        done = machine.run(
            "apt-get", "install", "--yes", "--quiet", "--allow-downgrades", "/var/cache/older.deb", check=False
        )
        assert done.returncode != 0
        assert "cannot read it. Nothing was changed." in done.stdout + done.stderr
        # Not even restarted: a call would have ended.
        assert machine.main_process("sipcall-core") == process
        assert machine.output("dpkg-query", "-W", "-f=${Status}", "sipcall") == "install ok installed"
    finally:
        machine.shell("rm -f /var/cache/older.deb")
    check_running(machine)


def test_a_process_that_finds_newer_state_says_so_and_touches_nothing(machine: Machine) -> None:
    machine.shell("echo 7 >/var/lib/sipcall/core/schema")
    try:
        machine.run("systemctl", "restart", "sipcall-core", check=False)
        wait_until(lambda: "newer SIPCall" in machine.journal("sipcall-core"), 10, "the refusal in the journal")
        assert machine.output("cat", "/var/lib/sipcall/core/schema") == "7"
    finally:
        machine.shell("rm -f /var/lib/sipcall/core/schema")
    machine.run("systemctl", "restart", "sipcall-core", check=False)
    check_running(machine)


def test_the_whole_box_is_restarted_as_often_as_anybody_likes(machine: Machine) -> None:
    for _ in range(12):
        machine.run("systemctl", "restart", "sipcall.target")
        # Its ports above all: what listens anew finds them free, and nothing is given up.
        check_running(machine)
    assert "Failed" not in machine.output("journalctl", "--no-pager", "--boot", "--unit=sipcall-web*.socket")


def test_reinstalling_is_harmless(machine: Machine) -> None:
    install(machine, package(), "--reinstall")
    check_running(machine)


def test_removing_stops_everything_and_keeps_settings_and_state(machine: Machine) -> None:
    machine.run("apt-get", "remove", "--yes", "--quiet", "sipcall")
    for unit in UNITS:
        assert not machine.is_active(unit)
    assert machine.shell("pgrep -u sipcall-core,sipcall-web || true") == ""
    assert "# a local change" in machine.output("cat", "/etc/sipcall/sipcall.toml")
    machine.run("test", "-e", ACCOUNTS)


def test_installing_again_finds_the_old_state(machine: Machine) -> None:
    accounts = machine.output("sha256sum", ACCOUNTS)
    install(machine, package())
    check_running(machine)
    assert machine.output("sha256sum", ACCOUNTS) == accounts
    machine.run("apt-get", "remove", "--yes", "--quiet", "sipcall")


def test_purging_leaves_nothing_but_the_accounts(machine: Machine, before: set[str]) -> None:
    machine.shell("install -m 0600 /dev/stdin /etc/credstore/sipcall.trunk.password <<X\nhidden\nX")
    machine.run("apt-get", "purge", "--yes", "--quiet", "sipcall")
    after = footprint(machine)
    assert machine.run("test", "-e", "/run/sipcall", check=False).returncode != 0
    assert sorted(line for line in after - before if not line.startswith(LEFT)) == []
    # systemd's own record of enabled units is /var/lib/systemd/deb-systemd-helper-*: emptied by dh's part of postrm.
    assert machine.shell("grep -rl sipcall /var/lib/systemd/deb-systemd-helper-enabled || true") == ""

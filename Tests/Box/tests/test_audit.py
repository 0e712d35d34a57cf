"""The journal of an installed box keeps the head of the audit log, and shows when an older log was put in its place."""

import json
from collections.abc import Iterator

import pytest
from Box.journal import JournalMark
from Box.machine import Machine
from Box.package import debug_options, install, package
from Box.upkeep import claim, wait_for_units
from Rig.deadlines import wait_until

LEDGER = "/var/lib/sipcall/web/ledger"
WEB = "sipcall-web.service"
SOCKETS = ("sipcall-web.socket", "sipcall-web-http.socket", "sipcall-web-operator.socket")


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with Machine("audit", options=debug_options()) as machine:
        install(machine, package())
        wait_for_units(machine)
        claim(machine)
        yield machine


def actions(machine: Machine) -> list[str]:
    """Of the audit log, the newest first."""
    done = machine.run("sipcall", "audit", "--json", "--limit", "100", check=False)
    return [json.loads(line)["action"] for line in done.stdout.splitlines()] if done.returncode == 0 else []


def add(machine: Machine, name: str) -> None:
    had = len(actions(machine))
    machine.output("sipcall", "user", "add", name)
    wait_until(lambda: len(actions(machine)) > had, 20, "the new account in the audit log")


def stop(machine: Machine) -> None:
    """The web process tells the journal the head of its log, and ends."""
    mark = JournalMark(machine)
    machine.output("systemctl", "stop", *SOCKETS, WEB)
    mark.wait_for("The audit log has come to entry", "SIPCALL_CODE=ledger.audit-head", seconds=20)


def start(machine: Machine) -> None:
    machine.output("systemctl", "start", *SOCKETS, WEB)
    wait_until(lambda: actions(machine), 30, "the audit log to be read")


def test_an_older_audit_log_in_the_place_of_the_newer_one_is_told_by_the_journal(machine: Machine) -> None:
    add(machine, "anna")
    stop(machine)
    machine.shell(f"mkdir /root/older /root/newer && cp -a {LEDGER}/audit.sqlite* /root/older/")
    start(machine)
    whole = machine.run("sipcall", "verify", "audit", check=False)
    assert whole.returncode == 0 and "0 heads" not in whole.stdout, whole.stdout
    add(machine, "bert")
    stop(machine)
    machine.shell(f"mv {LEDGER}/audit.sqlite* /root/newer/ && cp -a /root/older/* {LEDGER}/")
    start(machine)
    assert actions(machine).count("user.add") == 1
    found = machine.run("sipcall", "verify", "audit", check=False)
    assert found.returncode == 1 and "ledger.audit-broken" in found.stdout, found.stdout
    machine.output("systemctl", "stop", *SOCKETS, WEB)
    machine.shell(f"rm {LEDGER}/audit.sqlite* && cp -a /root/newer/* {LEDGER}/")
    start(machine)
    whole = machine.run("sipcall", "verify", "audit", check=False)
    assert whole.returncode == 0, whole.stdout


def test_a_new_master_key_and_the_recovery_key_stand_in_the_audit_log(machine: Machine) -> None:
    former = machine.output("cat", "/var/lib/sipcall/web/master.key")
    machine.output("sipcall", "change-master-key")
    assert machine.output("cat", "/var/lib/sipcall/web/master.key") != former
    assert machine.run("sipcall", "verify", "ledger", "keys", "audit", check=False).returncode == 0
    assert {"key.change-master", "key.master-changed"} <= set(actions(machine))
    machine.output("sipcall", "recovery-key")
    wait_until(lambda: "key.recovery" in actions(machine), 30, "the recovery key in the audit log")

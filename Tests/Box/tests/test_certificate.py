"""The page's certificate from an authority: Debian's pebble gives it, uacme gets it, systemd starts that, the page serves it."""

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from Box.machine import Machine
from Box.package import install, package
from Rig.deadlines import wait_until

NAME = "phone.example.org"
SETTINGS = "/etc/sipcall/sipcall.toml"
PEBBLE = {
    "pebble": {
        "listenAddress": "127.0.0.1:14000",
        "managementListenAddress": "127.0.0.1:15000",
        "certificate": "/root/authority.pem",
        "privateKey": "/root/authority.key",
        "httpPort": 80,
        "tlsPort": 443,
        "ocspResponderURL": "",
    }
}
ACME = f"""
[acme]
name = "{NAME}"
accept_terms = true
email = "owner@example.org"
directory = "https://localhost:14000/dir"
"""


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """A machine with an authority of its own, whose https the machine trusts."""
    with Machine("certificate") as machine:
        install(machine, package())
        machine.shell(f"echo 127.0.0.1 {NAME} >>/etc/hosts")
        machine.shell(
            "openssl req -x509 -nodes -newkey rsa:2048 -days 30 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
            " -keyout /root/authority.key -out /root/authority.pem 2>/dev/null"
        )
        machine.shell(f"cat >/root/pebble.json <<'X'\n{json.dumps(PEBBLE)}\nX")
        trust(machine, "/root/authority.pem", "authority")
        machine.run(
            "systemd-run", "--unit=pebble", "--setenv=PEBBLE_VA_NOSLEEP=1", "--setenv=PEBBLE_WFE_NONCEREJECT=0",
            "pebble", "-config", "/root/pebble.json",
        )  # fmt: skip
        wait_until(lambda: "newOrder" in fetched(machine, "https://localhost:14000/dir"), 20, "the authority")
        yield machine


def trust(machine: Machine, path: str, name: str) -> None:
    machine.shell(f"cp {path} /usr/local/share/ca-certificates/{name}.crt && update-ca-certificates >/dev/null 2>&1")


def fetched(machine: Machine, url: str, *options: str) -> str:
    return machine.output("curl", "--silent", "--max-time", "5", *options, url)


def state(machine: Machine) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(machine.output("sipcall", "certificate", "show", "--json"))
    return found


def shown(machine: Machine) -> str:
    """The SHA-256 of what a TLS client gets."""
    script = (
        f"openssl s_client -connect 127.0.0.1:443 -servername {NAME} </dev/null 2>/dev/null"
        " | openssl x509 -noout -fingerprint -sha256"
    )
    return machine.shell(script).partition("=")[2]


def renew(machine: Machine, *options: str) -> str:
    """Starts the unit as its timer does, or the command with options; what it said."""
    if options:
        done = machine.run("sipcall", "certificate", "renew", *options, seconds=90)
        return done.stdout + done.stderr
    machine.run("systemctl", "start", "sipcall-acme", check=False, seconds=90)
    # What a process wrote last may still be on its way.
    machine.run("journalctl", "--sync")
    return machine.journal("sipcall-acme")


def test_without_an_authority_in_the_settings_nothing_is_asked(machine: Machine) -> None:
    assert "no [acme]" in renew(machine)
    assert machine.show("sipcall-acme", "Result") == "success"
    assert state(machine)["isOwn"]
    assert shown(machine) == state(machine)["sha256"]


def test_the_authority_that_cannot_reach_the_box_gives_nothing_and_the_box_says_why(machine: Machine) -> None:
    machine.shell(f"cat >>{SETTINGS} <<'X'{ACME}X")
    machine.shell("sed -i s/127.0.0.1.phone/192.0.2.1\\ phone/ /etc/hosts")
    try:
        said = renew(machine)
    finally:
        machine.shell("sed -i s/192.0.2.1.phone/127.0.0.1\\ phone/ /etc/hosts")
        # The authority looks into that file every 5 s.
        time.sleep(6)
    assert "gave no certificate" in said and "port 80" in said, said
    assert machine.show("sipcall-acme", "Result") == "exit-code"
    assert state(machine)["isOwn"] and shown(machine) == state(machine)["sha256"]


def test_the_authority_gives_a_certificate_and_no_connection_notices(machine: Machine) -> None:
    own = shown(machine)
    # A request whose second half comes after the change.
    machine.shell(
        "cat >/root/open.sh <<'X'\n"
        "(printf 'GET / HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n'; while [ ! -e /root/go ]; do sleep 0.1; done;"
        " printf 'GET / HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n'; sleep 1)"
        " | openssl s_client -quiet -connect 127.0.0.1:443 >/root/open.log 2>/dev/null\nX"
    )
    machine.run("systemd-run", "--unit=open-connection", "--collect", "sh", "/root/open.sh")
    wait_until(lambda: "200 OK" in machine.output("cat", "/root/open.log"), 10, "the first answer")
    try:
        said = renew(machine)
        assert machine.show("sipcall-acme", "Result") == "success", said
        found = state(machine)
        assert not found["isOwn"] and found["names"] == [NAME] and "Pebble" in found["issuer"], found
        assert shown(machine) == found["sha256"] != own
    finally:
        machine.shell("touch /root/go")
    wait_until(
        lambda: machine.output("cat", "/root/open.log").count("200 OK") == 2, 10, "the second answer on the connection"
    )
    assert "settings.change" in machine.output("sipcall", "audit")
    assert machine.output("stat", "--format=%a %U:%G", "/var/lib/sipcall/acme") == "700 root:root"
    key = "/var/lib/sipcall/web/tls/given.pem"
    assert machine.output("stat", "--format=%a %U:%G", key) == "600 sipcall-web:sipcall-web"


def test_one_that_is_good_for_a_while_is_left_alone_and_force_gets_another(machine: Machine) -> None:
    before = shown(machine)
    assert "nothing was done" in renew(machine)
    assert shown(machine) == before
    renew(machine, "--force")
    assert shown(machine) == state(machine)["sha256"] != before


def test_browsers_are_told_to_insist_on_tls_once_the_machine_knows_the_authority(machine: Machine) -> None:
    address = f"https://{NAME}/"
    assert "strict-transport-security" not in fetched(machine, address, "--insecure", "--head").lower()
    machine.shell("curl --silent --cacert /root/authority.pem https://localhost:15000/roots/0 >/root/root.pem")
    trust(machine, "/root/root.pem", "root")
    machine.run("systemctl", "restart", "sipcall-web")
    wait_until(lambda: machine.is_active("sipcall-web"), 10, "sipcall-web")

    def insists() -> bool:
        # No --insecure: what the box serves is what this machine believes.
        head = fetched(machine, address, "--head").lower()
        return re.search(r"strict-transport-security: max-age=\d{8}", head) is not None

    wait_until(insists, 10, "the header")
    assert state(machine)["isVouchedFor"]
    assert "good for" in machine.output("sipcall", "doctor")


def test_without_the_client_the_remedy_is_said(machine: Machine) -> None:
    machine.shell("mv /usr/bin/uacme /usr/bin/uacme.away")
    try:
        done = machine.run("sipcall", "certificate", "renew", check=False)
    finally:
        machine.shell("mv /usr/bin/uacme.away /usr/bin/uacme")
    assert done.returncode == 1 and "apt install uacme" in done.stderr, done.stderr


def test_the_owner_goes_back_to_the_box_s_own(machine: Machine) -> None:
    machine.run("sipcall", "certificate", "remove")
    assert state(machine)["isOwn"] and shown(machine) == state(machine)["sha256"]
    # The timer gives it again: what was got is still there.
    renew(machine)
    assert not state(machine)["isOwn"]


def test_the_renewal_has_none_of_roots_powers(machine: Machine) -> None:
    said = machine.output("systemd-analyze", "security", "--no-pager", "sipcall-acme")
    exposure = re.search(r"exposure level for sipcall-acme.service: ([\d.]+)", said)
    assert exposure, said
    print(f"exposure: {exposure[1]}")
    assert float(exposure[1]) <= 2.5

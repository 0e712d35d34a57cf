"""What the units' sandboxes allow, tried from inside by a probe in the program's place.

A machine in a container refuses some things by itself (devices, the clock, kernel modules): there the probe shows that
they are refused, not that the unit's directive does it.
"""

import json
from typing import Any

import pytest
from Box.machine import Machine
from Box.root import REPOSITORY

from .conftest import Installed

ALLOWED = {
    "core": {
        "write its own state", "write /run/sipcall", "write /tmp", "read its settings", "read its credential",
        "netlink socket", "port above 1023", "send to this machine", "send to another machine",
        "connect to the control socket",
    },
    "web": {
        "write its own state", "write /tmp", "read its settings", "port above 1023", "send to this machine",
        "connect to the control socket",
    },
}  # fmt: skip
OTHER = {"core": "/var/lib/sipcall/web", "web": "/var/lib/sipcall/core"}


@pytest.fixture(scope="module")
def machine(installed: Installed) -> Machine:
    machine = installed.machine
    machine.shell("install -D -m 0600 /dev/stdin /etc/credstore/sipcall.trunk.password <<X\nhidden\nX")
    for other in OTHER.values():
        machine.shell(f"echo private >{other}/secret; chmod 0644 {other}/secret")
    # A way to 192.0.2.1, so that a refusal is the sandbox's and not for lack of a route.
    machine.shell("ip link set lo up; ip route add 192.0.2.0/24 dev lo")
    (machine.files / "usr/local/lib/probe.py").write_bytes((REPOSITORY / "Tests/Box/probe.py").read_bytes())
    return machine


def probe(machine: Machine, part: str, without: str = "") -> dict[str, str]:
    """The results of the probe under the part's own unit, less the directive `without`."""
    lines = []
    for line in (REPOSITORY / f"systemd/sipcall-{part}.service").read_text().splitlines():
        if line.startswith(("Exec", "Type=", "NotifyAccess=", "Restart=", "Timeout")):
            continue
        if not (without and line.startswith(without)):
            lines.append(line)
        if line == "[Service]":
            lines += ["Type=oneshot", f"ExecStart=/usr/bin/python3 /usr/local/lib/probe.py {OTHER[part]}"]
    unit = f"probe-{part}.service"
    (machine.files / "etc/systemd/system" / unit).write_text("\n".join(lines) + "\n")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "start", unit)
    printed = machine.output("journalctl", "--no-pager", "--quiet", "--output=cat", "--unit", unit, "--grep", "^{")
    results: dict[str, Any] = json.loads(printed.splitlines()[-1])
    return results


@pytest.mark.parametrize("part", ["core", "web"])
def test_a_part_can_do_what_it_needs_and_nothing_else(machine: Machine, part: str) -> None:
    results = probe(machine, part)
    done = {what for what, outcome in results.items() if outcome == "done"}
    refused = {what: outcome for what, outcome in results.items() if outcome != "done"}
    print(f"{part} is refused: {json.dumps(refused)}")
    assert done == ALLOWED[part]


@pytest.mark.parametrize(
    ("part", "directive", "probed"),
    [
        ("core", "ProtectSystem", "write /var/lib"),
        ("core", "RestrictAddressFamilies", "packet socket"),
        ("core", "MemoryDenyWriteExecute", "memory both writable and executable"),
        ("core", "NoExecPaths", "execute what it wrote to /var/lib/sipcall/core"),
        ("core", "ProtectProc", "see PID 1"),
        ("core", "RestrictSUIDSGID", "set-user-ID file"),
        ("core", "InaccessiblePaths", "list /var/backups"),
        ("core", "ProtectHome", "list /home"),
        ("web", "IPAddressDeny", "send to another machine"),
        ("web", "RestrictAddressFamilies", "netlink socket"),
    ],
)
def test_the_probe_notices_a_directive_that_is_missing(
    machine: Machine, part: str, directive: str, probed: str
) -> None:
    assert probe(machine, part)[probed] != probe(machine, part, without=directive)[probed]


@pytest.mark.parametrize("part", ["core", "web"])
def test_systemd_rates_the_exposure_at_most_1_5(machine: Machine, part: str) -> None:
    rating = machine.output("systemd-analyze", "security", "--no-pager", f"sipcall-{part}.service")
    figure = float(rating.splitlines()[-1].split(":")[1].split()[0])
    print(f"systemd-analyze security sipcall-{part}: {figure}")
    assert figure <= 1.5, rating

"""What a unit's sandbox lets through, tried from inside by a probe in the program's place.

A machine in a container refuses some things by itself (devices, the clock, kernel modules): there the probe shows that
they are refused, not that the unit's directive does it.
"""

import json

from .machine import Machine
from .root import REPOSITORY

PARTS = ("core", "web")
ALLOWED = {
    "core": {
        "write its own state", "write /run/sipcall", "write /tmp", "read its settings", "read its credential",
        "netlink socket", "port above 1023", "send to this machine", "send to another machine",
        "connect to the control socket",
    },
    "web": {
        "write its own state", "write /tmp", "read its settings", "port above 1023", "send to this machine",
        "send to another machine", "connect to the control socket",
    },
}  # fmt: skip
"""Whatever the probe tries besides must be refused."""

DIRECTIVES = (
    ("core", "ProtectSystem", "write /var/lib"),
    ("core", "RestrictAddressFamilies", "packet socket"),
    ("core", "MemoryDenyWriteExecute", "memory both writable and executable"),
    ("core", "NoExecPaths", "execute what it wrote to /var/lib/sipcall/core"),
    ("core", "ProtectProc", "see PID 1"),
    ("core", "RestrictSUIDSGID", "set-user-ID file"),
    ("core", "InaccessiblePaths", "list /var/backups"),
    ("core", "ProtectHome", "list /home"),
    ("web", "RestrictAddressFamilies", "netlink socket"),
    ("web", "InaccessiblePaths", "list /var/backups"),
)
"""Without this directive of that part's unit the probe gets through with that."""

OTHER = {"core": "/var/lib/sipcall/web", "web": "/var/lib/sipcall/core"}
NOT_SANDBOX = ("Exec", "Type=", "NotifyAccess=", "Restart=", "Timeout", "Watchdog", "Wants=sipcall", "After=sipcall")


def make_ready(machine: Machine) -> None:
    """Secrets to be found, and a way to another machine, so that a refusal is the sandbox's and not for lack of them."""
    machine.shell("install -D -m 0600 /dev/stdin /etc/credstore/sipcall.trunk.password <<X\nhidden\nX")
    for other in OTHER.values():
        machine.shell(f"echo private >{other}/secret; chmod 0644 {other}/secret")
    machine.shell("mkdir -p /var/backups; ip link set lo up; ip route add 192.0.2.0/24 dev lo")
    (machine.files / "usr/local/lib/probe.py").write_bytes((REPOSITORY / "Tests/Box/probe.py").read_bytes())


def probe(machine: Machine, part: str, without: tuple[str, ...] = ()) -> dict[str, str]:
    """The results of the probe under the part's own unit, less the directives that begin with one of `without`."""
    lines = []
    for line in (REPOSITORY / f"systemd/sipcall-{part}.service").read_text().splitlines():
        if line.startswith(NOT_SANDBOX):
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
    results: dict[str, str] = json.loads(printed.splitlines()[-1])
    return results


def exposure(machine: Machine, unit: str) -> float:
    """What `systemd-analyze security` rates a unit: 0 is closed, 10 open."""
    rating = machine.output("systemd-analyze", "security", "--no-pager", unit)
    return float(rating.splitlines()[-1].split(":")[1].split()[0])

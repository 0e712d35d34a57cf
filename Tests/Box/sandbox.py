"""What a unit's sandbox lets through, tried from inside by a probe in the program's place.

A machine in a container refuses some things by itself (devices, the clock, kernel modules): there the probe shows that
they are refused, not that the unit's directive does it.
"""

import json
import re
from collections.abc import Callable

from .journal import JournalMark
from .machine import Machine
from .root import REPOSITORY

PARTS = ("core", "web", "backup", "acme")
ALLOWED = {
    "core": {
        "write its own state", "write its runtime directory", "write /run/sipcall", "write /tmp", "read its settings", "read its credential",
        "netlink socket", "port above 1023", "send to this machine", "send to another machine",
        "connect to the control socket",
    },
    "web": {
        "write its own state", "write its runtime directory", "write /tmp", "read its settings", "port above 1023", "send to this machine",
        "send to another machine", "connect to the control socket",
    },
    # Root, who reads what the others keep and the hooks' settings; with root's number it also is whom PID 1 listens to.
    "backup": {
        "write its own state", "write /tmp", "read its settings", "read /etc/credstore", "list the other's state",
        "read the other's file", "list /var/backups", "list /home", "list /root", "netlink socket", "port above 1023",
        "send to this machine", "send to another machine", "become root", "signal PID 1", "see /proc/sys",
        # Whoever is in root's group sees every process.
        "see PID 1",
    },
    # Root by name, without any of root's powers: what belongs to others stays closed.
    "acme": {
        "write its own state", "write /tmp", "read its settings", "netlink socket", "port above 1023",
        "send to this machine", "send to another machine", "signal PID 1", "see PID 1",
    },
}  # fmt: skip
"""Whatever the probe tries besides must be refused."""

WITHOUT = {
    "User": "user", "UMask": "mode of a new file", "StateDirectory": "write its own state",
    "RuntimeDirectory": "write its runtime directory", "LoadCredential": "read its credential",
    "ProtectSystem": "write /var/lib", "InaccessiblePaths": "list /var/backups", "NoExecPaths": "execute what it wrote to /tmp",
    "ProtectHome": "list /home", "PrivateTmp": "see others' temporary files", "PrivateDevices": "see /dev/console",
    "ProtectProc": "see PID 1", "ProcSubset": "see /proc/sys", "CapabilityBoundingSet": "capabilities",
    "PrivateUsers": "other users", "RestrictAddressFamilies": "packet socket", "RestrictNamespaces": "new user namespace",
    "RestrictSUIDSGID": "set-user-ID file", "LockPersonality": "another personality",
    "MemoryDenyWriteExecute": "memory both writable and executable", "SystemCallFilter": "trace a process",
    "SystemCallErrorNumber": "mount", "ProtectKernelModules": "list kernel modules",
    "ProtectControlGroups": "make a control group", "LimitNOFILE": "descriptors", "LimitCORE": "core dumps",
    "Nice": "niceness", "IOSchedulingClass": "disk accesses", "backup InaccessiblePaths": "connect to the control socket",
}  # fmt: skip
"""Left out of the unit it changes the outcome of that: it refuses this for sure, whatever else would. Some by part."""

ALONE = {
    "Group": "group", "DevicePolicy": "open /dev/net/tun", "PrivateMounts": "mounts", "PrivateIPC": "message queues",
    "NoNewPrivileges": "no new privileges", "RestrictRealtime": "real-time priority", "ProtectHostname": "set the host name",
    "ProtectKernelLogs": "read the kernel log", "ProtectKernelTunables": "set a kernel's tunable",
    "OOMScoreAdjust": "when memory ends",
    "backup ProtectHome": "write /root", "backup ReadOnlyPaths": "write /run/sipcall",
}  # fmt: skip
"""Others refuse the same, so that leaving it out shows nothing: the only directive of a process of root, it changes that."""

NOT_PROVABLE = {
    "ReadWritePaths": "what NoExecPaths= names can be written to without it, and in a container most of /run, with this systemd",
    "core OOMScoreAdjust": "a machine in a container may not make a process less likely to be killed",
    "web LoadCredential": "these machines have no master key in /etc/credstore",
    "backup ProtectProc": "whoever is in root's group sees every process",
    "acme ProtectProc": "whoever is in root's group sees every process",
    "StateDirectoryMode": "the processes here share the directory; test_installed looks at its mode",
    "RuntimeDirectoryMode": "the processes here share the directory; test_installed looks at its mode",
    "AmbientCapabilities": "none is the default, too",
    "RemoveIPC": "PrivateIPC= leaves nothing to be removed",
    "KeyringMode": "a container has no key rings",
    "ProtectClock": "a container refuses it by itself",
    "SystemCallArchitectures": "only machine code of another architecture could show it",
    "TasksMax": "these machines' control groups do not count processes",
    "CPUWeight": "these machines' control groups do not share out processors",
    "OOMPolicy": "only a process that the kernel kills for want of memory could show it",
}
"""Directives whose effect no probe can see here, by part where it is that one's alone, and why."""

OTHER = {
    "core": "/var/lib/sipcall/web", "web": "/var/lib/sipcall/core", "backup": "/var/lib/sipcall/web",
    "acme": "/var/lib/sipcall/web",
}  # fmt: skip
LIFE_CYCLE = (
    "Exec", "Type", "NotifyAccess", "Restart", "Timeout", "Watchdog", "Environment", "SyslogIdentifier", "Sockets",
    "RuntimeDirectoryPreserve",
)  # fmt: skip
"""How what they begin with starts, lasts and ends: no part of the sandbox."""


def directives(part: str) -> list[tuple[str, str]]:
    """The sandbox of a part's unit: names and lines, in their order."""
    service = (REPOSITORY / f"systemd/sipcall-{part}.service").read_text().split("[Service]\n")[1].split("\n[")[0]
    lines = [(line.split("=")[0], line) for line in service.splitlines() if re.match("[A-Z]", line)]
    return [(name, line) for name, line in lines if not name.startswith(LIFE_CYCLE)]


def of_part(part: str, table: dict[str, str]) -> dict[str, str]:
    """What a table says about a part: what it says about that one alone comes first."""
    own = {name.removeprefix(f"{part} "): what for name, what in table.items() if name.startswith(f"{part} ")}
    return {name: what for name, what in table.items() if " " not in name} | own


def unproven(part: str) -> list[str]:
    """Its directives that nothing here tells anything about."""
    told = {*of_part(part, WITHOUT), *of_part(part, ALONE), *of_part(part, NOT_PROVABLE)}
    return sorted({name for name, _ in directives(part)} - told)


def make_ready(machine: Machine) -> None:
    """Secrets to be found, and a way to another machine, so that a refusal is the sandbox's and not for lack of them."""
    machine.shell("install -D -m 0600 /dev/stdin /etc/credstore/sipcall.trunk.password <<X\nhidden\nX")
    for other in OTHER.values():
        machine.shell(f"echo private >{other}/secret; chmod 0644 {other}/secret")
    machine.shell("mkdir -p /var/backups /usr/lib/modules/some; touch /tmp/of-others")
    machine.shell("ip link set lo up; ip route add 192.0.2.0/24 dev lo")
    (machine.files / "usr/local/lib/probe.py").write_bytes((REPOSITORY / "Tests/Box/probe.py").read_bytes())


def probe(machine: Machine, part: str, without: tuple[str, ...] = ()) -> dict[str, str]:
    """The results of the probe under the part's own unit, less the directives that begin with one of `without`."""
    unit = f"probe-{part}"
    return _probe(machine, {unit: _unit(part, lambda name: not (without and name.startswith(without)))})[unit]


def without_effect(machine: Machine, part: str) -> tuple[list[str], int]:
    """Which directives of the part change nothing of what they are for, and how many were tried."""
    names = {name for name, _ in directives(part)} - set(of_part(part, NOT_PROVABLE))
    tried = {name: ("without", what) for name, what in of_part(part, WITHOUT).items() if name in names}
    # What is shown for one part alone counts for it, whatever is shown otherwise.
    for name, what in of_part(part, ALONE).items():
        if name in names and (name not in tried or f"{part} {name}" in ALONE):
            tried[name] = ("alone", what)
    units = {f"probe-{part}-whole": _unit(part, lambda _: True), f"probe-{part}-bare": _unit(part, lambda _: False)}
    for name, (kind, _) in tried.items():
        keeps = (lambda other, name=name: other != name) if kind == "without" else (lambda other, name=name: other == name)
        units[f"probe-{part}-{kind}-{name}"] = _unit(part, keeps)
    results = _probe(machine, units)
    idle = []
    for name, (kind, what) in tried.items():
        usual = results[f"probe-{part}-{'whole' if kind == 'without' else 'bare'}"]
        # It may be refused all the same, by the file's mode for one, but then for another reason.
        if results[f"probe-{part}-{kind}-{name}"].get(what, "killed") == usual[what]:
            idle.append(f"{name} of {part}")
    return idle, len(tried)


def _unit(part: str, keeps: Callable[[str], bool]) -> str:
    start = ["[Service]", "Type=oneshot", f"ExecStart=/usr/bin/python3 /usr/local/lib/probe.py {OTHER[part]}"]
    if part == "backup":
        # No directory of its own is given to it: it has everybody's.
        start += ["Environment=STATE_DIRECTORY=/var/lib/sipcall"]
    # One that ends takes the directory from none of those that run beside it.
    start += ["RuntimeDirectoryPreserve=yes"]
    return "\n".join([*start, *(line for name, line in directives(part) if keeps(name))]) + "\n"


def _probe(machine: Machine, units: dict[str, str]) -> dict[str, dict[str, str]]:
    """The results by unit; none for a probe that was killed. They run side by side."""
    mark = JournalMark(machine)
    for unit, text in units.items():
        (machine.files / f"etc/systemd/system/{unit}.service").write_text(text)
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "start", *units, check=False)
    results: dict[str, dict[str, str]] = {unit: {} for unit in units}
    for entry in mark.entries():
        unit = str(entry.get("_SYSTEMD_UNIT", "")).removesuffix(".service")
        if unit in units and str(entry["MESSAGE"]).startswith("{"):
            results[unit] = json.loads(entry["MESSAGE"])
    return results


def exposure(machine: Machine, unit: str) -> float:
    """What `systemd-analyze security` rates a unit: 0 is closed, 10 open."""
    rating = machine.output("systemd-analyze", "security", "--no-pager", unit)
    return float(rating.splitlines()[-1].split(":")[1].split()[0])

"""What a running box is judged by from outside: its units, its memory, and what it keeps."""

import json
from dataclasses import dataclass

from Rig.box import PASSWORD
from Rig.deadlines import wait_until

from .machine import Machine
from .package import UNITS

CHANGE = "# a local change"
"""What an administrator added to sipcall.toml."""


def wait_for_units(machine: Machine, seconds: float = 30) -> None:
    """Until every unit runs and the box answers."""
    for unit in UNITS:
        wait_until(lambda unit=unit: machine.is_active(unit), seconds, f"{unit} to run")  # type: ignore[misc]
    wait_until(lambda: answers(machine), seconds, "the box to answer `sipcall status`")


def claim(machine: Machine, password: str = PASSWORD) -> None:
    """Makes a new box somebody's by a command, as the account admin; returns once the core has opened its ports."""
    machine.shell(f"printf '%s\\n' '{password}' | sipcall user password")
    wait_until(lambda: not waits_to_be_claimed(machine), 15, "the core to open its ports")


def waits_to_be_claimed(machine: Machine) -> bool:
    """By the core's own word; true as well while it begins anew."""
    done = machine.run("sipcall", "status", "--json", check=False)
    return done.returncode != 0 or bool(json.loads(done.stdout).get("waitsToBeClaimed"))


def answers(machine: Machine) -> bool:
    return machine.run("sipcall", "status", check=False).returncode == 0


def unit_memory(machine: Machine) -> dict[str, int]:
    """Resident bytes of every process of the box, by name and number."""
    found = {}
    for unit in UNITS:
        if unit.endswith(".service"):
            group = f"/sys/fs/cgroup/system.slice/{unit}/cgroup.procs"
            for process in machine.output("cat", group).split():
                size = int(machine.output("ps", "-o", "rss=", "-p", process) or 0) * 1024
                found[f"{unit.removesuffix('.service')} ({process})"] = size
    return found


@dataclass(frozen=True)
class Kept:
    """What has to survive everything but a purge: settings with their owner, and the files of the state directories."""

    lines: frozenset[str]

    @classmethod
    def of(cls, machine: Machine) -> "Kept":
        # Databases change while they are open: those of calls are compared as the page shows them.
        script = (
            "cd /; find etc/sipcall var/lib/sipcall -type f ! -name '*.sqlite*' -exec sha256sum {} +;"
            "find etc/sipcall var/lib/sipcall ! -name '*-wal' ! -name '*-shm' -printf '%p %m %u:%g\\n'"
        )
        return cls(frozenset(machine.shell(script).splitlines()))

    def difference(self, later: "Kept") -> str:
        """What is missing or different later; what was added since does not count."""
        return "; ".join(sorted(self.lines - later.lines))

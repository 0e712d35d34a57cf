"""A machine whose disks can only be read any more, as the kernel makes them when they fail."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

from Rig.deadlines import wait_until

from .machine import Machine
from .state_disk import StateDisk
from .upkeep import wait_for_units


@contextlib.contextmanager
def read_only(machine: Machine, state: StateDisk) -> Iterator[None]:
    """The root and the state's own disk take no more writes, in every mount of them; what lies in memory does (/run, /tmp)."""
    # A journal that is kept on the disk would hold it: the kernel takes only a disk away from under a writer that has failed.
    machine.shell(
        "install -D -m 0644 /dev/stdin /run/systemd/journald.conf.d/rig.conf <<X\n[Journal]\nStorage=volatile\nX\n"
        "systemctl restart systemd-journald"
    )
    places = (machine.files, state.files)
    # Their databases are open for writing; they start again on disks that are read-only already.
    machine.run("systemctl", "stop", "sipcall.target")
    for part in ("core", "web"):
        ended = lambda part=part: machine.show(f"sipcall-{part}", "ActiveState") == "inactive"  # noqa: E731
        wait_until(ended, 10, f"sipcall-{part} to end")
    try:
        for place in places:
            # Refused while a file is open for writing.
            wait_until(lambda place=place: _remount(place, "ro"), 10, f"{place} to be without writers", pause=0.1)  # type: ignore[misc]
        machine.run("systemctl", "start", "sipcall.target")
        wait_for_units(machine)
        yield
    finally:
        for place in places:
            _remount(place, "rw")


def _remount(place: Path, how: str) -> bool:
    done = subprocess.run(["mount", "-o", f"remount,{how}", str(place)], capture_output=True)
    return done.returncode == 0

"""A machine whose disks can only be read any more, as the kernel makes them when they fail."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

from Rig.deadlines import wait_until

from .machine import Machine
from .state_disk import StateDisk


@contextlib.contextmanager
def read_only(machine: Machine, state: StateDisk) -> Iterator[None]:
    """The root and the state's own disk take no more writes, in every mount of them; what lies in memory does (/run, /tmp)."""
    # A journal that is kept on the disk would hold it: the kernel takes only a disk away from under a writer that has failed.
    machine.shell(
        "install -D -m 0644 /dev/stdin /run/systemd/journald.conf.d/rig.conf <<X\n[Journal]\nStorage=volatile\nX\n"
        "systemctl restart systemd-journald"
    )
    places = (machine.files, state.files)
    try:
        for place in places:
            # Refused while a file is open for writing.
            wait_until(lambda place=place: _remount(place, "ro"), 10, f"{place} to be without writers", pause=0.1)  # type: ignore[misc]
        yield
    finally:
        for place in places:
            _remount(place, "rw")


def _remount(place: Path, how: str) -> bool:
    done = subprocess.run(["mount", "-o", f"remount,{how}", str(place)], capture_output=True)
    return done.returncode == 0

"""The wall clock of one part, set while it runs: the machines share theirs with the whole computer, which nobody may set."""

import struct
import subprocess
import time
from pathlib import Path

from .machine import Machine

LIBRARY = "/usr/lib/rig-clock.so"
PLACE = "/etc/rig-clock"
"""The seconds by which the wall clock is off, as a native 64-bit integer: the library maps the file into the program."""


def prepare(machine: Machine) -> None:
    """Builds the library of clock.c into the machine."""
    source = Path(__file__).with_name("clock.c")
    target = machine.files / LIBRARY.lstrip("/")
    subprocess.run(["cc", "-O2", "-Wall", "-shared", "-fPIC", "-o", str(target), str(source), "-ldl"], check=True)
    set_clock(machine, 0)


def follow(machine: Machine, part: str) -> None:
    """From its next start on the part's clock is the one that `set_clock` sets."""
    place = f"/etc/systemd/system/sipcall-{part}.service.d/clock.conf"
    lines = f"[Service]\nEnvironment=LD_PRELOAD={LIBRARY} RIG_CLOCK={PLACE}\n"
    machine.shell(f"install -D -m 0644 /dev/stdin {place} <<'X'\n{lines}X\nsystemctl daemon-reload")


def set_clock(machine: Machine, ahead: int) -> None:
    """By how many seconds the clock is ahead of the right time from now on."""
    place = machine.files / PLACE.lstrip("/")
    # In place, one write: it is mapped.
    with place.open("r+b" if place.exists() else "wb", buffering=0) as file:
        file.write(struct.pack("=q", ahead))


def since_1970(seconds: int) -> int:
    """What `set_clock` has to be told for the clock to show that moment now."""
    return seconds - int(time.time())

"""A disk that does not answer one part of the box, from its next start on and for as long as wanted."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

from .machine import Machine

LIBRARY = "/usr/lib/rig-silence.so"
MARK = "/etc/rig-silence"


def prepare(machine: Machine, part: str) -> None:
    """From its next start on the part's disk is one that `silent` holds."""
    source = Path(__file__).with_name("silence.c")
    target = machine.files / LIBRARY.lstrip("/")
    subprocess.run(["cc", "-O2", "-Wall", "-shared", "-fPIC", "-o", str(target), str(source), "-ldl"], check=True)
    lines = f"[Service]\nEnvironment=LD_PRELOAD={LIBRARY} RIG_SILENCE={MARK}\n"
    machine.shell(f"install -D -m 0644 /dev/stdin {_place(part)} <<'X'\n{lines}X\nsystemctl daemon-reload")


def forget(machine: Machine, part: str) -> None:
    machine.shell(f"rm -f {_place(part)} {MARK}; systemctl daemon-reload")


@contextlib.contextmanager
def silent(machine: Machine) -> Iterator[None]:
    """Within, whoever waits for the disk waits."""
    mark = machine.files / MARK.lstrip("/")
    mark.touch()
    try:
        yield
    finally:
        mark.unlink(missing_ok=True)


def _place(part: str) -> str:
    return f"/etc/systemd/system/sipcall-{part}.service.d/silence.conf"

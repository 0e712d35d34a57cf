"""Runs the rig in namespaces of its own: network, mounts and processes.

Whatever ends the rig, even SIGKILL, the kernel then ends every process it started and removes every network it made,
and the machine's own network is never touched. Without root a user namespace stands in, where the kernel allows that.
"""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

MARK = "SIPCALL_RIG_ISOLATED"
GRACE_SECONDS = 15
_PR_SET_PDEATHSIG = 1


def isolated(module: str, arguments: Sequence[str]) -> int | None:
    """Runs `python -m module arguments` inside fresh namespaces and returns its exit code; None when already inside."""
    if os.environ.get(MARK) == "1":
        _prepare()
        return None
    as_root = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    command = [
        "unshare", *as_root, "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc",
        sys.executable, "-m", module, *arguments,
    ]  # fmt: skip
    child = subprocess.Popen(
        command, env={**os.environ, MARK: "1"}, start_new_session=True, preexec_fn=_die_with_parent
    )

    def stop(number: int, frame: FrameType | None) -> None:
        # unshare itself blocks these signals; the rig below it cleans up on SIGTERM.
        for inner in _children(child.pid):
            os.kill(inner, signal.SIGTERM)
        signal.signal(signal.SIGALRM, lambda *_: child.kill())
        signal.alarm(GRACE_SECONDS)

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    return child.wait()


def _die_with_parent() -> None:
    # unshare hands the same on to the rig (--kill-child).
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _prepare() -> None:
    # A private place for the names of network namespaces, so that two rigs can run at once.
    names = Path("/run/netns")
    place = names if names.is_dir() else Path("/run")
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(place)], check=True)
    names.mkdir(exist_ok=True)

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)


def _children(process: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except FileNotFoundError:
        return []

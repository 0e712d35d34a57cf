"""Programs that the rig starts: each with a log file, a deadline to come up, and an end."""

import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from .deadlines import RigError, wait_until

STOP_SECONDS = 8


class Program:
    """A running program whose output goes to `log`. A context manager: leaving it ends the program."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        environment: Mapping[str, str] | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.name = name
        self.log = log
        self._stop_signal = stop_signal
        self._position = log.stat().st_size if log.exists() else 0
        with log.open("ab") as sink:
            try:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=sink,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, **(environment or {})},
                    start_new_session=True,
                )
            except FileNotFoundError as missing:
                raise RigError(f"{name} is missing: {missing.filename}") from missing

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def output(self) -> str:
        """What this start of the program has written so far."""
        with self.log.open("rb") as source:
            source.seek(self._position)
            return source.read().decode(errors="replace")

    def require_running(self) -> None:
        """Raises RigError with the end of the log when the program has exited."""
        if self.exit_code is not None:
            tail = "\n".join(self.output().splitlines()[-15:])
            raise RigError(f"{self.name} exited with {self.exit_code}; its last lines:\n{tail}")

    def wait_for_output(self, pattern: str, seconds: float) -> re.Match[str]:
        """The first match of `pattern` in the output; RigError when the program exits before."""

        def found() -> re.Match[str] | None:
            match = re.search(pattern, self.output(), re.MULTILINE)
            if match is None:
                self.require_running()
            return match

        return wait_until(found, seconds, f"{self.name} to write /{pattern}/")

    def wait_for_exit(self, seconds: float) -> int:
        """The exit code, within `seconds`."""
        wait_until(lambda: self.exit_code is not None, seconds, f"{self.name} to exit")
        return self._process.returncode

    def stop(self) -> int:
        """Asks the program to end, insists after 8 s, and returns its exit code."""
        if self.exit_code is None:
            self._process.send_signal(self._stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
        # Whatever it started ends with it: it has a process group of its own.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        return self._process.wait()

    def __enter__(self) -> "Program":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def process_tree(root: int) -> list[int]:
    """`root` and everything below it, parents first."""
    found = [root]
    for parent in found:
        # Any of them may end while it is being looked at.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for thread in os.listdir(f"/proc/{parent}/task"):
                children = Path(f"/proc/{parent}/task/{thread}/children")
                with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                    found += [int(word) for word in children.read_text().split()]
    return found


def open_descriptors(process: int) -> int:
    """How many descriptors a process holds, as the kernel counts them."""
    return len(os.listdir(f"/proc/{process}/fd"))


def resident_kilobytes(process: int) -> int:
    """VmRSS of a process in KiB."""
    match = re.search(r"^VmRSS:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text(), re.MULTILINE)
    return int(match.group(1)) if match else 0


def cpu_seconds(process: int) -> float:
    """What a process has used so far, in user space and in the kernel, all its threads together."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def pin(processes: Iterable[int], core: int) -> None:
    """Leaves these processes nothing but one processor core. Threads and children that they start later stay there too."""
    for process in processes:
        for thread in os.listdir(f"/proc/{process}/task"):
            # It may have ended meanwhile.
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(int(thread), {core})


def threads(process: int) -> int:
    """How many threads a process has."""
    return len(os.listdir(f"/proc/{process}/task"))

"""One throw-away machine: a copy of the root that is written to memory, with a real systemd as PID 1."""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from Rig.deadlines import RigError, wait_until
from Rig.namespaces import Namespace
from Rig.programs import Program, process_tree

from .root import FOLDER, root

BOOT_SECONDS = 30
ENVIRONMENT = [
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME=/root", "TERM=dumb", "LANG=C.UTF-8", "DEBIAN_FRONTEND=noninteractive",
]  # fmt: skip


class Machine:
    """A context manager: entering it boots the machine, leaving it ends it and forgets all it wrote."""

    def __init__(self, name: str, network: Namespace | None = None, options: Sequence[str] = ()) -> None:
        """`network` is where it is connected; without one it has only itself. `options` go to systemd-nspawn."""
        # Machines of several test runs live beside each other; each run counts its processes from 1.
        self.name = f"box-{name}-{secrets.token_hex(3)}"
        self.folder = FOLDER / "run" / self.name
        self.files = self.folder / "merged"
        cable = "--private-network" if network is None else f"--network-namespace-path=/run/netns/{network.name}"
        self._options = [cable, *options]
        self._program: Program | None = None

    def __enter__(self) -> "Machine":
        try:
            self._mount()
            boot = Path(__file__).parent / "boot"
            command = [str(boot), self.name, str(self.files), *self._options]
            self._program = Program(f"the machine {self.name}", command, self.folder / "console.log")
            wait_until(self._is_up, BOOT_SECONDS, f"{self.name} to boot")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._program is not None:
            if (init := self._init()) is not None:
                # SIGRTMIN+4 is poweroff.target to systemd.
                with contextlib.suppress(ProcessLookupError):
                    os.kill(init, signal.SIGRTMIN + 4)
                with contextlib.suppress(RigError):
                    self._program.wait_for_exit(10)
            self._program.stop()
            self._program = None
        for place in (self.files, self.folder / "written"):
            subprocess.run(["umount", "--lazy", str(place)], capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        for hierarchy in ("unified", "systemd", "."):
            for group in sorted(Path("/sys/fs/cgroup", hierarchy, self.name).glob("**/"), reverse=True):
                with contextlib.suppress(OSError):
                    group.rmdir()

    def command(self, *command: str) -> list[str]:
        """What to run here for `command` to run inside as root."""
        init = self._init()
        if init is None:
            raise RigError(f"{self.name} is not running")
        enter = ["nsenter", f"--target={init}", "--mount", "--pid", "--net", "--ipc", "--uts", "--cgroup", "--"]
        return [*enter, "env", "-i", *ENVIRONMENT, *command]

    def reaching(self, *command: str) -> list[str]:
        """What to run here for `command` to run here, but in the machine's network."""
        init = self._init()
        if init is None:
            raise RigError(f"{self.name} is not running")
        return ["nsenter", f"--target={init}", "--net", "--", *command]

    def run(self, *command: str, check: bool = True, seconds: float = 60) -> subprocess.CompletedProcess[str]:
        """Runs a command inside as root; RigError with its output when `check` is set and it fails."""
        done = subprocess.run(
            self.command(*command), capture_output=True, text=True, timeout=seconds, stdin=subprocess.DEVNULL, cwd="/"
        )
        if check and done.returncode != 0:
            raise RigError(f"`{' '.join(command)}` exits with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done

    def output(self, *command: str) -> str:
        """What a command inside prints, without the last line's end; "" when it fails without output."""
        return self.run(*command, check=False).stdout.rstrip("\n")

    def shell(self, script: str, check: bool = True) -> str:
        """What a piece of shell prints."""
        return self.run("sh", "-euc", script, check=check).stdout.rstrip("\n")

    def show(self, unit: str, key: str) -> str:
        """One property of a unit."""
        return self.output("systemctl", "show", unit, "--property", key, "--value")

    def main_process(self, unit: str) -> int:
        """The unit's main process as the machine numbers it; 0 when there is none."""
        return int(self.show(unit, "MainPID") or 0)

    def is_active(self, unit: str) -> bool:
        return self.run("systemctl", "is-active", "--quiet", unit, check=False).returncode == 0

    def journal(self, unit: str) -> str:
        """What the unit wrote to the journal since the last boot."""
        return self.output("journalctl", "--no-pager", "--quiet", "--boot", "--output=cat", f"--unit={unit}")

    def reboot(self) -> None:
        """Returns when the machine is up again."""
        before = self._init()
        self.run("systemctl", "reboot", check=False)
        wait_until(lambda: self._init() not in (before, None), BOOT_SECONDS, f"{self.name} to go down")
        wait_until(self._is_up, BOOT_SECONDS, f"{self.name} to boot again")

    def _mount(self) -> None:
        written = self.folder / "written"
        for place in (self.files, written):
            place.mkdir(parents=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2G", "tmpfs", str(written)], check=True)
        (written / "upper").mkdir()
        (written / "work").mkdir()
        layers = f"lowerdir={root()},upperdir={written}/upper,workdir={written}/work"
        subprocess.run(["mount", "-t", "overlay", "-o", layers, "overlay", str(self.files)], check=True)

    def _is_up(self) -> bool:
        if self._program is not None:
            self._program.require_running()
        return self._init() is not None and self.is_active("multi-user.target")

    def _init(self) -> int | None:
        """PID 1 of the machine, as this process numbers it; found anew each time, for a reboot makes another."""
        if self._program is None or self._program.exit_code is not None:
            return None
        for process in process_tree(self._program.pid):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                for line in Path(f"/proc/{process}/status").read_text().splitlines():
                    if line.startswith("NSpid:") and line.split()[1:] == [str(process), "1"]:
                        return process
        return None

"""A small disk of its own for the box's state: it can be filled up, held still, and fail."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from Rig.deadlines import RigError

from .machine import Machine

PLACE = "/var/lib/sipcall"
SIZE = 64 << 20


class StateDisk:
    """An ext4 file system in a file. A context manager; `options` start a machine with it."""

    def __init__(self, folder: Path) -> None:
        self._image = folder / "state.img"
        self.files = folder / "state"
        """Its contents, as this process sees them."""

    def __enter__(self) -> "StateDisk":
        self.files.mkdir()
        with self._image.open("wb") as image:
            image.truncate(SIZE)
        subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(self._image)], check=True)
        self._mount()
        return self

    def __exit__(self, *_: object) -> None:
        # A disk that is still held would keep its writers, and this process, for ever.
        subprocess.run(["fsfreeze", "--unfreeze", str(self.files)], capture_output=True)
        subprocess.run(["umount", "--lazy", str(self.files)], capture_output=True)

    @property
    def options(self) -> tuple[str, ...]:
        return (f"--bind={self.files}:{PLACE}",)

    @contextlib.contextmanager
    def full(self) -> Iterator[None]:
        """Not one block is free within."""
        ballast = self.files / "ballast"
        with ballast.open("wb", buffering=0) as file:
            for size in (1 << 20, 4096):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(bytes(size))
        try:
            yield
        finally:
            ballast.unlink()

    def fail(self) -> None:
        """The kernel finds an error and takes no more writes, under everybody who has files open, until the disk is replaced."""
        # As Debian installs it; to the kernel an error that it was told to find is one.
        Path("/sys/fs/ext4", Path(self._device()).name, "trigger_fs_error").write_text("1")

    def replace(self, machine: Machine) -> None:
        """What a failed disk holds, checked and mended on another one, in its place on the machine: nothing may use it there."""
        # The failed one itself stays with those that still have it mounted.
        mended = self._image.with_suffix(".mended.img")
        shutil.copy(self._image, mended)
        subprocess.run(["umount", "--lazy", str(self.files)], check=True)
        checked = subprocess.run(["e2fsck", "-f", "-y", str(mended)], capture_output=True, text=True)
        # 1: mended.
        if checked.returncode not in (0, 1):
            raise RigError(f"e2fsck exits with {checked.returncode}: {checked.stdout}{checked.stderr}")
        self._image = mended
        self._mount()
        number = os.stat(self._device()).st_rdev
        node = f"/dev/state-{os.minor(number)}"
        machine.shell(
            f"umount --lazy {PLACE}; mknod {node} b {os.major(number)} {os.minor(number)}; mount {node} {PLACE}"
        )

    def _mount(self) -> None:
        command = ["mount", "-o", "loop,errors=remount-ro", str(self._image), str(self.files)]
        subprocess.run(command, check=True)

    def _device(self) -> str:
        command = ["findmnt", "--noheadings", "--output=SOURCE", str(self.files)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Every write and fsync within waits until the end."""
        subprocess.run(["fsfreeze", "--freeze", str(self.files)], check=True)
        try:
            yield
        finally:
            subprocess.run(["fsfreeze", "--unfreeze", str(self.files)], check=True)

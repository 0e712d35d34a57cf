"""A small disk of its own for the box's state: it can be filled up, and held still."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

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
        subprocess.run(["mount", "-o", "loop", str(self._image), str(self.files)], check=True)
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

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Every write and fsync within waits until the end."""
        subprocess.run(["fsfreeze", "--freeze", str(self.files)], check=True)
        try:
            yield
        finally:
            subprocess.run(["fsfreeze", "--unfreeze", str(self.files)], check=True)

"""A disk that fails when it is told to: disk.c between the box and the kernel."""

import mmap
import os
import struct
import subprocess
from pathlib import Path
from types import TracebackType

FULL, BROKEN, TORN = 1, 2, 3
"""No room (ENOSPC); errors of reading and writing (EIO); half of one write, and the process is gone."""
_ORDER = struct.Struct("=iiiii")


class Disk:
    """For the files below a directory. A context manager; programs that are started with `environment` meet it."""

    def __init__(self, folder: Path, below: Path) -> None:
        source, library, self._path = Path(__file__).with_name("disk.c"), folder / "disk.so", folder / "disk-order"
        subprocess.run(["cc", "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
        self._path.write_bytes(bytes(mmap.PAGESIZE))
        self.environment = {
            "LD_PRELOAD": str(library), "RIG_DISK": str(self._path), "RIG_DISK_BELOW": os.path.realpath(below)
        }  # fmt: skip

    def __enter__(self) -> "Disk":
        with self._path.open("r+b") as file:
            self._page = mmap.mmap(file.fileno(), mmap.PAGESIZE)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._page.close()

    def fail(self, mode: int, process: int, before: int, count: int) -> None:
        """From its operation number `before` on, `count` operations of the process fail."""
        # The mode comes last: it makes the others count.
        struct.pack_into("=iiii", self._page, 4, process, before, count, 0)
        struct.pack_into("=i", self._page, 0, mode)

    def mend(self) -> int:
        """All is well again; how many operations have failed."""
        struct.pack_into("=i", self._page, 0, 0)
        return self.failed

    @property
    def failed(self) -> int:
        return int(_ORDER.unpack_from(self._page, 0)[4])

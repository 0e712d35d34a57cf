"""The .deb of this tree: the one at hand when it was made from the same files, a new one otherwise."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from Rig.deadlines import RigError

from .root import REPOSITORY

FOLDER = REPOSITORY / ".build" / "deb"
# Whatever ends up in the package, or decides how it is built. A change of the tests makes no other package.
INPUTS = ["Package.swift", "Package.resolved", "README.md", "Sources", "debian", "packaging/build-deb", "rootfs", "systemd"]  # fmt: skip


def built() -> Path:
    """The package that SIPCALL_DEB names, or this tree's, which takes 5 to 15 minutes to make and the network."""
    if named := os.environ.get("SIPCALL_DEB"):
        if not Path(named).is_file():
            raise RigError(f"SIPCALL_DEB names {named}, which is not there")
        return Path(named).resolve()
    note, wanted = FOLDER / "made-from", fingerprint()
    if (deb := _newest()) is not None and note.exists() and note.read_text() == wanted:
        return deb
    note.unlink(missing_ok=True)
    # A clean tree gives the package of its commit, date and all.
    options = ["--working-tree"] if _git("status", "--porcelain", "--", *INPUTS) else []
    print(f"box: building the package of {'this tree' if options else 'the last commit'}, which takes a while", flush=True)
    log = FOLDER / "build.log"
    FOLDER.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as sink:
        done = subprocess.run(
            [str(REPOSITORY / "packaging" / "build-deb"), *options], stdout=sink, stderr=subprocess.STDOUT
        )
    deb = _newest()
    if done.returncode != 0 or deb is None:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-25:])
        raise RigError(f"packaging/build-deb exits with {done.returncode}; the end of {log}:\n{tail}")
    note.write_text(wanted)
    return deb


def fingerprint() -> str:
    """Of everything that the package is made from, and of the compiler."""
    digest = hashlib.sha256(subprocess.run(["swift", "--version"], capture_output=True).stdout)
    names = {*_git("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *INPUTS).split("\0")}
    # Not part of the repository, yet it decides which versions are linked.
    for name in sorted((names | {"Package.resolved"}) - {""}):
        file = REPOSITORY / name
        if file.is_file():
            digest.update(f"{name}\0{file.stat().st_mode & 0o100}\0".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def debug_program() -> Path:
    """The debug build of this tree: it alone has the switch that wedges a part on purpose."""
    program = REPOSITORY / ".build" / "debug" / "sipcall"
    if not os.access(program, os.X_OK):
        raise RigError(f"there is no {program}: build it with `swift build --product sipcall`")
    return program


def swift_runtime() -> Path:
    """The folder of the libraries that a debug build is linked with."""
    compiler = shutil.which("swift")
    if compiler is None:
        raise RigError("Swift is not on the PATH")
    return Path(compiler).resolve().parents[1] / "lib" / "swift" / "linux"


def _newest() -> Path | None:
    return max(FOLDER.glob("sipcall_*.deb"), key=lambda path: path.stat().st_mtime, default=None)


def _git(*arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(REPOSITORY), *arguments], check=True, capture_output=True, text=True
    ).stdout

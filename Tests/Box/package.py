"""The .deb under test, and newer versions of it without building anything."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from Rig.deadlines import RigError

from .machine import Machine
from .root import REPOSITORY

UNITS = ["sipcall-core.service", "sipcall-web.service", "sipcall.target"]


def package() -> Path:
    """SIPCALL_DEB, or the newest package in .build/deb."""
    if named := os.environ.get("SIPCALL_DEB"):
        return Path(named).resolve()
    built = sorted((REPOSITORY / ".build" / "deb").glob("sipcall_*.deb"), key=lambda path: path.stat().st_mtime)
    if not built:
        raise RigError("there is no package to test: build one with `packaging/build-deb`")
    return built[-1]


def renumbered(deb: Path, version: str, folder: Path) -> Path:
    """The same package under another version."""
    contents, result = folder / "contents", folder / f"sipcall_{version}.deb"
    shutil.rmtree(contents, ignore_errors=True)
    subprocess.run(["dpkg-deb", "--raw-extract", str(deb), str(contents)], check=True)
    control = contents / "DEBIAN" / "control"
    control.write_text(re.sub(r"^Version: .*$", f"Version: {version}", control.read_text(), flags=re.MULTILINE))
    # Fast, not small: it lives for one test.
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "-Znone", "--build", str(contents), str(result)],
        check=True, capture_output=True,
    )  # fmt: skip
    shutil.rmtree(contents)
    return result


def install(machine: Machine, deb: Path, *options: str) -> str:
    """Installs or upgrades as an administrator would; what the terminal showed."""
    place = machine.files / "var" / "cache" / "rig"
    place.mkdir(exist_ok=True)
    shutil.copy(deb, place / deb.name)
    shown = machine.run("apt-get", "install", "--yes", "--quiet", *options, f"/var/cache/rig/{deb.name}", seconds=120)
    (place / deb.name).unlink()
    return shown.stdout


def footprint(machine: Machine) -> set[str]:
    """Every file of the system, users and groups: what a purge must leave as it was."""
    passing = "proc sys dev run tmp var/cache var/log var/tmp var/lib/dpkg var/lib/apt var/lib/systemd".split()
    skipped = " -o ".join(f"-path /{place}" for place in passing)
    files = machine.shell(f"find / -xdev \\( {skipped} \\) -prune -o -print")
    accounts = machine.shell("getent passwd; getent group")
    return {f"file {line}" for line in files.splitlines()} | {f"account {line}" for line in accounts.splitlines()}

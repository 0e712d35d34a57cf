"""The .deb under test, and newer versions of it without building anything."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from Rig.deadlines import RigError

from .built import debug_program, swift_runtime
from .machine import Machine

UNITS = [
    "sipcall-core.service", "sipcall-web.service", "sipcall-web.socket", "sipcall-web-http.socket",
    "sipcall-web-operator.socket", "sipcall-acme.timer", "sipcall-backup.timer", "sipcall-backup.path",
    "sipcall.target",
]  # fmt: skip


def package() -> Path:
    """The .deb under test, as `prepare` of the tier found or built it."""
    named = os.environ.get("SIPCALL_DEB")
    if named is None:
        raise RigError("SIPCALL_DEB names no package")
    return Path(named)


def renumbered(deb: Path, version: str, folder: Path, change: Callable[[Path], None] | None = None) -> Path:
    """The same package under another version; `change` may alter the unpacked tree (its scripts lie in DEBIAN)."""
    contents, result = folder / f"contents-{version}", folder / f"sipcall_{version}.deb"
    subprocess.run(["dpkg-deb", "--raw-extract", str(deb), str(contents)], check=True)
    control = contents / "DEBIAN" / "control"
    control.write_text(re.sub(r"^Version: .*$", f"Version: {version}", control.read_text(), flags=re.MULTILINE))
    if change is not None:
        change(contents)
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


def debug_options() -> list[str]:
    """What a machine is started with that is to run the debug build."""
    runtime = swift_runtime()
    return [f"--bind-ro={runtime}:{runtime}"]


def install_debug_build(machine: Machine) -> None:
    """Puts the debug build in the place of the installed program and starts it: the one with the fault switch."""
    program = machine.files / "usr" / "bin" / "sipcall"
    # In the way of an upgrade: the old file lives on in the processes that run it.
    shutil.copy(debug_program(), program.with_suffix(".new"))
    program.with_suffix(".new").replace(program)
    machine.run("systemctl", "restart", "sipcall.target")


def footprint(machine: Machine) -> set[str]:
    """Every file of the system, users and groups: what a purge must leave as it was."""
    passing = "proc sys dev run tmp var/cache var/log var/tmp var/lib/dpkg var/lib/apt var/lib/systemd".split()
    skipped = " -o ".join(f"-path /{place}" for place in passing)
    files = machine.shell(f"find / -xdev \\( {skipped} \\) -prune -o -print")
    # Of what systemd keeps, when its timers ran last is the package's.
    files += "\n" + machine.shell("find /var/lib/systemd/timers -name 'stamp-sipcall*' 2>/dev/null || true")
    accounts = machine.shell("getent passwd; getent group")
    return {f"file {line}" for line in files.splitlines()} | {f"account {line}" for line in accounts.splitlines()}

"""Debian's own judges of a package: lintian, piuparts, autopkgtest."""

import re
import shutil
import subprocess
from pathlib import Path

from .machine import Machine
from .root import REPOSITORY, root

# What debconf and systemd leave, whatever the package.
PIUPARTS_IGNORED = ["/var/cache/debconf/tmp.ci/?", "/var/lib/systemd/catalog/database"]


def lintian(deb: Path) -> list[str]:
    """Its errors and warnings about a package."""
    command = ["lintian", "--allow-root", "--display-level", ">=warning", "--suppress-tags=initial-upload-closes-no-bugs"]
    done = subprocess.run([*command, str(deb)], capture_output=True, text=True)
    found = [line for line in done.stdout.splitlines() if line.startswith(("E:", "W:"))]
    # Anything else it says is about itself.
    return found if found or done.returncode == 0 else [done.stderr.strip() or f"lintian exits with {done.returncode}"]


def piuparts(old: Path, new: Path, folder: Path) -> str:
    """Installs and purges `new`, then `old` with an upgrade to `new`, in a bare tree; "" or what it complains about."""
    repository = folder / "repository"
    repository.mkdir()
    shutil.copy(old, repository)
    index = subprocess.run(["dpkg-scanpackages", "."], cwd=repository, check=True, capture_output=True)
    (repository / "Packages").write_bytes(index.stdout)
    command = [
        "piuparts", f"--existing-chroot={root()}", "--keep-sources-list", f"--bindmount={repository}",
        f"--extra-repo=deb [trusted=yes] file:{repository} ./", "--skip-minimize", "--no-eatmydata",
        "--distribution=bookworm", "--mirror=http://127.0.0.1/none", f"--tmpdir={folder}",
        *(f"--ignore-regex={path}" for path in PIUPARTS_IGNORED), str(new),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True)
    shutil.rmtree(repository)
    if done.returncode == 0:
        return ""
    # Each complaint is an ERROR with indented lines below it.
    return " ".join(re.findall(r"ERROR: (FAIL: .*(?:\n  .*)*)", done.stdout + done.stderr)) or done.stdout[-500:]


def autopkgtest(machine: Machine, deb: Path) -> str:
    """The package's own tests (debian/tests) on a machine; "" or the end of what failed."""
    place = machine.files / "var" / "cache" / "rig"
    shutil.copytree(REPOSITORY / "debian", place / "source" / "debian")
    shutil.copy(deb, place / "sipcall.deb")
    command = ["env", "PYTHONDONTWRITEBYTECODE=1", "autopkgtest", "--no-built-binaries", "/var/cache/rig/sipcall.deb", "/var/cache/rig/source//", "--", "null"]
    done = machine.run(*command, check=False, seconds=180)
    shutil.rmtree(place)
    return "" if done.returncode == 0 else "\n".join((done.stdout + done.stderr).splitlines()[-25:])

"""The Debian that every machine starts from: made once, kept in .build/box, never written to afterwards."""

import os
import shutil
import subprocess
from pathlib import Path

from Rig.deadlines import RigError

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = REPOSITORY / ".build" / "box"

# The machines have no network: whatever the package depends on, and the tests use, has to be there.
PACKAGES = [
    "systemd", "systemd-sysv", "dbus", "age", "apt", "autopkgtest", "ca-certificates", "curl", "dpkg-dev", "iproute2",
    "libopus0", "libpython3-stdlib", "libsrtp2-1", "libssl3", "libstdc++6", "libsystemd0", "openssl", "pebble", "procps",
    "python3-minimal", "qrencode", "uacme", "util-linux", "zstd",
]  # fmt: skip


def root() -> Path:
    """The folder of a minimal Debian 12; takes half a minute and the network the first time."""
    wanted = " ".join(PACKAGES)
    place, note = FOLDER / "root", FOLDER / "root.packages"
    if place.is_dir() and note.exists() and note.read_text() == wanted:
        return place
    if os.geteuid() != 0:
        raise RigError("machines with a systemd of their own need root")
    print(f"box: making a minimal Debian in {place}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    note.unlink(missing_ok=True)
    if place.exists():
        shutil.rmtree(place)
    command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(PACKAGES)}", "bookworm", str(place)]
    sources = [path for path in Path("/etc/apt/sources.list.d").glob("*.sources")]
    done = subprocess.run([*command, *map(str, sources)], capture_output=True, text=True)
    if done.returncode != 0:
        raise RigError(f"mmdebstrap failed:\n{done.stderr[-2000:]}")
    # An apt that asks no server: there is none in reach.
    for source in (place / "etc/apt/sources.list.d").glob("*"):
        source.unlink()
    (place / "etc/apt/sources.list").write_text("")
    note.write_text(wanted)
    return place

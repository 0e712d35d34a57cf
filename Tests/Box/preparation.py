"""What the package's tests need before they go into their namespaces, where there is no network.

`python -m Box.preparation` makes it ahead of them.
"""

import os
import shutil
import sys

from Rig.deadlines import RigError

from .built import built
from .root import root

NEEDED = ["mmdebstrap", "systemd-nspawn", "lintian", "piuparts", "mkfs.ext4"]


def prepare() -> None:
    """Makes the package and the Debian for its machines, unless they are there. What runs in the namespaces finds them."""
    if missing := [command for command in NEEDED if shutil.which(command) is None]:
        raise RigError(f"{', '.join(missing)} missing: run packaging/setup")
    if os.geteuid() != 0:
        raise RigError("machines with a systemd of their own need root")
    os.environ["SIPCALL_DEB"] = str(built())
    root()


if __name__ == "__main__":
    try:
        prepare()
    except RigError as error:
        sys.exit(f"box: {error}")

"""Runs the package's tests in machines of their own: `python -m Box.tier RESULTS.xml [pytest option…]`.

SIPCALL_DEB names the package; by default it is the newest of .build/deb. Needs root.
"""

import shutil
import sys
from pathlib import Path

import pytest
from Rig.deadlines import RigError
from Rig.isolation import isolated

from .package import package
from .root import root

# Command and the Debian package that it comes from.
NEEDED = {"mmdebstrap": "mmdebstrap", "systemd-nspawn": "systemd-container", "lintian": "lintian", "dpkg-deb": "dpkg"}


def main(arguments: list[str]) -> int:
    if missing := [origin for command, origin in NEEDED.items() if shutil.which(command) is None]:
        raise RigError(f"to install first: apt-get install --no-install-recommends {' '.join(missing)}")
    package()
    # Outside of the namespaces, where there is a network.
    root()
    code = isolated("Box.tier", arguments)
    if code is not None:
        return code
    results, *more = arguments
    folder = Path(__file__).parent / "tests"
    options = ["-p", "no:cacheprovider", "--tb=short", "--durations=5", "-rA", "--show-capture=no", "-q", "-s"]
    return int(
        pytest.main(
            [*options, f"--rootdir={folder}", f"--junitxml={results}", "-o", "junit_family=xunit1", str(folder), *more]
        )
    )


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except RigError as error:
        sys.exit(f"box: {error}")

"""Runs the package's tests in machines of their own: `python -m Box.tier RESULTS.xml [pytest option…]`.

SIPCALL_DEB names the package; by default it is the newest of .build/deb. Needs root.
"""

import sys
from pathlib import Path

import pytest
from Rig.isolation import isolated

from .root import root


def main(arguments: list[str]) -> int:
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
    sys.exit(main(sys.argv[1:]))

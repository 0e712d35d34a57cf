"""Runs one tier of tests in namespaces of its own: `python -m Rig.tier interop|browser RESULTS.xml`."""

import sys
from pathlib import Path

import pytest

from .isolation import isolated


def main(arguments: list[str]) -> int:
    code = isolated("Rig.tier", arguments)
    if code is not None:
        return code
    tier, results, *more = arguments
    folder = Path(__file__).parent / "tiers" / tier
    options = ["-p", "no:cacheprovider", "--tb=short", "--durations=5", "-rA", "--show-capture=no", "-q", "-s"]
    return int(
        pytest.main(
            [*options, f"--rootdir={folder}", f"--junitxml={results}", "-o", "junit_family=xunit1", str(folder), *more]
        )
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

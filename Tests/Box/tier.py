"""Runs the package's tests in machines of their own: `python -m Box.tier RESULTS.xml [pytest option…]`.

SIPCALL_DEB names the package; by default it is this tree's, built when there is none. Needs root.
"""

import os
import sys
from pathlib import Path

from Rig.deadlines import RigError
from Rig.isolation import MARK, isolated
from Rig.repetition import run

from .preparation import prepare


def main(arguments: list[str]) -> int:
    if os.environ.get(MARK) != "1":
        prepare()
    code = isolated("Box.tier", arguments)
    if code is not None:
        return code
    results, *more = arguments
    folder = Path(__file__).parent / "tests"
    return run(folder, Path(results), more)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except RigError as error:
        sys.exit(f"box: {error}")

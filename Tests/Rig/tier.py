"""Runs one tier of tests in namespaces of its own: `python -m Rig.tier interop|browser RESULTS.xml`."""

import sys
from pathlib import Path

from .isolation import isolated
from .repetition import run


def main(arguments: list[str]) -> int:
    code = isolated("Rig.tier", arguments)
    if code is not None:
        return code
    tier, results, *more = arguments
    folder = Path(__file__).parent / "tiers" / tier
    return run(folder, Path(results), more)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Adds up what the tiers left behind, and prints the last line: N passed, N failed."""

import sys
from pathlib import Path
from xml.etree import ElementTree


def tally(folder: Path) -> tuple[int, int]:
    """Passed and failed tests of all JUnit files and single-command results in `folder`."""
    passed = failed = 0
    for file in sorted(folder.glob("*.xml")):
        for case in ElementTree.parse(file).iter("testcase"):
            if case.find("failure") is not None or case.find("error") is not None:
                failed += 1
                print(f"failed: {case.get('classname', '')} {case.get('name', '')}")
            elif case.find("skipped") is not None:
                print(f"skipped: {case.get('classname', '')} {case.get('name', '')}")
            else:
                passed += 1
    for file in sorted(folder.glob("*.single")):
        if file.read_text().strip() == "passed":
            passed += 1
        else:
            failed += 1
            print(f"failed: {file.stem}")
    return passed, failed


if __name__ == "__main__":
    good, bad = tally(Path(sys.argv[1]))
    print(f"{good} passed, {bad} failed")
    sys.exit(1 if bad or not good else 0)

"""Adds up what the tiers left behind, and prints the last line: N passed, N failed."""

import sys
from pathlib import Path
from xml.etree import ElementTree

# Of each failure: its end, where a traceback says what was wrong.
REASON_LINES = 12


def tally(folder: Path) -> tuple[int, int]:
    """Passed and failed tests of all JUnit files and single-command results in `folder`."""
    passed = failed = 0
    for file in sorted(folder.glob("*.xml")):
        for case in ElementTree.parse(file).iter("testcase"):
            for unsteady in case.findall("unsteady"):
                print(f"unsteady: {case.get('classname', '')} {case.get('name', '')}: {unsteady.get('message', '')[:240]}")
            reasons = case.findall("failure") + case.findall("error")
            if reasons:
                failed += 1
                print(f"failed: {case.get('classname', '')} {case.get('name', '')}")
                for reason in reasons:
                    said = (reason.get("message") or "") + "\n" + (reason.text or "")
                    print("\n".join(f"    {line[:240]}" for line in said.strip().splitlines()[-REASON_LINES:]))
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

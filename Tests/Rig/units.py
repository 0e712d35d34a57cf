"""The rooms' own tests, as one JUnit file.

Two runs: first the rooms that only compute, then those that wait for sockets, processes and clocks. Beside long simulations
the latter would measure how busy the machine is, not what the program does.

A test that fails is run once more, alone. If it fails again it has failed; if it passes, its first failure is shown and it
is counted as passed, but called unsteady: the machine was too busy for it, or it has to be mended.
"""

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

WAITING = "Appliance Console Control Media SIPTransport Supervision Switchboard Systemd WebAPI".split()
ROOMS = rf"^({'|'.join(WAITING)})Tests\."


def swift_test(folder: Path, name: str, width: int, *selection: str) -> list[ElementTree.Element] | None:
    """The cases of one run. None when it left no results (it crashed); its output is `folder/name.log`."""
    results = folder / f"{name}.xml"
    # SwiftPM writes the results of Swift Testing beside the file that it is told; what an earlier run left counts for nothing.
    written = results.with_name(f"{name}-swift-testing.xml")
    written.unlink(missing_ok=True)
    with (folder / f"{name}.log").open("wb") as log:
        subprocess.run(
            ["swift", "test", "--skip-build", "--experimental-maximum-parallelization-width", str(width)]
            + ["--xunit-output", str(results), *selection],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    if not written.exists():
        return None
    return list(ElementTree.parse(written).iter("testcase"))


def has_failed(case: ElementTree.Element) -> bool:
    return case.find("failure") is not None


def again(folder: Path, case: ElementTree.Element) -> bool:
    """Whether a failed test passes when nothing else runs."""
    identity = f"^{re.escape(case.get('classname', ''))}/{re.escape(case.get('name', ''))}"
    cases = swift_test(folder, "again", 1, "--filter", identity)
    return bool(cases) and not any(has_failed(case) for case in cases)


def run(folder: Path) -> list[ElementTree.Element] | None:
    """Every case of both runs; None when one of them did not get to its end."""
    cases = []
    for name, width, selection in (("computing", 6, "--skip"), ("waiting", 2, "--filter")):
        found = swift_test(folder, name, width, selection, ROOMS)
        if not found:
            print((folder / f"{name}.log").read_text(errors="replace")[-6000:])
            return None
        print(f"test: {name} rooms: {len(found)} tests, {sum(map(has_failed, found))} to be run again")
        cases += found
    for case in filter(has_failed, cases):
        if again(folder, case):
            for failure in case.findall("failure"):
                failure.tag = "unsteady"
    return cases


if __name__ == "__main__":
    target = Path(sys.argv[1])
    scratch = target.parent / "units"
    scratch.mkdir(parents=True, exist_ok=True)
    cases = run(scratch)
    if cases is None:
        sys.exit(1)
    suite = ElementTree.Element("testsuite", name="rooms")
    suite.extend(cases)
    ElementTree.ElementTree(suite).write(target, encoding="utf-8", xml_declaration=True)

"""A tier's tests by pytest, as one JUnit file; a test that fails is run once more, alone.

If it fails again it has failed; if it passes, its first failure is shown and it is counted as passed, but called unsteady:
the machine was too busy for it, or it has to be mended.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

# More failures than these are no accident.
MOST = 5
OPTIONS = ["-p", "no:cacheprovider", "--tb=short", "--durations=5", "-rA", "--show-capture=no", "-q", "-s"]


def run(folder: Path, results: Path, more: Sequence[str]) -> int:
    """Runs the tests in `folder`; 0 when each has passed, be it at its second try."""
    code = _pytest(folder, results, [str(folder), *more])
    if code != 1 or not results.exists():
        return code
    tree = ElementTree.parse(results)
    failed = [case for case in tree.iter("testcase") if _reasons(case)]
    if len(failed) > MOST:
        return code
    lasting = [case for case in failed if not _passes_alone(folder, results, case)]
    tree.write(results, encoding="utf-8", xml_declaration=True)
    return 1 if lasting else 0


def _pytest(folder: Path, results: Path, selection: Sequence[str]) -> int:
    command = [sys.executable, "-m", "pytest", *OPTIONS, f"--rootdir={folder}", f"--junitxml={results}"]
    return subprocess.run([*command, "-o", "junit_family=xunit1", *selection]).returncode


def _reasons(case: ElementTree.Element) -> list[ElementTree.Element]:
    return case.findall("failure") + case.findall("error")


def _passes_alone(folder: Path, results: Path, case: ElementTree.Element) -> bool:
    print(f"once more: {case.get('name')}", flush=True)
    test = f"{folder / case.get('file', '')}::{case.get('name')}"
    if _pytest(folder, results.with_suffix(".again"), [test]) != 0:
        return False
    for reason in _reasons(case):
        reason.tag = "unsteady"
    return True

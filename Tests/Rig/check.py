"""Runs acceptance checks. `packaging/check` is its command line."""

import argparse
import os
import re
import shutil
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from Box.checks import CHECKS as PACKAGE_CHECKS

from .checks import CHECKS as BOX_CHECKS
from .checks.check import Check, Fault
from .deadlines import RigError
from .figures import Report
from .isolation import MARK, isolated
from .rig import LOGS_NOTE

GREEN, SHORT, BLIND = 0, 1, 2
CHECKS = {**BOX_CHECKS, **PACKAGE_CHECKS}


def main(arguments: list[str]) -> int:
    parser = _parser()
    options = parser.parse_args(arguments)
    names = options.names or [name for name, check in CHECKS.items() if not check.by_hand]
    if unknown := [name for name in names if name not in CHECKS]:
        parser.error(f"no such check: {', '.join(unknown)} (there are: {', '.join(CHECKS)})")
    chosen = [CHECKS[name] for name in names]
    if os.environ.get(MARK) != "1":
        for prepare in {check.prepare for check in chosen if check.prepare is not None}:
            prepare()
    code = isolated("Rig.check", arguments)
    if code is not None:
        return code
    try:
        return max(_broken(check) for check in chosen) if options.broken else _measure(chosen)
    except KeyboardInterrupt:
        print("interrupted; everything was ended", file=sys.stderr)
        return 130


@dataclass
class Outcome:
    """One run of a check: its figures, and what broke it if anything did."""

    check: Check
    fault: Fault | None
    report: Report
    error: RigError | None
    seconds: float
    notes: list[str]

    @property
    def ok(self) -> bool:
        return self.error is None and bool(self.report.figures) and not self.report.short

    @property
    def failure(self) -> str | None:
        """Why the tests fail by this run, if they do: the check broke, measured nothing, or found something wrong, not slow."""
        if self.error is not None:
            return str(self.error)
        if not self.report.figures:
            return "the check measured nothing"
        return "; ".join(map(str, self.report.wrong)) or None

    def show(self) -> None:
        """Prints the figures and then the check's own line."""
        name = self.check.name
        print(f"{name}: {self.fault.how if self.fault else self.check.promise}")
        for line in (*map(str, self.report.figures), *self.notes):
            print(f"  {line}")
        if self.fault is not None:
            return
        if self.error is not None:
            summary = f"{name}: BROKEN: {self.error} (goal: it works) FALLS SHORT"
        else:
            summary = self.report.summary()
        print(f"{summary}  [{self.seconds:.0f} s]", flush=True)


def attempt(check: Check, fault: Fault | None = None) -> Outcome:
    """Runs a check once, against something broken if `fault` says so. Any exception is an error of the check."""
    report, error, notes = Report(check.name), None, []
    began = time.monotonic()
    try:
        check.run(report, fault)
    except RigError as problem:
        error, notes = problem, list(getattr(problem, "__notes__", ()))
        if fault is not None:
            _forget_logs(notes)
    except Exception as problem:
        error, notes = RigError(f"{type(problem).__name__}: {problem}"), traceback.format_exc().splitlines()
    return Outcome(check, fault, report, error, time.monotonic() - began, notes)


def _forget_logs(notes: list[str]) -> None:
    # What was broken on purpose needs no explaining.
    for note in notes:
        if note.startswith(LOGS_NOTE):
            shutil.rmtree(note.removeprefix(LOGS_NOTE), ignore_errors=True)


def in_background(names: list[str]) -> list[str]:
    """Which of these checks mostly wait (for a minute without an answer), and run beside the others."""
    return ["failure-sentences"] if "failure-sentences" in names and len(names) > 1 else []


def _measure(chosen: list[Check]) -> int:
    beside = in_background([check.name for check in chosen])
    outcomes = []
    with ThreadPoolExecutor() as pool:
        running = [pool.submit(attempt, check) for check in chosen if check.name in beside]
        for check in chosen:
            if check.name not in beside:
                outcomes.append(attempt(check))
                outcomes[-1].show()
        for future in running:
            outcomes.append(future.result())
            outcomes[-1].show()
    good = sum(outcome.ok for outcome in outcomes)
    print(f"{good} of {len(outcomes)} checks ok")
    return GREEN if good == len(outcomes) else SHORT


def _broken(check: Check) -> int:
    worst = SHORT
    for fault in check.faults:
        outcome = attempt(check, fault)
        outcome.show()
        red = [figure.name for figure in outcome.report.short] + ([str(outcome.error)] if outcome.error else [])
        unseen = [pattern for pattern in fault.reddens if not any(re.search(pattern, name) for name in red)]
        name = f"{check.name} --broken ({fault.name})"
        found = "; ".join(red) or "everything green"
        if unseen:
            print(f"{name}: BLIND: expected /{'/, /'.join(unseen)}/ to fail, saw: {found}", flush=True)
            worst = BLIND
        else:
            print(f"{name}: went red, as it must: {found}  [{outcome.seconds:.0f} s]", flush=True)
    return worst


def _parser() -> argparse.ArgumentParser:
    checks = "\n".join(f"  {check.name:18} {check.promise}" for check in CHECKS.values())
    faults = "\n".join(
        f"  {check.name:18} {fault.name}: {fault.how}" for check in CHECKS.values() for fault in check.faults
    )
    parser = argparse.ArgumentParser(
        prog="packaging/check",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Runs the acceptance checks (all when none is named) in network namespaces of their own,\n"
        "and prints each figure with its goal. Exit code 0 when every figure reaches its goal, 1 otherwise.",
        epilog=f"checks:\n{checks}\n\nwith --broken each check meets, one after the other:\n{faults}\n\n"
        "A check that stays green then is blind: exit code 2. When all went red as they must: exit code 1.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="a check from the list below")
    parser.add_argument("--broken", action="store_true", help="run against something broken on purpose; must go red")
    return parser


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except RigError as error:
        sys.exit(f"check: {error}")

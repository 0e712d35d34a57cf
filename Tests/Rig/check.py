"""Runs acceptance checks. `packaging/check` is its command line."""

import argparse
import re
import sys
import time
import traceback

from .checks import CHECKS
from .checks.check import Check, Fault
from .deadlines import RigError
from .figures import Report
from .isolation import isolated

GREEN, SHORT, BLIND = 0, 1, 2


def main(arguments: list[str]) -> int:
    parser = _parser()
    options = parser.parse_args(arguments)
    names = options.names or list(CHECKS)
    if unknown := [name for name in names if name not in CHECKS]:
        parser.error(f"no such check: {', '.join(unknown)} (there are: {', '.join(CHECKS)})")
    code = isolated("Rig.check", arguments)
    if code is not None:
        return code
    chosen = [CHECKS[name] for name in names]
    try:
        if options.broken:
            return max([_broken(check) for check in chosen])
        results = [_measured(check) for check in chosen]
        print(f"{sum(results)} of {len(results)} checks ok")
        return GREEN if all(results) else SHORT
    except KeyboardInterrupt:
        print("interrupted; everything was ended", file=sys.stderr)
        return 130


def _measured(check: Check) -> bool:
    report, error, seconds = attempt(check, None)
    if error is not None:
        print(f"{check.name}: BROKEN after {seconds:.0f} s: {error} (goal: {check.promise}) FALLS SHORT", flush=True)
        return False
    print(f"{report.summary()}  [{seconds:.0f} s]", flush=True)
    return not report.short


def _broken(check: Check) -> int:
    worst = SHORT
    for fault in check.faults:
        report, error, seconds = attempt(check, fault)
        red = [figure.name for figure in report.short] + ([str(error)] if error is not None else [])
        seen = next((name for name in red if re.search(fault.reddens, name)), None)
        if seen is not None:
            print(f"{check.name} --broken {fault.name}: went red, as it must: {seen}  [{seconds:.0f} s]", flush=True)
        else:
            found = "; ".join(red) or "everything green"
            print(f"{check.name} --broken {fault.name}: BLIND: expected /{fault.reddens}/ to fail, saw: {found}", flush=True)
            worst = BLIND
    return worst


def attempt(check: Check, fault: Fault | None) -> tuple[Report, RigError | None, float]:
    """Runs a check once: its figures, what broke it if anything did, and how many seconds it took."""
    report = Report(check.name, lambda line: print(line, flush=True))
    print(f"{check.name}: {fault.how if fault else check.promise}", flush=True)
    began = time.monotonic()
    try:
        check.run(report, fault)
    except RigError as error:
        for note in getattr(error, "__notes__", ()):
            print(f"  {note}", flush=True)
        return report, error, time.monotonic() - began
    except Exception as error:
        traceback.print_exc()
        return report, RigError(f"{type(error).__name__}: {error}"), time.monotonic() - began
    return report, None, time.monotonic() - began


def _parser() -> argparse.ArgumentParser:
    checks = "\n".join(f"  {check.name:18} {check.promise}" for check in CHECKS.values())
    faults = "\n".join(f"  {check.name:18} {fault.name}: {fault.how}" for check in CHECKS.values() for fault in check.faults)
    parser = argparse.ArgumentParser(
        prog="packaging/check",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Runs the acceptance checks (all when none is named) in network namespaces of their own and prints each\n"
        "figure with its goal. Exit code 0 when every figure reaches its goal, 1 otherwise.",
        epilog=f"checks:\n{checks}\n\nwith --broken each check meets, one after the other:\n{faults}\n\n"
        "A check that does not go red then is blind: exit code 2. When all went red as they must: exit code 1.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="a check from the list below")
    parser.add_argument("--broken", action="store_true", help="run against something broken on purpose; must go red")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Measures the box beside a peer in the same run. `packaging/bench` is its command line."""

import argparse
import subprocess
import sys
from collections.abc import Callable

from .benches import ledger, sip, sip_load
from .box import binary
from .deadlines import RigError
from .isolation import isolated

BENCHES: dict[str, tuple[str, Callable[[], bool]]] = {
    "ledger": ("filing, history, search, sums, backup and restore of a million records, beside plain SQLite", ledger.run),
    "sip": ("signalling CPU per call set up and torn down, beside Kamailio's stateful proxy", sip.run),
    "sip-load": ("200 new calls a second that pass through the box, trunk to trunk", sip_load.run),
}
"""What each measures, and what measures it: true when every goal is reached."""


def main(arguments: list[str]) -> int:
    listing = "\n".join(f"  {name:8} {what}" for name, (what, _) in BENCHES.items())
    parser = argparse.ArgumentParser(
        prog="packaging/bench",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Measures, side by side with a peer in the same run, and prints a table.",
        epilog=f"benches:\n{listing}\n\nExit code 0 when every figure reaches its goal, 1 otherwise.\n"
        "SIPCALL_BINARY names another sipcall; figures of a debug build say nothing about the product.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="a bench from the list below (all when none is named)")
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.names if name not in BENCHES]:
        parser.error(f"no such bench: {', '.join(unknown)} (there are: {', '.join(BENCHES)})")
    # "sip" stands for "sip-load" too.
    wanted = tuple(f"{name}-" for name in options.names or BENCHES)
    chosen = [name for name in BENCHES if f"{name}-".startswith(wanted)]
    code = isolated("Rig.bench", arguments)
    if code is not None:
        return code
    if is_debug_build():
        print(
            f"NOTE: {binary()} IS A DEBUG BUILD. It is several times slower than the product; do not quote its figures."
        )
    try:
        return 0 if all([BENCHES[name][1]() for name in chosen]) else 1
    except KeyboardInterrupt:
        return 130


def is_debug_build() -> bool:
    """Only a debug build has faults on purpose."""
    done = subprocess.run([str(binary()), "fault", "--help"], capture_output=True, text=True, timeout=20, check=False)
    return done.returncode == 0 and "fault" in done.stdout


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except RigError as error:
        sys.exit(f"bench: {error}")

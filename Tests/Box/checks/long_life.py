"""long-life: 30 days in minutes: 50,000 calls through an installed box, which keeps a record of each and nothing else of them.

sipp calls, `[forwarding]` passes each call on, another sipp answers: both legs are the trunk's. SIPCALL_LIFE_CALLS and
SIPCALL_LIFE_RATE (new calls a second) name other figures.
"""

import contextlib
import os
import shutil
import sqlite3
import tempfile
from contextlib import ExitStack
from pathlib import Path

from Rig.benches.many_calls import sipp
from Rig.carrier import Account
from Rig.checks.check import Check, Fault
from Rig.deadlines import wait_until
from Rig.figures import Report
from Rig.namespaces import BOX_ADDRESS, Network

from ..installed_box import SETTINGS, InstalledBox
from ..preparation import prepare

CALLS = int(os.environ.get("SIPCALL_LIFE_CALLS", "50000"))
RATE = int(os.environ.get("SIPCALL_LIFE_RATE", "50"))
WARM_UP = 1000
"""By RFC 3261 each call leaves transactions for 32 s: only after those does a healthy box stop growing."""
GROWTH_GOAL_MEGABYTES = 16
REST_SECONDS = 90
LIMITS = {
    "calls_at_once_per_user": "10000", "calls_at_once": "10000",
    "new_calls_per_minute_per_user": "60000", "new_calls_per_minute": "60000",
}  # fmt: skip
KEPT = ("descriptors", "threads", "memory")


def run(report: Report, fault: Fault | None) -> None:
    folder = Path(tempfile.mkdtemp(prefix="sipcall-life-"))
    calls = CALLS if fault is None else 200
    try:
        with ExitStack() as stack:
            network = stack.enter_context(Network())
            stack.enter_context(sipp(network.carrier, folder, "bench-answers", 5060))
            box = stack.enter_context(InstalledBox(network, folder, Account()))
            forward(box)
            _call(network, folder, box, WARM_UP if fault is None else 50)
            before, records = _held(box), _records(box)
            processes = [box.systemd.main_process(f"sipcall-{part}") for part in ("core", "web")]
            if fault is not None:
                box.systemd.run("systemctl", "restart", "sipcall-core")
                box.wait_until_serving(20)
                box.wait_for_trunk()
            well = _call(network, folder, box, calls)
            wait_until(lambda: _records(box) - records >= calls, 60, "every record to be filed")
            after = _held(box)
            samples = f"{calls} calls at {RATE}/s"
            report.equal("every-call-went-well", well, True, samples)
            report.equal("records", _records(box) - records, calls, "rows more in the ledger")
            same = processes == [box.systemd.main_process(f"sipcall-{part}") for part in ("core", "web")]
            report.equal("same-processes", same, True, "core and web, from beginning to end")
            for part in ("core", "web"):
                for what, goal in (("descriptors", 0), ("threads", 0), ("memory", GROWTH_GOAL_MEGABYTES)):
                    grown = after[part][what] - before[part][what]
                    unit = "MB" if what == "memory" else ""
                    report.at_most(f"{part}-{what}-kept", grown, goal, unit, f"{samples}; {before[part][what]:g} before")
            report.equal("kept-by-its-own-count", box.in_use() or "nothing", "nothing", "sipcall status --json")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def forward(box: InstalledBox) -> None:
    """Lets the box pass on every call to the telephone behind the provider, which is no page."""
    place = box.systemd.files / SETTINGS.lstrip("/")
    lines = place.read_text().splitlines()
    changed = [next((f"{key} = {value}" for key, value in LIMITS.items() if line.startswith(f"{key} = ")), line) for line in lines]
    place.write_text("\n".join(changed) + f'\n[media]\nports = "20000-59999"\n[forwarding]\nnumber = "{Account().answers}"\nwhen = "always"\n')
    box.systemd.run("systemctl", "restart", "sipcall.target")
    box.wait_until_serving(20)
    box.wait_for_trunk()


def _call(network: Network, folder: Path, box: InstalledBox, calls: int) -> bool:
    """Whether sipp could play each of these calls to its end; returns when the box holds nothing of any."""
    with sipp(network.carrier, folder, "bench-calls", 5066, f"{BOX_ADDRESS}:5060", ["-m", str(calls), "-r", str(RATE)]) as caller:
        code = caller.wait_for_exit(calls / RATE + 120)
    wait_until(lambda: not box.in_use() and box.status()["transactions"] == 0, REST_SECONDS, "all transactions to end", pause=1)
    # 0: all went well, 1: at least one did not.
    return code == 0


def _records(box: InstalledBox) -> int:
    """Rows of calls in the ledger; what is in them only the box can read."""
    rows = 0
    for file in (box.systemd.files / "var/lib/sipcall/web/ledger").glob("*.calls.sqlite"):
        with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
            rows += int(database.execute("SELECT count(*) FROM row").fetchone()[0])
    return rows


def _held(box: InstalledBox) -> dict[str, dict[str, float]]:
    """Descriptors, threads and megabytes of each part."""
    found = {}
    for part in ("core", "web"):
        process = box.systemd.main_process(f"sipcall-{part}")
        counts = box.systemd.shell(
            f"ls /proc/{process}/fd | wc -l; ls /proc/{process}/task | wc -l; ps -o rss= -p {process}"
        ).split()
        found[part] = dict(zip(KEPT, (float(counts[0]), float(counts[1]), float(counts[2]) / 1000), strict=True))
    return found


CHECK = Check(
    "long-life",
    f"{CALLS} calls through an installed box: each has its record, and nothing else of them is kept.",
    run,
    (Fault("restarted-core", "The core is started anew between the calls.", ("same-processes",)),),
    prepare,
    by_hand=True,
)

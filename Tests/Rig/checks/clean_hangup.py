"""clean-hangup: whoever hangs up, everything ends within a second, and after 200 calls nothing has been kept."""

import subprocess
import sys
import time
from contextlib import ExitStack

from ..box import Footprint
from ..browser import PhonePage
from ..calls import HANG_UP_GOAL_SECONDS, talk, wait_until_gone
from ..deadlines import DeadlinePassed, RigError, wait_until
from ..figures import Report
from ..programs import open_descriptors, resident_kilobytes
from ..rig import Rig, open_rig
from .check import Check, Fault, broken_by

TRIALS = 4
TAB_CLOSE_GOAL_SECONDS = 5.0
CALLS = 200
TABS = 2
WARM_UP_CALLS = 30
CALL_SECONDS = 0.25
GROWTH_GOAL_KILOBYTES = 2048
TRANSACTION_GOAL_SECONDS = 33
"""Timers J, K and M are 32 s at most; one second more for the look itself."""

LEAK = """
import sys
kept = []
for line in sys.stdin:
    kept.append((open('/dev/null'), bytearray(b'x' * 65536)))
    print(len(kept), flush=True)
"""


def run(report: Report, fault: Fault | None) -> None:
    with open_rig() as rig:
        phone = rig.phone()
        if fault is None or broken_by(fault, "frozen-core"):
            _hang_ups(rig, report, phone, fault)
        if fault is None:
            _cancel(rig, report, phone)
            _tab_close(rig, report)
        if fault is None or broken_by(fault, "leak"):
            phone.page.close()
            _many_calls(rig, report, fault)


def _hang_ups(rig: Rig, report: Report, phone: PhonePage, fault: Fault | None) -> None:
    here, there = [], []
    for _ in range(TRIALS if fault is None else 1):
        _call(rig, phone)
        with ExitStack() as frozen:
            if fault is not None:
                _freeze(rig, frozen)
            began = phone.press("hangup")
            telephone = rig.answers.wait_for("CALL_CLOSED", 5).time
            frozen.close()
            box = wait_until_gone(rig)
            page = phone.wait_for_state("idle", "ended", seconds=5)
            here.append(max(telephone, box, page) - began)
        _call(rig, phone)
        began = time.time()
        rig.answers.hang_up()
        page = phone.wait_for_state("idle", "ended", seconds=5)
        there.append(max(wait_until_gone(rig), page) - began)
    report.at_most(
        "hung-up-here", max(here), HANG_UP_GOAL_SECONDS, "s until page, box and telephone are done", _list(here)
    )
    report.at_most("hung-up-there", max(there), HANG_UP_GOAL_SECONDS, "s until page and box are done", _list(there))


def _freeze(rig: Rig, frozen: ExitStack) -> None:
    core = rig.box.core()
    subprocess.run(["kill", "-STOP", str(core)], check=True)
    thaw = subprocess.Popen(["sh", "-c", f"sleep 2; kill -CONT {core}"])
    frozen.callback(thaw.wait)


def _cancel(rig: Rig, report: Report, phone: PhonePage) -> None:
    times = []
    for _ in range(TRIALS):
        rig.rings.forget_events()
        phone.dial(rig.account.rings)
        rig.rings.wait_for("CALL_INCOMING", 5)
        phone.wait_for_state("ringing", "early", seconds=5)
        began = phone.press("hangup")
        telephone = rig.rings.wait_for("CALL_CLOSED", 5).time
        times.append(max(telephone, wait_until_gone(rig)) - began)
        phone.wait_for_state("idle", "ended", seconds=5)
    report.at_most(
        "hung-up-while-ringing", max(times), HANG_UP_GOAL_SECONDS, "s until box and telephone are done", _list(times)
    )


def _tab_close(rig: Rig, report: Report) -> None:
    times = []
    for _ in range(2):
        phone = rig.phone()
        _call(rig, phone)
        began = time.time()
        phone.page.close()
        telephone = rig.answers.wait_for("CALL_CLOSED", 10).time
        times.append(max(telephone, wait_until_gone(rig)) - began)
    report.at_most("tab-closed", max(times), TAB_CLOSE_GOAL_SECONDS, "s until box and telephone are done", _list(times))


def _many_calls(rig: Rig, report: Report, fault: Fault | None) -> None:
    calls = CALLS if fault is None else 20
    with ExitStack() as stack:
        leak = None
        if fault is not None:
            # A process that leaks for certain, counted together with the box.
            leak = stack.enter_context(
                subprocess.Popen([sys.executable, "-c", LEAK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
        tabs = [rig.phone() for _ in range(TABS)]
        _call_on(rig, tabs, WARM_UP_CALLS if fault is None else 4)
        wait_until_gone(rig)
        before = _measure(rig, leak)
        began = time.monotonic()
        made = _call_on(rig, tabs, calls, leak)
        ended = time.monotonic()
        wait_until_gone(rig)
        if fault is None:
            wait_until(lambda: rig.box.status()["transactions"] == 0, 60, "all SIP transactions to end", pause=0.1)
            gone = time.monotonic() - ended
            report.at_most(
                "transactions-gone", gone, TRANSACTION_GOAL_SECONDS, "s after the last call", f"{calls} calls"
            )
        after = _measure(rig, leak)
        samples = f"{calls} calls in {ended - began:.0f} s after {WARM_UP_CALLS} to warm up"
        report.equal("calls-made", made, calls, f"{TABS} tabs")
        report.at_most(
            "descriptors-kept", after.descriptors - before.descriptors, 0, "", f"{samples}; {before.descriptors} before"
        )
        report.at_most("threads-kept", after.threads - before.threads, 0, "", f"{samples}; {before.threads} before")
        report.at_most(
            "memory-kept", after.resident_kilobytes - before.resident_kilobytes, GROWTH_GOAL_KILOBYTES, "KiB",
            f"{samples}; KiB before: {before.parts}; after: {after.parts}",
        )  # fmt: skip
        own = rig.box.status_by_command()
        kept = {name: own[name] for name in ("calls", "legs", "dialogs", "mediaLegs", "opusStates") if own[name]}
        report.equal("kept-by-the-box's-own-count", kept or "nothing", "nothing", "sipcall status --json")


def _measure(rig: Rig, leak: "subprocess.Popen[str] | None") -> Footprint:
    own = rig.box.footprint()
    if leak is None:
        return own
    return Footprint(
        own.descriptors + open_descriptors(leak.pid),
        own.threads,
        own.resident_kilobytes + resident_kilobytes(leak.pid),
        own.parts,
    )


def _call_on(rig: Rig, tabs: list[PhonePage], calls: int, leak: "subprocess.Popen[str] | None" = None) -> int:
    """Shares `calls` among the tabs; how many succeeded. Fails when calls stop coming."""
    for tab in tabs:
        tab.start_calls(rig.account.answers, calls // len(tabs), CALL_SECONDS)
    done, last = 0, time.monotonic()
    while True:
        results = [tab.calls() for tab in tabs]
        failures = [failure for _, failed in results for failure in failed]
        now = sum(made for made, _ in results) + len(failures)
        if leak is not None and leak.stdin is not None and leak.stdout is not None:
            for _ in range(now - done):
                leak.stdin.write("\n")
                leak.stdin.flush()
                leak.stdout.readline()
        if now > done:
            done, last = now, time.monotonic()
        if len(failures) > 5:
            raise RigError(f"{len(failures)} of {done} calls failed, the last one: {failures[-1]}")
        if done >= calls // len(tabs) * len(tabs):
            return done - len(failures)
        if time.monotonic() - last > 20:
            raise DeadlinePassed(f"no call has come about for 20 s, after {done} of {calls}")
        rig.box.program.require_running()
        time.sleep(0.1)


def _call(rig: Rig, phone: PhonePage) -> None:
    rig.answers.forget_events()
    phone.dial(rig.account.answers)
    phone.wait_for_state("active", seconds=10)
    talk(phone, 0.7)


def _list(times: list[float]) -> str:
    return f"slowest of {len(times)}: {', '.join(f'{seconds:.2f}' for seconds in times)} s"


CHECK = Check(
    "clean-hangup",
    "Hang-up by either side ends everything within 1 s; a closed tab within 5 s; 200 calls leave nothing behind.",
    run,
    (
        Fault("frozen-core", "The core stands still for 2 s when the user hangs up.", "hung-up-here"),
        Fault(
            "leak",
            "A process that keeps a descriptor and 64 KiB of each call is counted with the box.",
            "descriptors-kept",
        ),
    ),
)

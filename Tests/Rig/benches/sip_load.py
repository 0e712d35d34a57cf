"""New calls a second that pass through the box: sipp calls, `[forwarding]` passes each call on, another sipp answers.

Both legs are the trunk's: for each call the box takes an INVITE, allocates two RTP ports, dials the number that is set,
and bridges both sides when it answers; the caller hangs up at once. The peers are processes of their own on the
carrier's machine; box and peers share the machine's cores. A failed call is one that sipp could not play to its end, or
that the box refused: none may fail.
"""

import csv
import os
import shutil
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from ..box import SIP_PORT, Box
from ..carrier import Account
from ..deadlines import RigError, wait_until
from ..namespaces import BOX_ADDRESS, CARRIER_ADDRESS, Network
from ..programs import cpu_seconds, resident_kilobytes
from .many_calls import sipp

RATE = int(os.environ.get("SIPCALL_BENCH_RATE", "200"))
"""New calls a second. SIPCALL_BENCH_RATE names another, for a debug build: then there is no goal."""
GOAL_RATE = 200
SECONDS = 30
WARM_UP = 2
_ANSWERER_PORT, _CALLER_PORT = 5060, 5066
PORTS = "20000-59999"
"""A call takes four of them: RTP and RTCP for each leg."""
_FORWARDING = f'[forwarding]\nnumber = "{Account().answers}"\nwhen = "always"'


@dataclass(frozen=True)
class Load:
    """What became of the calls of one run."""

    calls: int
    succeeded: int
    failed: int
    resent: int
    seconds: float
    cpu: float


class WideBox(Box):
    """A box whose limits are no obstacle."""

    def write_configuration(self) -> Path:
        path = super().write_configuration()
        text = path.read_text()
        for key, value in {
            "ports": f'"{PORTS}"',
            "calls_at_once_per_user": "10000",
            "calls_at_once": "10000",
            "new_calls_per_minute_per_user": "60000",
            "new_calls_per_minute": "60000",
        }.items():
            lines = [f"{key} = {value}" if line.startswith(f"{key} = ") else line for line in text.splitlines()]
            text = "\n".join(lines) + "\n"
        path.write_text(text)
        return path


def run() -> bool:
    folder = Path(tempfile.mkdtemp(prefix="sipcall-bench-"))
    try:
        with ExitStack() as stack:
            network = stack.enter_context(Network())
            stack.enter_context(sipp(network.carrier, folder, "bench-answers", _ANSWERER_PORT))
            box = stack.enter_context(WideBox(network.box, folder, Account(), trunk=_FORWARDING))
            box.wait_for_trunk()
            _call(network, folder, box, RATE * WARM_UP)
            load = _call(network, folder, box, RATE * SECONDS)
            resident = resident_kilobytes(box.core())
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return _show(load, resident)


def _call(network: Network, folder: Path, box: Box, calls: int) -> Load:
    statistics = folder / "calls.csv"
    statistics.unlink(missing_ok=True)
    core = box.core()
    began, before = time.monotonic(), cpu_seconds(core)
    with sipp(
        network.carrier,
        folder,
        "bench-calls",
        _CALLER_PORT,
        f"{BOX_ADDRESS}:{SIP_PORT}",
        ["-m", str(calls), "-r", str(RATE), "-trace_stat", "-stf", str(statistics), "-fd", "1"],
    ) as caller:
        code = caller.wait_for_exit(calls / RATE + 60)
    seconds, cpu = time.monotonic() - began, cpu_seconds(core) - before
    # 0: all went well, 1: at least one did not.
    if code not in (0, 1) or not statistics.exists():
        raise RigError(f"sipp exits with {code}: {caller.output()[-300:]}")
    with statistics.open(newline="") as file:
        last = list(csv.DictReader(file, delimiter=";"))[-1]
    wait_until(lambda: not box.in_use(), 10, "the box to let go of its calls")
    return Load(
        int(last["TotalCallCreated"]),
        int(last["SuccessfulCall(C)"]),
        int(last["FailedCall(C)"]),
        int(last["Retransmissions(C)"]),
        seconds,
        cpu,
    )


def _show(load: Load, resident: int) -> bool:
    reached = load.calls / load.seconds
    way = "sipp → box → sipp, trunk to trunk by [forwarding]"
    print(f"bench sip-load: {way}, for {SECONDS} s on {os.cpu_count()} cores")
    print(f"  calls: {load.calls} wanted at {RATE}/s, begun and ended at {reached:.0f}/s")
    print(f"  succeeded: {load.succeeded}   failed: {load.failed}   resent by the caller: {load.resent}")
    print(
        f"  core process: {load.cpu / load.calls * 1000:.2f} ms CPU a call, {load.cpu / load.seconds:.2f} cores, "
        f"{resident / 1024:.0f} MiB resident afterwards"
    )
    whole = load.failed == 0 and load.succeeded == load.calls and load.calls >= RATE * SECONDS
    # The last call still has to end, and sipp to begin and to stop.
    ok = whole and RATE >= GOAL_RATE and load.seconds <= SECONDS + 3
    verdict = "ok" if ok else f"no goal at {RATE}/s" if whole and RATE < GOAL_RATE else "FALLS SHORT"
    print(
        f"bench sip-load: {load.failed} of {load.calls} calls failed at {RATE}/s "
        f"(goal 0 at {GOAL_RATE}/s) {verdict}",
        flush=True,
    )
    return ok or (whole and RATE < GOAL_RATE)

"""sip-flood: 4,000 requests a second from a stranger for a minute. Who belongs here notices nothing."""

import os
import signal
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack

from ..baresip import Baresip
from ..box import MEDIA_PORT, SIP_PORT
from ..browser import PhonePage
from ..capture import Capture, Datagram
from ..deadlines import RigError, wait_until
from ..figures import Report
from ..flood import STRANGER, Flood, flooding
from ..namespaces import BOX_ADDRESS
from ..phone_socket import PhoneSocket
from ..programs import resident_kilobytes
from ..rig import Rig, open_rig
from .check import Check, Fault, broken_by

RATE = 4000
SECONDS_VARIABLE = "SIPCALL_FLOOD_SECONDS"
"""In the environment: a shorter flood, for the tests of every day."""
REACHED_GOAL = 0.95
GROWTH_GOAL_KILOBYTES = 50_000
LEFT_GOAL_KILOBYTES = 10_000
CALL_GOAL_SECONDS = 1.0
CALM_SECONDS = 60
"""Within this the memory must have come back; transactions live for 32 s."""
IN_FLIGHT = 3
"""Packets that may be on their way when both ends are counted."""
STEP = 2.0
"""Seconds from one try to call to the next."""

SWOLLEN = "kept = bytearray(b'x' * 80_000_000); print('ready', flush=True); import time; time.sleep(600)"


def run(report: Report, fault: Fault | None) -> None:
    seconds = int(os.environ.get(SECONDS_VARIABLE, "60")) if fault is None else 8
    with open_rig() as rig, ExitStack() as stack:
        # A format that passes through unchanged: a packet lost on the way in is missing on the way out.
        page = rig.phone("?codec=pcmu&dsp=off")
        page.dial(rig.account.answers)
        page.wait_for_state("active", seconds=10)
        _warm_up(rig)
        others: list[int] = []
        before = _memory(rig, others)
        rig.network.box.count(f"ip saddr {STRANGER} udp dport {SIP_PORT}")
        ports = rtp_ports(rig.answers)
        capture = stack.enter_context(Capture(rig.network.carrier, udp_ports=ports))
        sent_before = page.statistics()["sent"]
        if broken_by(fault, "swollen"):
            others.append(_swell(stack))
        rate = RATE // 10 if broken_by(fault, "trickle") else RATE
        if broken_by(fault, "leaky"):
            rig.network.box.drop(f"udp dport {MEDIA_PORT} numgen random mod 50 == 0")
        with flooding(rig.network.carrier, rate) as flood:
            calls, most = _live_through(rig, fault, seconds, others)
        _report_flood(rig, report, flood, seconds)
        samples = f"the slowest of {len(calls)} meanwhile, the median took {statistics.median(calls):.3f} s"
        report.at_most("call", max(calls), CALL_GOAL_SECONDS, "s", samples)
        _report_sound(report, capture, page, sent_before, seconds)
        page.press("hangup")
        wait_until(lambda: not rig.box.in_use(), 10, "the box to let go of its calls")
        report.at_most(
            "memory", most - before, GROWTH_GOAL_KILOBYTES, "KiB", f"most growth of the core; {before} before"
        )
        left = _calmed(rig, others, before) if fault is None else _memory(rig, others)
        report.at_most("memory-left", left - before, LEFT_GOAL_KILOBYTES, "KiB", f"at most {CALM_SECONDS} s later")


def rtp_ports(telephone: Baresip) -> range:
    """Where this telephone takes sound."""
    first = 20000 + (telephone.port - 5000) * 100
    return range(first, first + 100)


def _warm_up(rig: Rig) -> None:
    """What a first call of each kind loads once is no growth of the flood's."""
    for _ in range(20):
        _call(rig)


def _call(rig: Rig) -> float:
    """Seconds until a call to the telephone is answered."""
    with PhoneSocket(rig.box) as phone:
        began = time.monotonic()
        try:
            call = phone.start_call(rig.account.answers)
            phone.wait_for("call.state", 8, call=call, state="active")
        except (RigError, OSError):
            return float("inf")
        took = time.monotonic() - began
        phone.request("call.end", call=call)
        return took


def _live_through(rig: Rig, fault: Fault | None, seconds: int, others: list[int]) -> tuple[list[float], int]:
    """The time that each call needed, and the most memory that was held, in KiB."""
    began = time.monotonic()
    calls: list[float] = []
    most = 0
    while (passed := time.monotonic() - began) < seconds:
        if broken_by(fault, "frozen-core") and not calls:
            core = rig.box.core()
            os.kill(core, signal.SIGSTOP)
            subprocess.Popen(["sh", "-c", f"sleep 1.5; kill -CONT {core}"])
        calls.append(_call(rig))
        most = max(most, _memory(rig, others))
        time.sleep(max(0.0, min(STEP - (time.monotonic() - began - passed), began + seconds - time.monotonic())))
    return calls, most


def _memory(rig: Rig, others: list[int]) -> int:
    return sum(resident_kilobytes(process) for process in (rig.box.core(), *others))


def _calmed(rig: Rig, others: list[int], before: int) -> int:
    """The memory once it has come back, or after a minute."""
    end = time.monotonic() + CALM_SECONDS
    while (held := _memory(rig, others)) - before > LEFT_GOAL_KILOBYTES and time.monotonic() < end:
        time.sleep(1)
    return held


def _swell(stack: ExitStack) -> int:
    process = subprocess.Popen([sys.executable, "-c", SWOLLEN], stdout=subprocess.PIPE)
    stack.callback(process.kill)
    if process.stdout is not None:
        process.stdout.readline()
    return process.pid


def _report_flood(rig: Rig, report: Report, flood: Flood, seconds: int) -> None:
    arrived = rig.network.box.counted()[0]
    samples = f"{flood.sent} requests sent in {flood.seconds:.1f} s, {arrived} reached the box"
    report.at_least("flood", arrived / flood.seconds, RATE * REACHED_GOAL, "requests a second", samples)
    report.at_least("flood-lasted", flood.seconds, seconds * REACHED_GOAL, "s", samples)


def _report_sound(report: Report, capture: Capture, page: PhonePage, sent_before: int, seconds: int) -> None:
    """The running call's packets on their way to the telephone, and to the page."""
    told = page.statistics()
    streams: dict[int, list[Datagram]] = {}
    for datagram in capture.datagrams:
        if datagram.source[0] == BOX_ADDRESS and datagram.is_rtp:
            streams.setdefault(datagram.target[1], []).append(datagram)
    stream = max(streams.values(), key=len, default=[])
    if not stream:
        raise RigError("no sound of the running call came to the telephone")
    numbers = [int.from_bytes(datagram.payload[2:4], "big") for datagram in stream]
    span = sum((later - earlier) % 65536 for earlier, later in zip(numbers, numbers[1:], strict=False)) + 1
    came = len(set(numbers))
    report.equal("sound-lost-to-telephone", span - came, 0, f"{came} packets came of {span} numbered")
    report.at_least("sound-sent", len(stream) / seconds, 49, "packets a second", f"in {seconds} s")
    sent = told["sent"] - sent_before
    report.at_most("sound-lost-from-page", sent - came, IN_FLIGHT, "packets", f"the page sent {sent}, {came} came")
    report.equal("sound-lost-to-page", told["lost"], 0, f"{told['received']} packets came, getStats")


CHECK = Check(
    "sip-flood",
    "4,000 requests a second of a stranger's, for a minute: little memory, a call within a second, no packet lost.",
    run,
    (
        Fault("frozen-core", "The core stands still for 1.5 s.", ("sip-flood/call",)),
        Fault(
            "leaky",
            "One in fifty of the page's packets does not reach the box.",
            ("sound-lost-to-telephone", "sound-lost-from-page"),
        ),
        Fault("trickle", "The stranger sends a tenth of it.", ("sip-flood/flood",)),
        Fault("swollen", "80 MB more are held, as by a leak.", ("sip-flood/memory$", "memory-left")),
    ),
)

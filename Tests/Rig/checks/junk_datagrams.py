"""junk-datagrams: 2,000 random and mutated datagrams a second for 10 s on both open ports, and the next call works."""

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

from ..box import MEDIA_PORT, SIP_PORT
from ..calls import report_callee_tone, report_page_tone, talk
from ..deadlines import RigError
from ..figures import Report
from ..junk import MEDIA_SEEDS, SIP_SEEDS, send_junk
from ..namespaces import BOX_ADDRESS, CARRIER_ADDRESS
from ..rig import Rig, open_rig
from .check import Check, Fault, broken_by

RATE = 2000
SECONDS = 10
ARRIVED_GOAL = 0.95
HANG_GOAL_SECONDS = 2.0
STRANGER = "10.9.0.66"
SEED = 20261122


def run(report: Report, fault: Fault | None) -> None:
    with open_rig() as rig:
        phone = rig.phone("?codec=opus&dsp=off")
        processes = rig.box.processes()
        slowest, arrived = _attack(rig, fault)
        for port, count in zip((SIP_PORT, MEDIA_PORT), arrived, strict=True):
            samples = f"{count} of {RATE * SECONDS} datagrams reached UDP {port} in {SECONDS} s"
            report.at_least(f"arrived-at-{port}", count / (RATE * SECONDS), ARRIVED_GOAL, "of all", samples)
        left = rig.box.processes() if rig.box.program.exit_code is None else {}
        report.equal("processes-gone", len(processes.keys() - left.keys()), 0, f"{len(processes)} processes before")
        report.at_most("slowest-answer", slowest, HANG_GOAL_SECONDS, "s", "GET /api/v1/status during the junk")
        rig.box.program.require_running()
        rig.box.wait_for_trunk(seconds=5)
        phone.wait_for_state("idle", "ended", seconds=5)
        rig.answers.forget_recordings()
        phone.dial(rig.account.answers)
        phone.wait_for_state("active", seconds=10)
        tone, statistics = talk(phone, 4)
        phone.press("hangup")
        rig.answers.wait_for("CALL_CLOSED", 3)
        report_page_tone(report, "next-call", tone, statistics, "opus")
        report_callee_tone(report, "next-call", rig.answers)


def _attack(rig: Rig, fault: Fault | None) -> tuple[float, list[int]]:
    """The slowest answer of the box meanwhile, in seconds, and the datagrams that reached each port."""
    stranger = rig.network.carrier.command("ip", "address", "add", f"{STRANGER}/24", "dev", "eth0")
    subprocess.run(stranger, check=True)
    if broken_by(fault, "filtered"):
        rig.network.box.drop(f"ip saddr {STRANGER}")
    for port in (SIP_PORT, MEDIA_PORT):
        rig.network.box.count(f"udp dport {port}")
    # Requests to begin a call come from a stranger, or the page would ring; the rest also from the provider's address.
    streams = (
        (STRANGER, SIP_PORT, SIP_SEEDS, RATE // 2),
        (CARRIER_ADDRESS, SIP_PORT, SIP_SEEDS[1:], RATE // 2),
        (STRANGER, MEDIA_PORT, MEDIA_SEEDS, RATE // 2),
        (CARRIER_ADDRESS, MEDIA_PORT, MEDIA_SEEDS + SIP_SEEDS[1:], RATE // 2),
    )
    slowest = 0.0
    with ThreadPoolExecutor(len(streams)) as pool:
        sending = [
            pool.submit(
                send_junk, rig.network.carrier, source, (BOX_ADDRESS, port), seeds, rate, SECONDS, SEED + number
            )
            for number, (source, port, seeds, rate) in enumerate(streams)
        ]
        if broken_by(fault, "killed-core"):
            subprocess.run(["kill", "-KILL", str(rig.box.core())], check=True)
        while not all(stream.done() for stream in sending):
            slowest = max(slowest, _answer_time(rig))
            time.sleep(0.2)
        seconds = max(stream.result().seconds for stream in sending)
    if seconds > SECONDS * 1.2:
        raise RigError(f"this machine took {seconds:.1f} s to send what should take {SECONDS} s")
    return slowest, rig.network.box.counted()


def _answer_time(rig: Rig) -> float:
    began = time.monotonic()
    try:
        rig.box.status()
    except (OSError, RigError):
        return float("inf")
    return time.monotonic() - began


CHECK = Check(
    "junk-datagrams",
    "2,000 junk datagrams a second for 10 s on the SIP and the media port: no exit, no hang, the next call works.",
    run,
    (
        Fault("killed-core", "The core is killed meanwhile.", ("processes-gone",)),
        Fault(
            "filtered",
            "A firewall keeps the stranger's half of the junk away from the box.",
            ("arrived-at-5060", "arrived-at-3478"),
        ),
    ),
)

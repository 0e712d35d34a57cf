"""sip-torture: every message of RFC 4475 and RFC 5118 over the wire, while a call goes on that must not notice."""

import signal
import subprocess
import time

from ..box import SIP_PORT
from ..browser import PhonePage
from ..calls import report_page_tone, talk
from ..capture import Capture, Datagram
from ..deadlines import RigError
from ..figures import Report
from ..interop.scenarios import OUTBOUND
from ..interop.stage import open_stage, play
from ..namespaces import BOX_ADDRESS, BOX_ADDRESS_6, CARRIER_ADDRESS, CARRIER_ADDRESS_6, Namespace
from ..rig import Rig, open_rig
from ..torture import NOBODY_THERE, SIZES, Vector, vectors
from ..torture_wire import Answers, Wire
from ..two_calls import call_the_page, shown
from .check import Check, Fault, broken_by

STRANGER = "10.9.0.66"
STRANGER_6 = "fd09::66"
GAP_GOAL_MILLISECONDS = 150
FAULT_VECTORS = 12


def run(report: Report, fault: Fault | None) -> None:
    messages = vectors() if fault is None else vectors()[:FAULT_VECTORS]
    with open_rig() as rig:
        _add_address(rig.network.carrier, f"{STRANGER}/24")
        phone = rig.phone("?codec=pcmu&dsp=off")
        with Capture(rig.network.carrier) as capture:
            phone.dial(rig.account.answers)
            phone.wait_for_state("active", seconds=10)
            talk(phone, 2)
            # A second call that nobody takes: for any other the page is busy.
            call_the_page(rig)
            shown(phone, "waiting-decline")
            call = _running_calls(rig)
            began = time.time()
            _send_all(rig, report, capture, messages, fault)
            ended = time.time()
            _report_call(rig, report, phone, call, _rtp(capture, began, ended))
        rig.box.program.require_running()
    if fault is None:
        _over_ipv6(report)


def _send_all(rig: Rig, report: Report, capture: Capture, messages: list[Vector], fault: Fault | None) -> None:
    if broken_by(fault, "deaf"):
        rig.network.box.drop(f"ip saddr {CARRIER_ADDRESS} udp dport {SIP_PORT}")
    # The stranger first: his invitations leave nothing that the provider's, of the same branch, could be taken for.
    for source, words in ((STRANGER, "stranger"), (CARRIER_ADDRESS, "provider")):
        wire = Wire(rig.network.carrier, source, BOX_ADDRESS, source == CARRIER_ADDRESS)
        halfway = (lambda: _break_call(rig, fault)) if wire.is_provider else None
        _report_answers(report, f"udp-{words}", messages, wire.by_udp(capture, messages, halfway), wire)
    for source, words in ((STRANGER, "stranger"), (CARRIER_ADDRESS, "provider")):
        wire = Wire(rig.network.carrier, source, BOX_ADDRESS, source == CARRIER_ADDRESS)
        framed = [message.over_tcp(words[:1].encode()) for message in messages if message.has_framing]
        _report_answers(report, f"tcp-{words}", framed, wire.by_tcp(framed), wire, over_tcp=True)


def _break_call(rig: Rig, fault: Fault | None) -> None:
    if broken_by(fault, "hang-up"):
        rig.answers.hang_up()
    if broken_by(fault, "gap"):
        rig.box.signal_core(signal.SIGSTOP)
        time.sleep(0.5)
        rig.box.signal_core(signal.SIGCONT)


def _over_ipv6(report: Report) -> None:
    """RFC 5118 as it was meant: the messages about IPv6, over an IPv6 wire. No page is open, and no call goes on."""
    messages = vectors({"rfc5118": SIZES["rfc5118"]})
    with open_stage("udp", ipv6=True) as stage:
        carrier = stage.network.carrier
        _add_address(carrier, f"{STRANGER_6}/64")
        with Capture(carrier) as capture:
            for source, words in ((STRANGER_6, "stranger"), (CARRIER_ADDRESS_6, "provider")):
                wire = Wire(carrier, source, BOX_ADDRESS_6, source == CARRIER_ADDRESS_6, NOBODY_THERE)
                _report_answers(report, f"udp-ipv6-{words}", messages, wire.by_udp(capture, messages), wire)
                framed = [message.over_tcp(words[:1].encode()) for message in messages if message.has_framing]
                _report_answers(report, f"tcp-ipv6-{words}", framed, wire.by_tcp(framed), wire, over_tcp=True)
        answered = next(each for each in OUTBOUND if each.name == "answered")
        report.equal("ipv6-call-afterwards", play(stage, answered) or "as it must be", "as it must be", "sipp, over IPv6")


def _add_address(machine: Namespace, address: str) -> None:
    more = ["nodad"] if ":" in address else []
    subprocess.run(machine.command("ip", "address", "add", address, "dev", "eth0", *more), check=True)


def _report_answers(
    report: Report, name: str, messages: list[Vector], answers: Answers, wire: Wire, over_tcp: bool = False
) -> None:
    wrong = []
    for message in messages:
        right = wire.statuses(message)
        if over_tcp and message.method:
            # Over a connection whoever asks is told what cannot be read.
            right = message.statuses(True, wire.understood) | right
        if (got := answers[message.name]) not in right:
            wrong.append(f"{message.name}: {got or 'nothing'} instead of {_words(right)}")
    silent = sum(answer is None for answer in answers.values())
    statuses = sorted({answer for answer in answers.values() if answer is not None})
    counts = ", ".join(f"{list(answers.values()).count(status)}× {status}" for status in statuses)
    samples = f"{counts}; {silent} without an answer" + (f"; WRONG: {'; '.join(wrong)}" if wrong else "")
    report.equal(f"{name}-right", len(messages) - len(wrong), len(messages), samples)


def _words(statuses: set[int | None]) -> str:
    return " or ".join(sorted("nothing" if status is None else str(status) for status in statuses))


def _rtp(capture: Capture, began: float, ended: float) -> dict[str, list[Datagram]]:
    """The call's sound meanwhile, by who sent it."""
    inside = [datagram for datagram in capture.datagrams if began <= datagram.time <= ended and datagram.is_rtp]
    return {
        "from-box": [one for one in inside if one.source[0] == BOX_ADDRESS and one.target[0] == CARRIER_ADDRESS],
        "to-box": [one for one in inside if one.source[0] == CARRIER_ADDRESS and one.target[0] == BOX_ADDRESS],
    }


def _running_calls(rig: Rig) -> list[str]:
    """The names of the answered calls."""
    return [call["call"] for call in rig.box.status_by_command()["list"] if call["state"] == "active"]


def _report_call(
    rig: Rig, report: Report, phone: PhonePage, call: list[str], rtp: dict[str, list[Datagram]]
) -> None:
    packets = rtp["from-box"]
    if len(packets) < 10:
        raise RigError(f"the call had no sound: {len(packets)} RTP packets came from the box")
    gaps = [(after.time - before.time) * 1000 for before, after in zip(packets, packets[1:], strict=False)]
    numbers = [int.from_bytes(one.payload[2:4]) for one in packets]
    missing = sum((after - before - 1) & 0xFFFF for before, after in zip(numbers, numbers[1:], strict=False))
    seconds = packets[-1].time - packets[0].time
    samples = f"{len(packets)} packets in {seconds:.1f} s, {len(rtp['to-box'])} the other way"
    report.at_most("call-longest-gap", max(gaps), GAP_GOAL_MILLISECONDS, "ms between two packets of the box", samples)
    report.equal("call-packets-lost", missing, 0, samples)
    running = _running_calls(rig)
    report.equal("call-goes-on", running == call and len(call) == 1, True, f"{len(running)} answered call in the end")
    if running != call:
        raise RigError("the call is over")
    tone, statistics = talk(phone, 3)
    report_page_tone(report, "call", tone, statistics, "pcmu")
    phone.press("waiting-decline")
    phone.press("hangup")
    phone.wait_for_state("idle", "ended", seconds=5)


CHECK = Check(
    "sip-torture",
    f"The {sum(SIZES.values())} torture messages of RFC 4475 and RFC 5118 get the right answers or none, "
    "and a call meanwhile does not notice.",
    run,
    (
        Fault("deaf", "A firewall keeps the provider's datagrams away from the SIP port.", ("udp-provider-right",)),
        Fault("hang-up", "The telephone hangs up in the middle.", ("call-goes-on",)),
        Fault("gap", "The core stands still for half a second.", ("call-longest-gap",)),
    ),
)

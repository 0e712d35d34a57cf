"""sip-torture: every message of RFC 4475 and RFC 5118 over the wire, while a call goes on that must not notice."""

import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence

from ..box import SIP_PORT
from ..browser import PhonePage
from ..calls import report_page_tone, talk
from ..capture import Capture, Datagram
from ..deadlines import RigError
from ..figures import Report
from ..namespaces import BOX_ADDRESS, CARRIER_ADDRESS
from ..rig import Rig, open_rig
from ..torture import SIZES, Vector, vectors
from ..two_calls import call_the_page, shown
from .check import Check, Fault, broken_by

STRANGER = "10.9.0.66"
ANSWER_SECONDS = 1.0
SILENCE_SECONDS = 0.15
"""The box answers within a millisecond; this long nothing may come where nothing is to come."""
GAP_GOAL_MILLISECONDS = 150
FAULT_VECTORS = 12
Answers = dict[str, int | None]


def run(report: Report, fault: Fault | None) -> None:
    messages = vectors() if fault is None else vectors()[:FAULT_VECTORS]
    with open_rig() as rig:
        subprocess.run(rig.network.carrier.command("ip", "address", "add", f"{STRANGER}/24", "dev", "eth0"), check=True)
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


def _send_all(rig: Rig, report: Report, capture: Capture, messages: list[Vector], fault: Fault | None) -> None:
    if broken_by(fault, "deaf"):
        rig.network.box.drop(f"ip saddr {CARRIER_ADDRESS} udp dport {SIP_PORT}")
    # The stranger first: his invitations leave nothing that the provider's, of the same branch, could be taken for.
    for source, words in ((STRANGER, "stranger"), (CARRIER_ADDRESS, "provider")):
        answers = _by_udp(rig, capture, source, messages, fault)
        _report_answers(report, f"udp-{words}", messages, answers, source == CARRIER_ADDRESS)
    for source, words in ((STRANGER, "stranger"), (CARRIER_ADDRESS, "provider")):
        framed = [message.over_tcp(words[:1].encode()) for message in messages if message.has_framing]
        answers = _by_tcp(rig, source, framed)
        _report_answers(report, f"tcp-{words}", framed, answers, source == CARRIER_ADDRESS, over_tcp=True)


def _by_udp(rig: Rig, capture: Capture, source: str, messages: list[Vector], fault: Fault | None) -> Answers:
    with rig.network.carrier.entered():
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sender.bind((source, 0))
    answers: Answers = {}
    with sender:
        for number, message in enumerate(messages):
            if number == len(messages) // 2 and source == CARRIER_ADDRESS:
                _break_call(rig, fault)
            seen = len(capture.datagrams)
            sender.sendto(message.data, (BOX_ADDRESS, SIP_PORT))
            patience = SILENCE_SECONDS if None in message.statuses(source == CARRIER_ADDRESS) else ANSWER_SECONDS
            answers[message.name] = _wait_for(
                lambda seen=seen, message=message: _answer(capture.datagrams[seen:], message, source), patience
            )
            if message.method == "INVITE" and answers[message.name] is not None:
                _acknowledge(sender, message, capture.datagrams[seen:])
    return answers


def _break_call(rig: Rig, fault: Fault | None) -> None:
    if broken_by(fault, "hang-up"):
        rig.answers.hang_up()
    if broken_by(fault, "gap"):
        rig.box.signal_core(signal.SIGSTOP)
        time.sleep(0.5)
        rig.box.signal_core(signal.SIGCONT)


def _wait_for(condition: Callable[[], int | None], seconds: float) -> int | None:
    end = time.monotonic() + seconds
    while (found := condition()) is None and time.monotonic() < end:
        time.sleep(0.005)
    return found


def _answer(datagrams: Sequence[Datagram], message: Vector, source: str) -> int | None:
    """The final status that the box sent for this message, wherever its Via sent the answer."""
    for datagram in datagrams:
        if datagram.source[0] == BOX_ADDRESS and datagram.target[0] == source and _is_for(message, datagram.payload):
            if (status := _final(datagram.payload)) is not None:
                return status
    return None


def _is_for(message: Vector, payload: bytes) -> bool:
    """Of an answer in fragments only the first is seen, which ends before the Call-ID; but no two are under way at once."""
    return message.key in payload or (len(message.data) > 1472 and len(payload) >= 1400)


def _final(payload: bytes) -> int | None:
    found = re.match(rb"SIP/2\.0 ([2-6]\d\d) ", payload)
    return int(found.group(1)) if found else None


def _acknowledge(sender: socket.socket, message: Vector, datagrams: Sequence[Datagram]) -> None:
    """Ends the transaction, or the refusal is repeated for half a minute (RFC 3261 §17.1.1.3)."""
    for datagram in datagrams:
        if _is_for(message, datagram.payload) and _final(datagram.payload) is not None:
            lines = [line for line in datagram.payload.split(b"\r\n")
                     if re.match(rb"(via|from|to|call-id):", line, re.IGNORECASE)]  # fmt: skip
            cseq = re.search(rb"CSeq:\s*(\d+)", datagram.payload)
            head = [b"ACK sip:rig@%s SIP/2.0" % BOX_ADDRESS.encode(), *lines, b"Max-Forwards: 70"]
            number = cseq.group(1) if cseq else b"1"
            sender.sendto(b"\r\n".join([*head, b"CSeq: " + number + b" ACK", b"", b""]), (BOX_ADDRESS, SIP_PORT))
            return


def _by_tcp(rig: Rig, source: str, messages: list[Vector]) -> Answers:
    answers: Answers = {}
    for message in messages:
        with rig.network.carrier.entered():
            connection = socket.create_connection((BOX_ADDRESS, SIP_PORT), timeout=2, source_address=(source, 0))
        with connection:
            connection.sendall(message.data)
            answers[message.name] = _first_final(
                connection, message, SILENCE_SECONDS if message.method == "" else ANSWER_SECONDS
            )
    return answers


def _first_final(connection: socket.socket, message: Vector, seconds: float) -> int | None:
    end, heard = time.monotonic() + seconds, b""
    while time.monotonic() < end:
        connection.settimeout(max(0.001, end - time.monotonic()))
        try:
            more = connection.recv(65536)
        except OSError:
            break
        heard += more
        for part in re.split(rb"(?=SIP/2\.0 \d\d\d )", heard):
            if message.key in part and (status := _final(part)) is not None:
                return status
        if not more:
            break
    return None


def _report_answers(
    report: Report, name: str, messages: list[Vector], answers: Answers, is_provider: bool, over_tcp: bool = False
) -> None:
    wrong = []
    for message in messages:
        right = message.statuses(is_provider)
        if over_tcp and message.method:
            # Over a connection whoever asks is told what cannot be read.
            right = message.statuses(True) | right
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

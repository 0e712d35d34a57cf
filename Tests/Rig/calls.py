"""What several checks do with a call: make it, listen to both ends, see it end."""

import time

from .baresip import Baresip
from .browser import MICROPHONE_HERTZ, PhonePage
from .capture import Capture, Datagram
from .deadlines import RigError, wait_until
from .figures import Report
from .namespaces import BOX_ADDRESS
from .rig import FAR_HERTZ, Rig
from .tone import Tone, middle_tone

HANG_UP_GOAL_SECONDS = 1.0
CALLEE_PURITY_GOAL = 0.99
PAGE_PURITY_GOAL = 0.9
"""Opus codes voices: a steady tone at 8 kHz comes out of it a little rough. The peak is what counts here."""
CODECS = ("opus", "pcmu")


def talk(phone: PhonePage, seconds: float) -> tuple[Tone, dict[str, object]]:
    """Lets an active call run; what the page heard in the last 2 s, and its statistics. Fails when no packet came."""
    before = phone.statistics()
    time.sleep(seconds)
    after = phone.statistics()
    if after["received"] <= before["received"]:
        raise RigError(f"no packet reached the page: {after}")
    return phone.heard_tone(2), after


def report_page_tone(report: Report, name: str, tone: Tone, statistics: dict[str, object], codec: str) -> None:
    """The page must hear the telephone's tone, by the codec it was told to use."""
    samples = f"{tone}, {statistics['received']} packets, {statistics['codec']}, {statistics['srtp']}"
    report.within(f"{name}-page-hears", tone.hertz, FAR_HERTZ - 5, FAR_HERTZ + 5, "Hz", samples)
    report.at_least(f"{name}-page-purity", tone.purity, PAGE_PURITY_GOAL, "", samples)
    report.equal(f"{name}-codec", str(statistics["codec"]).lower(), f"audio/{codec}", "getStats")


def report_callee_tone(report: Report, name: str, telephone: Baresip) -> None:
    """The telephone must have heard the microphone's tone. Call it after the end of the call."""
    recording = telephone.recording()
    tone = middle_tone(recording)
    if tone.level == 0:
        raise RigError(f"baresip ({telephone.user}) heard nothing at all in {tone.seconds:.1f} s")
    samples = f"{tone}, {tone.seconds:.1f} s"
    report.within(f"{name}-callee-hears", tone.hertz, MICROPHONE_HERTZ - 5, MICROPHONE_HERTZ + 5, "Hz", samples)
    report.at_least(f"{name}-callee-purity", tone.purity, CALLEE_PURITY_GOAL, "", samples)


def wait_until_gone(rig: Rig, seconds: float = 10) -> float:
    """Until the box itself counts nothing that belongs to a call; when that was."""
    wait_until(lambda: not rig.box.in_use(), seconds, "the box to let go of the call", pause=0.01)
    return time.time()


def answer_moment(capture: Capture, port: int) -> float:
    """When the telephone at `port` of the carrier's machine sent its 200 to the INVITE."""
    for datagram in capture.datagrams:
        if datagram.source[1] == port and _is_answer(datagram.payload):
            return datagram.time
    raise RigError("the telephone never answered")


def first_sound_from_box(capture: Capture, after: float, level: float = 500) -> float:
    """When the first RTP packet with audible content came from the box (half scale is a level of 11,600)."""
    for datagram in rtp_from_box(capture):
        if datagram.time >= after and datagram.loudness > level:
            return datagram.time
    raise RigError("no sound came from the box")


def rtp_from_box(capture: Capture) -> list[Datagram]:
    return [datagram for datagram in capture.datagrams if datagram.source[0] == BOX_ADDRESS and datagram.is_rtp]


def telephone_events_from_box(capture: Capture) -> list[int]:
    """The RFC 4733 events the box sent, one for each distinct time stamp."""
    events: dict[bytes, int] = {}
    for datagram in rtp_from_box(capture):
        if datagram.payload_type >= 96 and len(datagram.payload) == 16:
            events.setdefault(datagram.payload[4:8], datagram.payload[12])
    return list(events.values())


def _is_answer(payload: bytes) -> bool:
    lines = payload.split(b"\r\n")
    return lines[0].startswith(b"SIP/2.0 200") and any(
        line.lower().startswith(b"cseq:") and line.endswith(b"INVITE") for line in lines
    )

"""first-call: browser → box → Kamailio → baresip; both sides hear each other, with Opus and PCMU, digits included."""

import time

from ..browser import PhonePage
from ..calls import (
    CODECS,
    answer_moment,
    first_sound_from_box,
    report_callee_tone,
    report_page_tone,
    rtp_from_box,
    talk,
    telephone_events_from_box,
)
from ..capture import Capture
from ..deadlines import RigError
from ..figures import Report
from ..rig import FAR_HERTZ, Rig, open_rig
from .check import Check, Fault, broken_by

DIGITS = "12#"
EVENT_CODES = {"1": 1, "2": 2, "#": 11}
FIRST_AUDIO_GOAL_MILLISECONDS = 400
SHORT_CALLS = 1
"""More calls per codec, only for the time to the first audio."""


def run(report: Report, fault: Fault | None) -> None:
    far = 850 if broken_by(fault, "other-tone") else FAR_HERTZ
    with open_rig(far_hertz=far) as rig:
        for codec in CODECS if fault is None else CODECS[:1]:
            phone = rig.phone(f"?codec={codec}&dsp=off")
            delays = [_long_call(rig, report, phone, codec, fault)]
            if fault is None or broken_by(fault, "other-digits"):
                delays.append(_call_with_digits(rig, report, phone, codec, "13#" if fault else DIGITS))
            for _ in range(SHORT_CALLS if fault is None else 0):
                delays.append(_short_call(rig, phone))
            phone.page.close()
            report.at_most(
                f"{codec}-first-audio-at-callee",
                max(delays) * 1000,
                FIRST_AUDIO_GOAL_MILLISECONDS,
                "ms after its answer",
                f"slowest of {len(delays)} calls: {', '.join(f'{delay * 1000:.0f}' for delay in delays)} ms",
            )


def _long_call(rig: Rig, report: Report, phone: PhonePage, codec: str, fault: Fault | None) -> float:
    """Reports the tones; returns the seconds from the answer to the first audio at the callee."""
    rig.answers.forget_recordings()
    if broken_by(fault, "deaf-callee"):
        rig.network.carrier.drop("udp dport 20000-29999")
    with Capture(rig.network.carrier) as capture:
        phone.dial(rig.account.answers)
        phone.wait_for_state("active", seconds=10)
        tone, statistics = talk(phone, 5)
        phone.press("hangup")
        phone.wait_for_state("idle", "ended", seconds=3)
        rig.answers.wait_for("CALL_CLOSED", 3)
    if not rtp_from_box(capture):
        raise RigError("not one RTP packet of the box reached the carrier's machine")
    report_page_tone(report, codec, tone, statistics, codec)
    report_callee_tone(report, codec, rig.answers)
    return _delay(rig, capture)


def _call_with_digits(rig: Rig, report: Report, phone: PhonePage, codec: str, digits: str) -> float:
    rig.answers.forget_events()
    with Capture(rig.network.carrier) as capture:
        phone.dial(rig.account.answers)
        phone.wait_for_state("active", seconds=10)
        talk(phone, 1)
        for key in digits:
            phone.press_key(key)
            time.sleep(0.3)
        talk(phone, 1)
        phone.press("hangup")
        closed = rig.answers.wait_for("CALL_CLOSED", 3)
        phone.wait_for_state("idle", "ended", seconds=3)
    report.equal(
        f"{codec}-digits-at-callee", " ".join(_pressed(rig)), " ".join(DIGITS), f"baresip's events until {closed.type}"
    )
    report.equal(
        f"{codec}-digits-by-rfc-4733",
        telephone_events_from_box(capture),
        [EVENT_CODES[digit] for digit in DIGITS],
        f"{len(rtp_from_box(capture))} RTP packets",
    )
    return _delay(rig, capture)


def _short_call(rig: Rig, phone: PhonePage) -> float:
    with Capture(rig.network.carrier) as capture:
        phone.dial(rig.account.answers)
        phone.wait_for_state("active", seconds=10)
        talk(phone, 1)
        phone.press("hangup")
        rig.answers.wait_for("CALL_CLOSED", 3)
        phone.wait_for_state("idle", "ended", seconds=3)
    return _delay(rig, capture)


def _delay(rig: Rig, capture: Capture) -> float:
    answered = answer_moment(capture, rig.answers.port)
    return first_sound_from_box(capture, answered) - answered


def _pressed(rig: Rig) -> list[str]:
    return [event.parameter for event in rig.answers.passed if event.type == "CALL_DTMF_START"]


CHECK = Check(
    "first-call",
    "A call from the browser through the provider to a telephone carries both tones and the digits 1 2 #.",
    run,
    (
        Fault("other-tone", "The telephone plays 850 Hz instead of 1000 Hz.", "opus-page-hears"),
        Fault(
            "deaf-callee", "The network drops all RTP towards the telephone.", "heard nothing|no recording|0 recordings"
        ),
        Fault("other-digits", "The user presses 1 3 # instead of 1 2 #.", "opus-digits-at-callee"),
    ),
)

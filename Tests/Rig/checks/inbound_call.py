"""inbound-call: baresip dials the box's number, the page rings, answers, and both sides hear each other."""

import time

from ..calls import CODECS, report_callee_tone, report_page_tone, talk
from ..figures import Report
from ..namespaces import CARRIER_ADDRESS
from ..rig import FAR_HERTZ, Rig, open_rig
from .check import Check, Fault, broken_by


def run(report: Report, fault: Fault | None) -> None:
    far = 850 if broken_by(fault, "other-tone") else FAR_HERTZ
    with open_rig(far_hertz=far) as rig:
        for codec in CODECS if fault is None else CODECS[:1]:
            answered_call(rig, report, codec, fault, codec)
        if fault is None:
            _declined_call(rig, report)
            _given_up_call(rig, report)


def answered_call(rig: Rig, report: Report, codec: str, fault: Fault | None, name: str) -> None:
    """A telephone calls, the page answers and hangs up; `name` begins the figures' names."""
    phone = rig.phone(f"?codec={codec}&dsp=off")
    caller = rig.answers
    caller.forget_recordings()
    caller.forget_events()
    if broken_by(fault, "deaf-page"):
        rig.network.box.drop(f"ip saddr {CARRIER_ADDRESS} udp dport 20000-20999")
    dialled = time.time()
    caller.dial(_number(rig))
    rang = phone.wait_for_state("incoming", seconds=5)
    phone.press("answer")
    caller.wait_for("CALL_ESTABLISHED", 5)
    phone.wait_for_state("active", seconds=5)
    tone, statistics = talk(phone, 5)
    phone.press("hangup")
    caller.wait_for("CALL_CLOSED", 3)
    phone.wait_for_state("idle", "ended", seconds=3)
    report.at_most(f"{name}-page-rings", rang - dialled, 2, "s after dialling", "1 call")
    report_page_tone(report, name, tone, statistics, codec)
    report_callee_tone(report, name, caller)
    phone.page.close()


def _declined_call(rig: Rig, report: Report) -> None:
    phone = rig.phone()
    caller = rig.answers
    caller.forget_events()
    caller.dial(_number(rig))
    phone.wait_for_state("incoming", seconds=5)
    declined = phone.press("decline")
    closed = caller.wait_for("CALL_CLOSED", 5)
    phone.wait_for_state("idle", "ended", seconds=3)
    report.at_most("declined", closed.time - declined, 1, "s", f"baresip heard: {closed.parameter}")
    phone.page.close()


def _given_up_call(rig: Rig, report: Report) -> None:
    phone = rig.phone()
    caller = rig.answers
    caller.forget_events()
    caller.dial(_number(rig))
    phone.wait_for_state("incoming", seconds=5)
    caller.hang_up()
    gave_up = time.time()
    ended = phone.wait_for_state("idle", "ended", seconds=5)
    report.at_most("caller-gave-up", ended - gave_up, 1, "s until the page stops ringing", "1 call")
    phone.page.close()


def _number(rig: Rig) -> str:
    return f"sip:{rig.account.number.lstrip('+')}@{CARRIER_ADDRESS}:5060"


CHECK = Check(
    "inbound-call",
    "A telephone that dials the box's number rings the page; answered there, both tones are right.",
    run,
    (
        Fault("other-tone", "The caller plays 850 Hz instead of 1000 Hz.", ("opus-page-hears",)),
        Fault(
            "deaf-page",
            "The network drops all RTP towards the box.",
            ("no packet reached the page|heard nothing|opus-page-hears",),
        ),
    ),
)

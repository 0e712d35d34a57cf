"""page-reload: a page that is loaded anew in the middle of a call has it back before anybody asks what happened."""

import time

import numpy as np

from ..browser import MICROPHONE_HERTZ, PhonePage
from ..calls import wait_until_gone
from ..deadlines import DeadlinePassed, RigError, wait_until
from ..figures import Report
from ..rig import FAR_HERTZ, Rig, open_rig
from ..tone import dominant_tone, read_wave
from .check import Check, Fault, broken_by

RELOADS = 50
BACK_GOAL_SECONDS = 1.5
PATIENCE_SECONDS = 4.0
NAMELESS = "sessionStorage.clear()"


def run(report: Report, fault: Fault | None) -> None:
    with open_rig() as rig:
        phone = rig.phone()
        # The page asks whether the call is really to be left.
        phone.page.on("dialog", lambda dialog: dialog.accept())
        if broken_by(fault, "nameless"):
            phone.page.add_init_script(NAMELESS)
        rig.answers.forget_events()
        rig.answers.forget_recordings()
        phone.dial(rig.account.answers)
        phone.wait_for_state("active", seconds=10)
        phone.press("mute")
        phone.press("mute")
        times, lost = [], 0
        for _ in range(RELOADS if fault is None else 3):
            time.sleep(0.3)
            began = time.monotonic()
            if broken_by(fault, "closed"):
                phone.page.goto("about:blank")
                time.sleep(6)
                phone.page.goto(f"{rig.box.address}/?dsp=off")
            else:
                phone.page.reload(wait_until="commit")
            try:
                wait_until(lambda: _hears(phone), PATIENCE_SECONDS, "the call to be heard again", pause=0.02)
                times.append(time.monotonic() - began)
            except DeadlinePassed:
                lost += 1
                break
        report.equal("calls-back", len(times), RELOADS, f"{RELOADS} reloads of one call")
        if not times:
            raise RigError("the call was not back after the first reload")
        report.at_most(
            "slowest", max(times), BACK_GOAL_SECONDS, "s until sound", f"{len(times)} reloads, median {np.median(times):.2f} s"
        )
        _after(rig, report, phone)


def _hears(phone: PhonePage) -> bool:
    """Whether packets reach the page that is there now."""
    try:
        return int(phone.statistics()["received"]) > 0 and phone.page.evaluate("rig.state()") == "active"
    except RigError:
        return False


def _after(rig: Rig, report: Report, phone: PhonePage) -> None:
    """What was heard at both ends, once it is over."""
    time.sleep(3)
    tone = phone.heard_tone(2)
    report.within("page-hears", tone.hertz, FAR_HERTZ - 5, FAR_HERTZ + 5, "Hz", str(tone))
    status = rig.box.status()
    report.equal("legs", status["legs"], 2, "sipcall status: one of the page, one of the provider")
    closed = any(event.type == "CALL_CLOSED" for event in rig.answers.passed)
    report.equal("far-side", "hung up" if closed else "in the call", "in the call", "baresip")
    phone.press("hangup")
    rig.answers.wait_for("CALL_CLOSED", 3)
    wait_until_gone(rig)
    samples, rate = read_wave(rig.answers.recording())
    tail = dominant_tone(samples[-3 * rate : -rate], rate)
    report.within(
        "callee-hears", tail.hertz, MICROPHONE_HERTZ - 5, MICROPHONE_HERTZ + 5, "Hz", f"{tail}, after the last reload"
    )


CHECK = Check(
    "page-reload",
    f"A reload in the middle of a call brings it back within {BACK_GOAL_SECONDS} s, {RELOADS} of {RELOADS}.",
    run,
    (
        Fault("nameless", "The tab forgets its name when it is loaded anew.", ("calls-back|not back",)),
        Fault("closed", "The tab is away for six seconds.", ("calls-back|not back",)),
    ),
)

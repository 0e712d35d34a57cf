"""kill -9: of the page's process during a call, which must not notice; of the core, which must be there again at once."""

import time

import numpy as np
from Rig.calls import rtp_from_box, talk
from Rig.capture import Capture, Datagram
from Rig.deadlines import RigError, wait_until
from Rig.figures import Report
from Rig.namespaces import BOX_ADDRESS
from Rig.rig import FAR_HERTZ, Rig
from Rig.sip_ping import wait_for_options_reply
from Rig.tone import dominant_tone, middle_tone

from .journal import JournalMark
from .machine import Machine
from .upkeep import wait_for_units

SETTLE_SECONDS = 4
GAP_GOAL_MILLISECONDS = 100


def web_killed(report: Report, rig: Rig, machine: Machine) -> None:
    phone = rig.phone("?codec=pcmu&dsp=off")
    rig.answers.forget_recordings()
    phone.dial(rig.account.answers)
    phone.wait_for_state("active", seconds=10)
    talk(phone, 2)
    with Capture(rig.network.carrier) as capture:
        time.sleep(1)
        process, began = machine.main_process("sipcall-web"), time.monotonic()
        machine.run("kill", "-KILL", str(process))
        wait_until(lambda: machine.main_process("sipcall-web") not in (0, process), 5, "another web process")
        wait_for_units(machine)
        back = time.monotonic() - began
        time.sleep(SETTLE_SECONDS)
    report.at_most("killed-web-back", back, 2, "s", "kill -9 during a call")
    packets = rtp_from_box(capture)
    report.at_most("killed-web-longest-gap", longest_gap(packets) * 1000, GAP_GOAL_MILLISECONDS, "ms", f"{len(packets)} RTP packets to the telephone")
    report.equal("killed-web-call", rig.box.status()["calls"], 1, "calls of the core afterwards")
    tone = phone.heard_tone(SETTLE_SECONDS + 1)
    report.within("killed-web-page-hears", tone.hertz, FAR_HERTZ - 5, FAR_HERTZ + 5, "Hz", f"{tone}")
    report.at_least("killed-web-page-purity", tone.purity, 0.95, "", "all of it since before the kill")
    # The page finds its way back by itself, and its buttons work.
    phone.press("hangup")
    rig.answers.wait_for("CALL_CLOSED", 5)
    heard = middle_tone(rig.answers.recording())
    report.at_least("killed-web-callee-purity", heard.purity, 0.99, "", f"{heard}, {heard.seconds:.1f} s")
    phone.page.close()


def core_killed(report: Report, rig: Rig, machine: Machine) -> None:
    process, began = machine.main_process("sipcall-core"), time.monotonic()
    machine.run("kill", "-KILL", str(process))
    wait_for_options_reply(rig.network.carrier, (BOX_ADDRESS, 5060), 10, lambda: None)
    serving = time.monotonic() - began
    if machine.main_process("sipcall-core") == process:
        raise RigError("the core was not killed")
    report.at_most("killed-core-serving", serving, 1, "s", "from kill -9 to an answered OPTIONS")
    rig.box.wait_for_trunk(seconds=5)
    report.at_most("killed-core-registered", time.monotonic() - began, 3, "s", "from kill -9 to a registered trunk")
    wait_for_units(machine)


def longest_gap(packets: list[Datagram]) -> float:
    """The longest time between two packets of one stream, in seconds."""
    if len(packets) < 2:
        raise RigError("no sound reached the telephone while the web process was away")
    return float(np.max(np.diff([packet.time for packet in packets])))

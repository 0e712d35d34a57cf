"""first-syllable: a burst that the callee plays from its very first sample arrives whole at the page."""

import tempfile
import time
from pathlib import Path

from ..burst import BURST_MILLISECONDS, heard_milliseconds, write_burst
from ..calls import CODECS, talk
from ..figures import Report
from ..rig import Rig, open_rig
from .check import Check, Fault, broken_by

TRIALS = 3
RINGING_SECONDS = 1.0
GOAL_MILLISECONDS = 57
"""Of 60: the measure resolves 1 ms, and jitter buffers stretch and squeeze a little."""


def run(report: Report, fault: Fault | None) -> None:
    with tempfile.TemporaryDirectory(prefix="sipcall-burst-") as folder:
        burst = write_burst(Path(folder) / "burst.wav", muted_milliseconds=30 if broken_by(fault, "muted-burst") else 0)
        with open_rig(rings_source=burst) as rig:
            for codec in CODECS if fault is None else CODECS[:1]:
                heard = [_heard(rig, codec, fault) for _ in range(TRIALS if fault is None else 1)]
                values = ", ".join(f"{milliseconds:.0f}" for milliseconds in heard)
                report.at_least(
                    f"{codec}-first-60-ms",
                    min(heard),
                    GOAL_MILLISECONDS,
                    "ms",
                    f"worst of {len(heard)} calls: {values} ms",
                )


def _heard(rig: Rig, codec: str, fault: Fault | None) -> float:
    phone = rig.phone(f"?codec={codec}&dsp=off")
    rig.rings.forget_events()
    if broken_by(fault, "late-gate"):
        # The first two packets of 20 ms each, 200 bytes with their IP header, never arrive.
        rig.network.box.drop("ip saddr 10.9.0.2 udp dport 20000-20999 quota until 390 bytes")
    phone.dial(rig.account.rings)
    rig.rings.wait_for("CALL_INCOMING", 5)
    phone.wait_for_state("ringing", "early", seconds=5)
    time.sleep(RINGING_SECONDS)
    rig.rings.accept()
    phone.wait_for_state("active", seconds=5)
    talk(phone, 1.2)
    recording = phone.heard()
    phone.press("hangup")
    rig.rings.wait_for("CALL_CLOSED", 3)
    phone.wait_for_state("idle", "ended", seconds=3)
    phone.page.close()
    return heard_milliseconds(recording.samples, recording.rate)


CHECK = Check(
    "first-syllable",
    f"A burst played at the answer arrives with its first {BURST_MILLISECONDS} ms.",
    run,
    (
        Fault("muted-burst", "The telephone is silent for the first 30 ms of the burst.", ("opus-first-60-ms",)),
        Fault(
            "late-gate",
            "The network drops the first packets from the telephone, as a gate opened too late would.",
            ("opus-first-60-ms",),
        ),
    ),
)

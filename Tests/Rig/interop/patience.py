"""Flows that need minutes: session timers (RFC 4028), an acknowledgement that never comes, a provider that vanishes.

A real page and the far side keep the sound alive meanwhile, until the provider is gone.
"""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from threading import Event, Thread

from ..browser import PhonePage, phone_browser
from ..deadlines import RigError, wait_until
from ..sipp import Sipp
from .stage import NUMBER, Mismatch, Stage, open_stage, provider_vanishes, sounds


@dataclass(frozen=True)
class Vigil:
    """One call that is left alone until it ends."""

    name: str
    sipp: str
    code: str
    """Why it must have ended."""
    seconds: tuple[float, float]
    """After how long, at least and at most."""
    calls_box: bool = False
    vanishes: bool = False
    """The provider is gone once the call is active."""


VIGILS = (
    # An interval of 90 s, the least: refreshed after half of it, given up a third before its end.
    (
        Vigil("refreshed-by-us", "refresh-by-us", "call.hung-up-there", (44, 50)),
        Vigil("refresh-481", "refresh-481", "call.dialog-lost", (44, 50)),
    ),
    # 30 s without sound or report, and 32 s for an answer.
    (Vigil("vanishes-in-a-call", "vanishes", "call.provider-gone", (60, 70), vanishes=True),),
    (
        Vigil("refreshed-by-them", "refresh-by-them", "call.hung-up-there", (0.8, 6)),
        Vigil("refresh-missed", "refresh-missed", "call.session-expired", (58, 66)),
        Vigil("never-acknowledged", "never-acknowledges", "call.acknowledgement-lost", (31, 36), calls_box=True),
    ),
)
"""Each row has a box of its own, and they run side by side."""


def keep(row: tuple[Vigil, ...]) -> list[tuple[str, str]]:
    """Each vigil's name, and what was wrong with it; empty when it ended as it must."""
    outcomes = []
    with open_stage() as stage, ExitStack() as stack:
        browser = stack.enter_context(phone_browser(stage.network.box, stage.folder / "chromium", stage.box.address))
        page = browser.sign_in(stage.box.password)
        page.wait_for_trunk("registered")
        for vigil in row:
            outcomes.append((vigil.name, _outcome(stage, page, vigil)))
    return outcomes


def _outcome(stage: Stage, page: PhonePage, vigil: Vigil) -> str:
    try:
        _keep(stage, page, vigil)
    except RigError as error:
        return str(error)
    return ""


def _keep(stage: Stage, page: PhonePage, vigil: Vigil) -> None:
    stage.provider.forget()
    page.wait_for_state("idle", "ended", "", seconds=5)
    page.forget()
    logged = len(stage.box.log_text())
    with Sipp(stage.network.carrier, stage.folder, stage.provider, vigil.sipp, seconds=75) as sipp:
        if vigil.calls_box:
            page.wait_for_state("incoming", seconds=5)
            page.press("answer")
        else:
            sipp.wait_until_it_listens()
            page.dial(NUMBER)
        began = page.wait_for_state("active", seconds=8)
        if vigil.vanishes:
            provider_vanishes(stage)
            ended = page.wait_for_state("idle", "ended", seconds=72)
        else:
            with _sound(stage):
                ended = page.wait_for_state("idle", "ended", seconds=72)
        if wrong := sipp.wait(5):
            raise Mismatch(wrong)
    seconds = ended - began
    if not vigil.seconds[0] <= seconds <= vigil.seconds[1]:
        raise Mismatch(f"it ended after {seconds:.1f} s, not {vigil.seconds[0]:g} to {vigil.seconds[1]:g} s")
    code = wait_until(
        lambda: re.search(r"The call ended\..*?code=(\S+)", stage.box.log_text()[logged:]), 3, "the end in the log"
    )
    if code.group(1) != vigil.code:
        raise Mismatch(f"it ended with {code.group(1)}, not {vigil.code}")
    wait_until(lambda: not stage.box.in_use(), 3, "the box to let go of the call")


@contextmanager
def _sound(stage: Stage) -> Iterator[None]:
    """The far side is heard of from time to time, or the box would ask whether it is there."""
    is_over = Event()

    def speak() -> None:
        while not is_over.wait(5):
            sounds(stage)

    speaker = Thread(target=speak, daemon=True)
    speaker.start()
    try:
        yield
    finally:
        is_over.set()
        speaker.join()

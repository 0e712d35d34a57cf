"""Calls through an installed box: from its page to a telephone behind the provider."""

from Rig.browser import PhonePage
from Rig.calls import talk
from Rig.deadlines import wait_until
from Rig.rig import FAR_HERTZ, Rig


def dial(rig: Rig, phone: PhonePage) -> None:
    """Returns when both sides are connected."""
    rig.answers.forget_recordings()
    rig.answers.forget_events()
    phone.dial(rig.account.answers)
    phone.wait_for_state("active", seconds=10)


def check_sound(phone: PhonePage) -> None:
    """The page hears what the telephone plays."""
    tone, _ = talk(phone, 3)
    assert abs(tone.hertz - FAR_HERTZ) < 5, tone


def hang_up(rig: Rig, phone: PhonePage) -> None:
    """Returns when nobody holds anything of the call."""
    phone.press("hangup")
    rig.answers.wait_for("CALL_CLOSED", 5)
    phone.wait_for_state("idle", "ended", seconds=5)
    wait_until(lambda: not rig.box.in_use(), 10, "the box to let go of the call")

"""Calls that nobody here takes are passed on: Kamailio's caller and Kamailio's callee meet in the box."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from Rig.capture import Capture
from Rig.deadlines import wait_until
from Rig.namespaces import CARRIER_ADDRESS
from Rig.rig import FAR_HERTZ, Rig, open_rig
from Rig.tone import middle_tone


@pytest.fixture(scope="module")
def forwarding_rig() -> Iterator[Rig]:
    with open_rig(trunk='[forwarding]\nnumber = "+4930200200"\nwhen = "absent"') as rig:
        yield rig


def _dial(rig: Rig) -> None:
    rig.rings.forget_events()
    rig.answers.forget_events()
    rig.rings.forget_recordings()
    rig.answers.forget_recordings()
    rig.rings.dial(f"sip:{rig.account.number.lstrip('+')}@10.9.0.2:5060")
    rig.rings.wait_for("CALL_ESTABLISHED", 5)
    rig.answers.wait_for("CALL_ESTABLISHED", 5)


def _gone(rig: Rig) -> None:
    wait_until(lambda: not rig.box.in_use(), 3, "the box to let go of the call")


def test_both_hear_each_other_and_the_caller_hangs_up(forwarding_rig: Rig) -> None:
    rig = forwarding_rig
    _dial(rig)
    time.sleep(4)
    rig.rings.hang_up()
    rig.answers.wait_for("CALL_CLOSED", 2)
    for telephone in (rig.rings, rig.answers):
        tone = middle_tone(telephone.recording())
        assert abs(tone.hertz - FAR_HERTZ) < 5, f"{telephone.user} heard {tone}"
        assert tone.purity > 0.99, f"{telephone.user} heard {tone}"
    _gone(rig)


def test_both_halves_are_recorded_and_name_each_other(forwarding_rig: Rig) -> None:
    rig = forwarding_rig
    before = {record["call"] for record in rig.box.calls("?limit=200")}
    _dial(rig)
    rig.rings.hang_up()
    rig.answers.wait_for("CALL_CLOSED", 2)
    _gone(rig)

    def halves() -> list[dict[str, Any]]:
        new = [record for record in rig.box.calls("?limit=200") if record["call"] not in before]
        return [record for record in new if "ended" in record]

    wait_until(lambda: len(halves()) == 2, 5, "both records")
    inbound, outbound = sorted(halves(), key=lambda record: str(record["direction"]))
    assert inbound["forwardedTo"] == outbound["call"]
    assert outbound["forwardedBy"] == inbound["call"]
    assert (outbound["number"], outbound["user"], outbound["trunk"]) == ("+4930200200", "[forwarding]", "Carrier")
    assert (inbound["outcome"], outbound["outcome"]) == ("answered", "answered")
    assert "forwardedBy" not in inbound and "user" not in inbound


@pytest.mark.parametrize("holder", ["rings", "answers"])
def test_a_hold_goes_through_and_ends(forwarding_rig: Rig, holder: str) -> None:
    rig = forwarding_rig
    _dial(rig)
    holding, held = (rig.rings, rig.answers) if holder == "rings" else (rig.answers, rig.rings)
    for command, is_held in [("hold", True), ("resume", False)] * 2:
        held.forget_events()
        assert holding.command(command)["ok"]
        assert "offer" in held.wait_for("CALL_REMOTE_SDP", 3).parameter
        # Two telephones send 10 packets each in 200 ms. Whoever is held sends none.
        wait_until(lambda held=is_held: (_heard(rig) < 15) is held, 3, "the telephones to follow")
    rig.rings.hang_up()
    rig.answers.wait_for("CALL_CLOSED", 2)
    _gone(rig)


def _heard(rig: Rig) -> int:
    """Packets of sound that both telephones send in 200 ms."""
    with Capture(rig.network.box) as capture:
        time.sleep(0.2)
    return sum(1 for packet in capture.datagrams if packet.source[0] == CARRIER_ADDRESS and packet.is_rtp)


def test_the_called_number_hangs_up(forwarding_rig: Rig) -> None:
    rig = forwarding_rig
    _dial(rig)
    rig.answers.hang_up()
    rig.rings.wait_for("CALL_CLOSED", 2)
    _gone(rig)


def test_a_caller_who_gives_up_takes_the_onward_call_along() -> None:
    with open_rig(trunk='[forwarding]\nnumber = "+4930606060"\nwhen = "always"') as rig:
        rig.answers.dial(f"sip:{rig.account.number.lstrip('+')}@10.9.0.2:5060")
        rig.rings.wait_for("CALL_INCOMING", 5)
        rig.answers.wait_for("CALL_RINGING", 2)
        rig.answers.hang_up()
        rig.rings.wait_for("CALL_CLOSED", 2)
        _gone(rig)

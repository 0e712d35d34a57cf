"""Calls between the phone socket and telephones behind Kamailio: every way they begin and end."""

from contextlib import ExitStack

import pytest

from Rig.deadlines import wait_until
from Rig.phone_socket import OFFER, CallRefused, PhoneSocket
from Rig.rig import Rig

AT_ONCE = 1.5


def _gone(rig: Rig) -> None:
    wait_until(lambda: not rig.box.in_use(), 3, "the box to let go of the call")


def _ring_the_box(rig: Rig) -> None:
    rig.answers.dial(f"sip:{rig.account.number.lstrip('+')}@10.9.0.2:5060")


def test_a_call_is_answered_and_hung_up_here(rig: Rig, phone: PhoneSocket) -> None:
    call = phone.start_call(rig.account.answers)
    phone.wait_for("call.state", 5, call=call, state="active")
    rig.answers.wait_for("CALL_ESTABLISHED", 2)
    phone.request("call.end", call=call)
    rig.answers.wait_for("CALL_CLOSED", AT_ONCE)
    assert phone.wait_for("call.ended", AT_ONCE, call=call)["code"] == "call.hung-up-here"
    _gone(rig)


def test_a_call_is_hung_up_there(rig: Rig, phone: PhoneSocket) -> None:
    call = phone.start_call(rig.account.answers)
    phone.wait_for("call.state", 5, call=call, state="active")
    rig.answers.wait_for("CALL_ESTABLISHED", 2)
    rig.answers.hang_up()
    assert phone.wait_for("call.ended", AT_ONCE, call=call)["code"] == "call.hung-up-there"
    _gone(rig)


def test_a_ringing_call_is_cancelled(rig: Rig, phone: PhoneSocket) -> None:
    call = phone.start_call(rig.account.rings)
    phone.wait_for("call.state", 5, call=call, state="ringing")
    phone.request("call.end", call=call)
    rig.rings.wait_for("CALL_CLOSED", AT_ONCE)
    phone.wait_for("call.ended", AT_ONCE, call=call)
    _gone(rig)


@pytest.mark.parametrize(("which", "code"), [("busy", "call.busy"), ("unknown", "call.wrong-number")])
def test_a_refused_call_says_why(rig: Rig, phone: PhoneSocket, which: str, code: str) -> None:
    call = phone.start_call(getattr(rig.account, which))
    ended = phone.wait_for("call.ended", 2, call=call)
    assert ended["code"] == code
    assert len(ended["sentence"].split()) >= 4
    _gone(rig)


def test_an_inbound_call_rings_and_is_declined(rig: Rig, phone: PhoneSocket) -> None:
    _ring_the_box(rig)
    call = phone.wait_for("call.incoming", 3)["call"]
    phone.request("call.offer", call=call, sdp=OFFER)
    rig.answers.wait_for("CALL_RINGING", 2)
    phone.request("call.end", call=call)
    rig.answers.wait_for("CALL_CLOSED", AT_ONCE)
    _gone(rig)


def test_an_inbound_call_is_answered(rig: Rig, phone: PhoneSocket) -> None:
    _ring_the_box(rig)
    call = phone.wait_for("call.incoming", 3)["call"]
    phone.request("call.offer", call=call, sdp=OFFER)
    phone.request("call.answer", call=call)
    rig.answers.wait_for("CALL_ESTABLISHED", 3)
    phone.wait_for("call.state", 3, call=call, state="active")
    phone.request("call.end", call=call)
    rig.answers.wait_for("CALL_CLOSED", AT_ONCE)
    _gone(rig)


def test_a_caller_gives_up(rig: Rig, phone: PhoneSocket) -> None:
    _ring_the_box(rig)
    call = phone.wait_for("call.incoming", 3)["call"]
    rig.answers.hang_up()
    assert phone.wait_for("call.ended", AT_ONCE, call=call)["code"] == "call.cancelled"
    _gone(rig)


def test_an_answered_call_that_nobody_takes_part_in_does_not_live_on(rig: Rig, phone: PhoneSocket) -> None:
    # This offer's browser does not exist: no connectivity check ever comes. The box must notice by itself.
    call = phone.start_call(rig.account.answers)
    phone.wait_for("call.state", 5, call=call, state="active")
    phone.wait_for("call.ended", 40, call=call)
    rig.answers.wait_for("CALL_CLOSED", AT_ONCE)
    _gone(rig)


@pytest.mark.parametrize("number", ["", "no number", "1" * 300, "sip:trunk1@10.9.0.2"])
def test_nonsense_is_not_dialled(rig: Rig, phone: PhoneSocket, number: str) -> None:
    with pytest.raises(CallRefused):
        phone.start_call(number)
    _gone(rig)


def test_a_service_of_the_box_needs_no_provider(rig: Rig, phone: PhoneSocket) -> None:
    rig.network.carrier.drop("udp dport 5060")
    try:
        call = phone.start_call("*43")
        phone.wait_for("call.state", 3, call=call, state="active")
        phone.request("call.end", call=call)
    finally:
        rig.network.carrier.undrop()
    _gone(rig)


def test_ten_calls_at_once(rig: Rig) -> None:
    rig.answers.forget_events()
    with ExitStack() as stack:
        phones = [stack.enter_context(PhoneSocket(rig.box)) for _ in range(10)]
        calls = [phone.start_call(rig.account.answers) for phone in phones]
        for phone, call in zip(phones, calls, strict=True):
            phone.wait_for("call.state", 5, call=call, state="active")
        assert rig.box.status()["calls"] == 10
        for phone, call in zip(phones, calls, strict=True):
            phone.request("call.end", call=call)
        for _ in calls:
            rig.answers.wait_for("CALL_CLOSED", AT_ONCE)
    _gone(rig)

"""Calls that change while they last, between the phone socket and baresip: hold, resume, transfer, keys."""

import time
from pathlib import Path

import pytest

from Rig.baresip import Baresip
from Rig.capture import Capture
from Rig.deadlines import wait_until
from Rig.phone_socket import OFFER, CallRefused, PhoneSocket
from Rig.rig import Rig, open_rig
from Rig.tone import sine, write_wave

FROM_BOX = "10.9.0.1"
TELEPHONE = "10.9.0.2"


def _heard_from(rig: Rig, source: str) -> int:
    """Packets of sound in 200 ms."""
    with Capture(rig.network.box) as capture:
        time.sleep(0.2)
    return sum(1 for packet in capture.datagrams if packet.source[0] == source and packet.is_rtp)


def _talk(rig: Rig, phone: PhoneSocket) -> str:
    call = phone.start_call(rig.account.answers)
    phone.wait_for("call.state", 5, call=call, state="active")
    rig.answers.wait_for("CALL_ESTABLISHED", 2)
    return call


def _end(rig: Rig, phone: PhoneSocket, call: str) -> None:
    phone.request("call.end", call=call)
    rig.answers.wait_for("CALL_CLOSED", 2)
    wait_until(lambda: not rig.box.in_use(), 3, "the box to let go of the call")


def test_the_telephone_holds_and_resumes(rig: Rig, phone: PhoneSocket) -> None:
    call = _talk(rig, phone)
    for command, there in [("hold", True), ("resume", False)] * 2:
        assert rig.answers.command(command)["ok"]
        assert phone.wait_for("call.held", 3, call=call, there=there)["here"] is False
    _end(rig, phone, call)


def test_the_page_holds_and_resumes(rig: Rig, phone: PhoneSocket) -> None:
    call = _talk(rig, phone)
    for held in [True, False] * 2:
        phone.request("call.hold", call=call, held=held)
        phone.wait_for("call.held", 3, call=call, here=held)
        assert "offer" in rig.answers.wait_for("CALL_REMOTE_SDP", 3).parameter
        # Whoever is held sends nothing, and goes on afterwards.
        wait_until(lambda: (_heard_from(rig, TELEPHONE) == 0) is held, 3, "the telephone to follow")
    _end(rig, phone, call)


def test_both_hold_and_either_resumes(rig: Rig, phone: PhoneSocket) -> None:
    call = _talk(rig, phone)
    phone.request("call.hold", call=call, held=True)
    phone.wait_for("call.held", 3, call=call, here=True, there=False)
    rig.answers.command("hold")
    phone.wait_for("call.held", 3, call=call, here=True, there=True)
    phone.request("call.hold", call=call, held=False)
    phone.wait_for("call.held", 3, call=call, here=False, there=True)
    rig.answers.command("resume")
    phone.wait_for("call.held", 3, call=call, here=False, there=False)
    _end(rig, phone, call)


def test_a_held_telephone_is_sent_music_and_nothing_of_it_is_lost(rig: Rig, phone: PhoneSocket) -> None:
    call = _talk(rig, phone)
    phone.request("call.hold", call=call, held=True)
    phone.wait_for("call.held", 3, call=call, here=True)
    time.sleep(0.5)
    with Capture(rig.network.carrier) as capture:
        time.sleep(1)
    packets = [packet for packet in capture.datagrams if packet.source[0] == FROM_BOX and packet.is_rtp]
    assert len(packets) > 40
    assert 500 < max(packet.loudness for packet in packets) < 6000
    _end(rig, phone, call)


def _refer(rig: Rig, target: str) -> None:
    """Lets the telephone ask the box to call somebody else."""
    assert rig.answers.command("transfer", f"sip:{target}@{TELEPHONE}")["ok"]


def test_the_telephone_may_not_send_the_box_anywhere(rig: Rig, phone: PhoneSocket) -> None:
    # A satellite number, which no owner allows without saying so.
    call = _talk(rig, phone)
    _refer(rig, "+88216123456")
    assert "603" in rig.answers.wait_for("TRANSFER_FAILED", 5).parameter
    # This telephone hangs up by itself then; the box would have gone on.
    assert phone.wait_for("call.ended", 3, call=call)["code"] == "call.hung-up-there"
    wait_until(lambda: not rig.box.in_use(), 3, "the box to let go of the call")


def test_the_telephone_sends_the_box_where_its_owner_may_call(rig: Rig, phone: PhoneSocket) -> None:
    call = _talk(rig, phone)
    _refer(rig, rig.account.rings)
    rig.rings.wait_for("CALL_INCOMING", 5)
    rig.rings.accept()
    rig.rings.wait_for("CALL_ESTABLISHED", 3)
    assert "transfer" in rig.answers.wait_for("CALL_CLOSED", 5).parameter
    wait_until(lambda: rig.box.status()["dialogs"] == 1, 5, "the former telephone to be left")
    assert rig.box.status()["calls"] == 1
    phone.request("call.end", call=call)
    rig.rings.wait_for("CALL_CLOSED", 2)
    wait_until(lambda: not rig.box.in_use(), 3, "the box to let go of the call")


def test_a_page_may_not_either(rig: Rig, phone: PhoneSocket) -> None:
    call = _talk(rig, phone)
    with pytest.raises(CallRefused) as refused:
        phone.request("call.transfer", call=call, to="+88216123456")
    assert refused.value.code.startswith("dial.")
    _end(rig, phone, call)


def test_a_page_brings_the_telephone_to_another_number(rig: Rig, phone: PhoneSocket) -> None:
    call = _talk(rig, phone)
    phone.request("call.transfer", call=call, to=rig.account.rings)
    # This telephone calls whom it is told to, at the address that stands in the REFER.
    rig.rings.wait_for("CALL_INCOMING", 5)
    rig.rings.accept()
    assert phone.wait_for("call.ended", 5, call=call)["code"] == "call.transferred"
    wait_until(lambda: not rig.box.in_use(), 3, "the box to let go of the call")
    rig.rings.hang_up()
    rig.rings.wait_for("CALL_CLOSED", 3)


def test_keys_of_a_telephone_that_sends_them_by_info(rig: Rig, phone: PhoneSocket, tmp_path: Path) -> None:
    source = write_wave(tmp_path / "far.wav", sine(1000, 10, 8000), 8000)
    with Baresip(rig.network.carrier, tmp_path, "info", 5100, source, account="dtmfmode=info") as telephone:
        telephone.dial(f"sip:{rig.account.number.lstrip('+')}@{TELEPHONE}:5060")
        call = phone.wait_for("call.incoming", 3)["call"]
        phone.request("call.offer", call=call, sdp=OFFER)
        phone.request("call.answer", call=call)
        telephone.wait_for("CALL_ESTABLISHED", 3)
        for key in "5#":
            telephone.command("sndcode", key)
            phone.wait_for("call.digit", 3, call=call, digit=key)
        phone.request("call.end", call=call)
        telephone.wait_for("CALL_CLOSED", 3)


def test_keys_by_info_for_a_provider_that_wants_them_so() -> None:
    with open_rig(trunk='digits = "info"') as rig, PhoneSocket(rig.box) as phone:
        call = _talk(rig, phone)
        for key in "19*":
            phone.request("call.digits", call=call, digits=key)
            assert key in rig.answers.wait_for("CALL_DTMF_START", 3).parameter
        _end(rig, phone, call)

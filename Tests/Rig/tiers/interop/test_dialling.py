"""Who may be called: what the rules refuse never leaves the box, as the provider's wire shows."""

import re

import pytest

from Rig.capture import Capture
from Rig.deadlines import wait_until
from Rig.namespaces import BOX_ADDRESS
from Rig.phone_socket import CallRefused, PhoneSocket
from Rig.rig import Rig

REFUSED = {
    "0900 1234567": "dial.premium-not-allowed",
    "+49 900 1234567": "dial.premium-not-allowed",
    "0049 (0) 180 5123456": "dial.premium-not-allowed",
    "+881 612345678": "dial.satellite-not-allowed",
    "+43 1 5134555": "dial.country-not-allowed",
    "11833": "dial.short-not-allowed",
    "*21*0301234567#": "dial.provider-code-not-allowed",
}


def _invited(capture: Capture) -> list[str]:
    """Whom the box invited: the user part of each INVITE on the wire, repetitions left out."""
    from_box = [packet.payload for packet in capture.datagrams if packet.source[0] == BOX_ADDRESS]
    found = [re.match(rb"INVITE sip:([^@]+)@", payload) for payload in from_box]
    return list(dict.fromkeys(match[1].decode() for match in found if match))


def test_what_the_rules_refuse_never_leaves_the_box(rig: Rig, phone: PhoneSocket) -> None:
    with Capture(rig.network.carrier) as capture:
        for number, code in REFUSED.items():
            with pytest.raises(CallRefused) as refused:
                phone.start_call(number)
            assert refused.value.code == code, number
        # The control: the same wire shows what is allowed, dialled as people here write it.
        call = phone.start_call("030 / 200-200")
        phone.wait_for("call.state", 5, call=call, state="active")
        phone.request("call.end", call=call)
        phone.wait_for("call.ended", 2, call=call)
    assert _invited(capture) == ["+4930200200"]
    assert "invite to +4930200200" in rig.carrier.program.output()
    log = rig.box.log_text()
    for number, code in REFUSED.items():
        assert code in log
        assert number not in log and re.sub(r"\D", "", number) not in log
    wait_until(lambda: not rig.box.in_use(), 3, "the box to let go of the call")


def test_an_emergency_number_leaves_as_it_was_dialled(rig: Rig, phone: PhoneSocket) -> None:
    with Capture(rig.network.carrier) as capture:
        call = phone.start_call("112")
        phone.wait_for("call.state", 5, call=call, state="active")
        phone.request("call.end", call=call)
        phone.wait_for("call.ended", 2, call=call)
    assert _invited(capture) == ["112"]
    wait_until(lambda: not rig.box.in_use(), 3, "the box to let go of the call")

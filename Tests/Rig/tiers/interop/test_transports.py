"""The trunk over TCP and TLS: registration and calls both ways over the box's one connection to Kamailio."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from Rig.deadlines import wait_until
from Rig.phone_socket import OFFER, PhoneSocket
from Rig.rig import Rig, open_rig


@pytest.fixture(scope="module", params=["tcp", "tls"])
def stream_rig(request: pytest.FixtureRequest) -> Iterator[tuple[str, Rig]]:
    transport = request.param
    with open_rig(registered=False, trunk=f'transport = "{transport}"\nca_file = "{{CERTIFICATE}}"') as rig:
        rig.box.wait_for_trunk()
        yield transport, rig


def test_the_contact_names_the_transport(stream_rig: tuple[str, Rig]) -> None:
    transport, rig = stream_rig
    assert re.search(rf"registered trunk1 at .*transport={transport}", rig.carrier.program.output())


def test_a_call_out(stream_rig: tuple[str, Rig]) -> None:
    _, rig = stream_rig
    with PhoneSocket(rig.box) as phone:
        call = phone.start_call(rig.account.answers)
        phone.wait_for("call.state", 5, call=call, state="active")
        phone.request("call.end", call=call)
        rig.answers.wait_for("CALL_CLOSED", 2)
        wait_until(lambda: not rig.box.in_use(), 3, "the box to let go of the call")


def test_a_call_in_with_udp_shut(stream_rig: tuple[str, Rig]) -> None:
    _, rig = stream_rig
    rig.network.box.drop("udp dport 5060")
    try:
        with PhoneSocket(rig.box) as phone:
            rig.answers.forget_events()
            rig.answers.dial(f"sip:{rig.account.number.lstrip('+')}@10.9.0.2:5060")
            call = phone.wait_for("call.incoming", 3)["call"]
            phone.request("call.offer", call=call, sdp=OFFER)
            phone.request("call.answer", call=call)
            rig.answers.wait_for("CALL_ESTABLISHED", 3)
            rig.answers.hang_up()
            phone.wait_for("call.ended", 3, call=call)
    finally:
        rig.network.box.undrop()


def test_after_a_restart_of_the_provider_the_box_registers_again(stream_rig: tuple[str, Rig]) -> None:
    transport, rig = stream_rig
    rig.carrier.stop()
    wait_until(lambda: rig.box.status()["trunk"]["state"] != "registered", 10, "the box to notice")
    rig.carrier.start()
    rig.box.wait_for_trunk(seconds=60)
    assert Path(rig.carrier.certificate).exists()


def test_a_certificate_of_nobody_known_is_told() -> None:
    with open_rig(registered=False, trunk='transport = "tls"') as rig:
        wait_until(lambda: rig.box.status()["trunk"]["state"] == "failed", 10, "the box to refuse")
        assert rig.box.status()["trunk"]["problem"]["code"] == "trunk.certificate-authority"

"""The provider behind a name: NAPTR, SRV and A from a real name server, and the next server when the first is dead."""

import json
import re
from collections.abc import Iterator

import pytest

from Rig.capture import Capture
from Rig.deadlines import wait_until
from Rig.names import NameServer
from Rig.phone_socket import PhoneSocket
from Rig.rig import Rig, open_rig

DOMAIN = "carrier.rig"
DEAD_PORT = 5999


def records(service: str) -> list[str]:
    """`DOMAIN` has SRV records only; nobody listens at the first of its servers."""
    return [
        f"srv-host=_sip.{service}.{DOMAIN},dead.{DOMAIN},{DEAD_PORT},1,10",
        f"srv-host=_sip.{service}.{DOMAIN},alive.{DOMAIN},5060,2,10",
        f"host-record=dead.{DOMAIN},10.9.0.2",
        f"host-record=alive.{DOMAIN},10.9.0.2",
    ]


@pytest.fixture(scope="module", params=["udp", "tcp"])
def found_rig(request: pytest.FixtureRequest) -> Iterator[tuple[str, Rig, NameServer]]:
    transport = request.param
    letter = {"udp": "U", "tcp": "T"}[transport]
    with open_rig(registered=False, trunk=f'server = "{DOMAIN}"') as rig:
        rig.box.stop()
        naptr = f"naptr-record={DOMAIN},10,10,S,SIP+D2{letter},,_sip._{transport}.{DOMAIN}"
        with NameServer(rig.network.carrier, rig.folder, naptr, *records(f"_{transport}")) as names:
            rig.box.start()
            rig.box.wait_for_trunk(seconds=20)
            yield transport, rig, names


def test_the_second_server_is_registered_with(found_rig: tuple[str, Rig, NameServer]) -> None:
    transport, rig, names = found_rig
    assert rig.box.status()["trunk"]["target"] == f"{transport}:10.9.0.2:5060"
    contact = rf"registered trunk1 at .*{'transport=tcp' if transport == 'tcp' else '10.9.0.1'}"
    assert re.search(contact, rig.carrier.program.output())
    asked = names.output()
    assert "query[NAPTR] carrier.rig" in asked or "query[type=35] carrier.rig" in asked
    assert "query[A] carrier.rig" not in asked, "an SRV-only domain is never asked for an address"


def test_a_call_goes_out_with_the_name_in_its_request(found_rig: tuple[str, Rig, NameServer]) -> None:
    _, rig, _ = found_rig
    with Capture(rig.network.carrier) as capture, PhoneSocket(rig.box) as phone:
        call = phone.start_call(rig.account.answers)
        phone.wait_for("call.state", 5, call=call, state="active")
        assert rig.box.status()["list"][0]["trunk"] == "Carrier"
        phone.request("call.end", call=call)
        rig.answers.wait_for("CALL_CLOSED", 2)
        wait_until(lambda: not rig.box.in_use(), 3, "the box to let go of the call")
    assert rig.box.status()["measured"]["Carrier"]["grantedExpires"] == rig.account.granted
    kept = json.loads((rig.box.state / "core" / "providers.json").read_text())["Carrier"]
    assert kept["codecs"] == ["pcmu"] and kept["mediaSources"] == ["10.9.0.2"]
    invites = [packet.payload for packet in capture.datagrams if packet.payload.startswith(b"INVITE")]
    from_box = [payload for payload in invites if payload.split(b"\r\n")[1].startswith(b"Via: SIP/2.0/UDP 10.9.0.1")]
    assert all(payload.startswith(f"INVITE sip:{rig.account.answers}@{DOMAIN} ".encode()) for payload in from_box)


def test_a_call_comes_in(found_rig: tuple[str, Rig, NameServer]) -> None:
    _, rig, _ = found_rig
    with PhoneSocket(rig.box) as phone:
        rig.answers.forget_events()
        rig.answers.dial(f"sip:{rig.account.number.lstrip('+')}@10.9.0.2:5060")
        call = phone.wait_for("call.incoming", 3)["call"]
        phone.request("call.end", call=call)
        phone.wait_for("call.ended", 3, call=call)


def test_a_server_that_dies_is_left_for_one_that_lives() -> None:
    """The first of both is Kamailio; when it is gone the call says so, and the box asks the other server."""
    with open_rig(registered=False, trunk=f'server = "{DOMAIN}"\ntransport = "udp"') as rig:
        rig.box.stop()
        wanted = [line.replace(",1,10", ",9,10") for line in records("_udp")]
        with NameServer(rig.network.carrier, rig.folder, *wanted):
            rig.box.start()
            rig.box.wait_for_trunk(seconds=20)
            assert rig.box.status()["trunk"]["target"] == "udp:10.9.0.2:5060"
            rig.carrier.stop()
            with PhoneSocket(rig.box) as phone:
                call = phone.start_call(rig.account.answers)
                assert phone.wait_for("call.ended", 8, call=call)["code"] == "call.provider-unreachable"
            rig.carrier.start()
            with PhoneSocket(rig.box) as phone:
                call = phone.start_call(rig.account.answers)
                phone.wait_for("call.state", 8, call=call, state="active")

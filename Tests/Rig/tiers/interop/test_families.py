"""IPv4 and IPv6 at the same time: one box, two providers, one of each; and one provider with addresses of both."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from Rig.baresip import Baresip
from Rig.box import Box, binary
from Rig.capture import Capture
from Rig.carrier import Account, Carrier
from Rig.deadlines import wait_until
from Rig.namespaces import BOX_ADDRESS_6, CARRIER_ADDRESS, CARRIER_ADDRESS_6, Network
from Rig.names import NameServer
from Rig.phone_socket import OFFER, PhoneSocket
from Rig.tone import middle_tone, sine, write_wave

FOUR_FIRST = '["0.0.0.0:5060", "[::]:5060"]'
SIX_FIRST = '["[::]:5060", "0.0.0.0:5060"]'
HERTZ = {"four": 1000.0, "six": 700.0}


@dataclass
class Side:
    """A provider over one family, and a telephone of its own that picks up."""

    carrier: Carrier
    telephone: Baresip

    @property
    def box(self) -> str:
        """How the telephone reaches the box."""
        address = self.carrier.address
        host = f"[{address}]" if ":" in address else address
        return f"sip:{self.carrier.account.number.lstrip('+')}@{host}:5060"


@dataclass
class Both:
    folder: Path
    network: Network
    four: Side
    six: Side
    box: Box


@contextmanager
def open_both(first: str = "four", more: str = "", server: str = "", listen: str = FOUR_FIRST) -> Iterator[Both]:
    """Starts everything but the box. `first`: the provider that calls go out by. `server`: a name that leads to both of them."""
    folder = Path(tempfile.mkdtemp(prefix="sipcall-families-"))
    accounts = {"four": Account(), "six": Account(number="+49305550200")}
    places = {"four": f"{CARRIER_ADDRESS}:5060", "six": f"[{CARRIER_ADDRESS_6}]:5060"}
    second = "six" if first == "four" else "four"
    account = accounts[second]
    trunk = f'server = "{server}"\ntransport = "udp"\n{more}' if server else (
        f'server = "{places[first]}"\n[[trunk]]\nname = "Second"\npriority = 2\nserver = "{places[second]}"\n'
        f'user = "{account.user}"\npassword = "{account.password}"\nnumber = "{account.number}"\ncodecs = ["pcmu"]\n{more}'
    )  # fmt: skip
    with ExitStack() as stack:
        network = stack.enter_context(Network())
        network.add_ipv6()
        sides = {}
        for family, address, port in (("four", CARRIER_ADDRESS, 5080), ("six", CARRIER_ADDRESS_6, 5082)):
            own = folder / family
            own.mkdir()
            source = write_wave(own / "far.wav", sine(HERTZ[family], 60, 8000), 8000)
            carrier = stack.enter_context(Carrier(network.carrier, own, accounts[family], address, port))
            telephone = Baresip(network.carrier, own, "answers", port, source, address=address)
            sides[family] = Side(carrier, stack.enter_context(telephone))
        box = Box(network.box, folder, accounts[first], trunk=trunk)
        box.sip_listen = listen
        stack.callback(box.stop)
        yield Both(folder, network, sides["four"], sides["six"], box)
    shutil.rmtree(folder, ignore_errors=True)


def _registered(box: Box, count: int) -> None:
    def all_are() -> bool:
        return [trunk["state"] for trunk in box.status_by_command()["trunks"]] == ["registered"] * count

    wait_until(all_are, 15, "every account to be registered")


def _command(rig: Both, *arguments: str) -> str:
    command = rig.network.box.command(str(binary()), *arguments, "--state", str(rig.box.state))
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False).stdout


@pytest.fixture(scope="module", params=["four", "six"])
def both(request: pytest.FixtureRequest) -> Iterator[tuple[str, Both]]:
    with open_both(request.param) as both:
        both.box.start()
        _registered(both.box, 2)
        yield request.param, both


def test_both_providers_are_told_addresses_of_their_family(both: tuple[str, Both]) -> None:
    _, rig = both
    assert "10.9.0.1:5060" in rig.four.carrier.program.output()
    assert f"[{BOX_ADDRESS_6}]:5060" in rig.six.carrier.program.output()
    status = rig.box.status_by_command()
    assert {trunk["target"] for trunk in status["trunks"]} == {
        f"udp:{CARRIER_ADDRESS}:5060", f"udp:[{CARRIER_ADDRESS_6}]:5060",
    }  # fmt: skip
    assert len(status["listens"]) == 2


def test_a_call_goes_out_by_the_first_while_one_comes_in_by_the_other(both: tuple[str, Both]) -> None:
    first, rig = both
    out, other = (rig.four, rig.six) if first == "four" else (rig.six, rig.four)
    out.telephone.forget_events()
    other.telephone.forget_events()
    with PhoneSocket(rig.box) as caller, PhoneSocket(rig.box) as called:
        call = caller.start_call(out.carrier.account.answers)
        caller.wait_for("call.state", 5, call=call, state="active")
        out.telephone.wait_for("CALL_ESTABLISHED", 3)
        other.telephone.dial(other.box)
        second = called.wait_for("call.incoming", 5)["call"]
        called.request("call.offer", call=second, sdp=OFFER)
        called.request("call.answer", call=second)
        other.telephone.wait_for("CALL_ESTABLISHED", 3)
        assert {each["trunk"] for each in rig.box.status()["list"]} == {"Carrier", "Second"}
        # Either side hangs up.
        caller.request("call.end", call=call)
        out.telephone.wait_for("CALL_CLOSED", 3)
        other.telephone.hang_up()
        called.wait_for("call.ended", 3, call=second)
    wait_until(lambda: not rig.box.in_use(), 3, "the box to let go of the calls")


@pytest.mark.parametrize("first", ["four", "six"])
def test_sound_passes_between_the_families(first: str) -> None:
    """A call comes in over one and is passed on over the other."""
    with open_both(first, '[forwarding]\nnumber = "+4930200200"\nwhen = "always"') as rig:
        rig.box.start()
        _registered(rig.box, 2)
        out, other = (rig.four, rig.six) if first == "four" else (rig.six, rig.four)
        other.telephone.dial(other.box)
        other.telephone.wait_for("CALL_ESTABLISHED", 8)
        out.telephone.wait_for("CALL_ESTABLISHED", 3)
        time.sleep(4)
        other.telephone.hang_up()
        out.telephone.wait_for("CALL_CLOSED", 3)
        heard = {"out": middle_tone(out.telephone.recording()), "other": middle_tone(other.telephone.recording())}
        expected = HERTZ["six" if first == "four" else "four"], HERTZ[first]
        assert abs(heard["out"].hertz - expected[0]) < 5, heard
        assert abs(heard["other"].hertz - expected[1]) < 5, heard
        wait_until(lambda: not rig.box.in_use(), 3, "the box to let go of the call")


RECORDS = ("srv-host=_sip._udp.carrier.rig,both.carrier.rig,5060,1,10",
           f"host-record=both.carrier.rig,{CARRIER_ADDRESS},{CARRIER_ADDRESS_6}")  # fmt: skip


@pytest.mark.parametrize(("listen", "dead"), [(FOUR_FIRST, "four"), (SIX_FIRST, "six")])
def test_a_provider_that_is_dead_over_the_preferred_family_is_reached_over_the_other(listen: str, dead: str) -> None:
    with open_both(server="carrier.rig", listen=listen) as rig:
        gone, there = (rig.four, rig.six) if dead == "four" else (rig.six, rig.four)
        gone.carrier.stop()
        with NameServer(rig.network.carrier, rig.folder, *RECORDS):
            rig.box.start()
            _registered(rig.box, 1)
            assert there.carrier.address in rig.box.status()["trunk"]["target"]
            there.telephone.forget_events()
            with PhoneSocket(rig.box) as phone:
                call = phone.start_call(there.carrier.account.answers)
                phone.wait_for("call.state", 5, call=call, state="active")
                there.telephone.wait_for("CALL_ESTABLISHED", 3)
                phone.request("call.end", call=call)
            wait_until(lambda: not rig.box.in_use(), 3, "the box to let go of the call")


@pytest.mark.parametrize("listen", [FOUR_FIRST, SIX_FIRST])
def test_a_call_goes_over_the_other_family_when_its_own_dies_and_comes_in_there_then(listen: str) -> None:
    with open_both(server="carrier.rig", listen=listen) as rig, NameServer(rig.network.carrier, rig.folder, *RECORDS):
        rig.box.start()
        _registered(rig.box, 1)
        gone, there = (rig.four, rig.six) if listen == FOUR_FIRST else (rig.six, rig.four)
        assert gone.carrier.address in rig.box.status()["trunk"]["target"]
        gone.carrier.stop()
        with Capture(rig.network.carrier) as capture, PhoneSocket(rig.box) as phone:
            call = phone.start_call(there.carrier.account.answers)
            phone.wait_for("call.state", 8, call=call, state="active")
            there.telephone.wait_for("CALL_ESTABLISHED", 3)
            phone.request("call.end", call=call)
            there.telephone.wait_for("CALL_CLOSED", 3)
        kind = b"IP6" if ":" in there.carrier.address else b"IP4"
        offers = [packet.payload for packet in capture.datagrams if packet.payload.startswith(b"INVITE")]
        assert any(b"c=IN " + kind in offer for offer in offers), "the sound was announced over the dead family"
        wait_until(lambda: not rig.box.in_use(), 3, "the box to let go of the call")


def test_a_family_without_a_route_is_passed_over() -> None:
    """IPv6 is preferred, and the provider has it; this machine has none."""
    with open_both(server="carrier.rig", listen=SIX_FIRST) as rig, NameServer(rig.network.carrier, rig.folder, *RECORDS):
        rig.network.remove_ipv6(rig.network.box)
        rig.box.start()
        began = time.monotonic()
        rig.box.wait_for_trunk()
        assert time.monotonic() - began < 5
        assert rig.box.status()["trunk"]["target"] == f"udp:{CARRIER_ADDRESS}:5060"


def test_a_family_that_goes_away_leaves_the_registration_to_the_other() -> None:
    with open_both(server="carrier.rig", listen=SIX_FIRST) as rig, NameServer(rig.network.carrier, rig.folder, *RECORDS):
        rig.box.start()
        rig.box.wait_for_trunk()
        assert rig.box.status()["trunk"]["target"] == f"udp:[{CARRIER_ADDRESS_6}]:5060"
        rig.network.remove_ipv6(rig.network.box)

        def moved() -> bool:
            trunk = rig.box.status()["trunk"]
            return bool(trunk["state"] == "registered" and trunk["target"] == f"udp:{CARRIER_ADDRESS}:5060")

        wait_until(moved, 5, "the box to register over IPv4")


def test_doctor_and_status_tell_of_both(both: tuple[str, Both]) -> None:
    _, rig = both
    screen = _command(rig, "status")
    assert "0.0.0.0:5060 and [::]:5060" in screen
    assert "over IPv6" in screen
    told = _command(rig, "doctor", "--config", str(rig.box.state / "sipcall.toml"))
    assert "It takes IPv4 and IPv6." in told, told

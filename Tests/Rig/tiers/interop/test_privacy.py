"""Who calls is hidden where the page or the terminal wants it, in every header that names the caller (RFC 3323, RFC 3325)."""

import re
import subprocess

import pytest

from Rig.box import binary
from Rig.capture import Capture
from Rig.deadlines import wait_until
from Rig.namespaces import BOX_ADDRESS
from Rig.phone_socket import OFFER, PhoneSocket
from Rig.rig import Rig


def _invite(capture: Capture) -> str:
    """The newest INVITE of the box that has credentials: the provider takes it."""

    def found() -> str | None:
        sent = [one.payload for one in capture.datagrams if one.source[0] == BOX_ADDRESS]
        invites = [one for one in sent if one.startswith(b"INVITE") and b"Proxy-Authorization" in one]
        return invites[-1].decode() if invites else None

    return wait_until(found, 5, "an INVITE with credentials")


def _names_the_caller(rig: Rig, invite: str) -> list[str]:
    """The header fields in which the account or its number stands, credentials left out: those the provider alone reads."""
    own = re.compile(rf"{re.escape(rig.account.user)}|{re.escape(rig.account.number.lstrip('+'))}")
    fields = [line for line in invite.split("\r\n\r\n")[0].split("\r\n") if ":" in line]
    return [field.split(":")[0] for field in fields if own.search(field) and "Authorization" not in field]


@pytest.mark.parametrize("hidden", [True, False])
def test_a_page_hides_its_number_or_not(rig: Rig, phone: PhoneSocket, hidden: bool) -> None:
    with Capture(rig.network.box) as capture:
        more = {"hidden": True} if hidden else {}
        call = phone.request("call.start", to=rig.account.answers, sdp=OFFER, **more)["call"]
        phone.wait_for("call.state", 5, call=call, state="active")
        phone.request("call.end", call=call)
        phone.wait_for("call.ended", 3, call=call)
        invite = _invite(capture)
    named = _names_the_caller(rig, invite)
    assert ("\r\nPrivacy: id\r\n" in invite) == hidden
    assert ("sip:anonymous@anonymous.invalid" in invite) == hidden
    assert named == [] if hidden else {"From", "Contact"} <= set(named)
    wait_until(lambda: not rig.box.in_use(), 3, "the box to let go of the call")


def test_a_call_from_the_terminal_hides_it_too(rig: Rig, phone: PhoneSocket) -> None:
    command = [str(binary()), "call", "--state", str(rig.box.state), "--private", rig.account.answers]
    with Capture(rig.network.box) as capture, subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        call = phone.wait_for("call.incoming", 5)["call"]
        phone.request("call.offer", call=call, sdp=OFFER)
        phone.request("call.answer", call=call)
        invite = _invite(capture)
        phone.wait_for("call.state", 5, call=call, state="active")
        phone.request("call.end", call=call)
        assert process.wait(5) == 0
    assert "\r\nPrivacy: id\r\n" in invite and _names_the_caller(rig, invite) == []

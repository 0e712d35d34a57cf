"""Registration and a call both ways with real telephones behind Kamailio, over each transport and both families."""

import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from ..baresip import Baresip
from ..box import Box
from ..carrier import Account, Carrier
from ..deadlines import DeadlinePassed, RigError, wait_until
from ..linphone import Linphone
from ..namespaces import CARRIER_ADDRESS, CARRIER_ADDRESS_6, Network
from ..phone_socket import OFFER, PhoneSocket
from ..rig import LOGS_NOTE
from ..tone import sine, write_wave
from .stage import bracketed

FLOWS = ("kamailio-registers", "baresip-called", "baresip-calls", "linphonec-called", "linphonec-calls")
Outcome = tuple[str, str]
"""What was tried, and what was wrong with it; empty when it went well."""


@dataclass
class _Table:
    """The box, its provider and both telephones."""

    network: Network
    carrier: Carrier
    baresip: Baresip
    linphone: Linphone
    box: Box
    account: Account

    @property
    def host(self) -> str:
        return bracketed(self.carrier.address)

    @property
    def number(self) -> str:
        """How the telephones reach the box."""
        return f"sip:{self.account.number.lstrip('+')}@{self.host}:5060"


def meet(transport: str, ipv6: bool) -> list[Outcome]:
    """Registers with Kamailio, then calls each telephone and is called by it. Logs stay when anything goes wrong.

    Kamailio challenges REGISTER and INVITE, each telephone is put on hold and holds, and either side hangs up.
    """
    folder = Path(tempfile.mkdtemp(prefix="sipcall-peers-"))
    address, account = CARRIER_ADDRESS_6 if ipv6 else CARRIER_ADDRESS, Account(algorithm=_algorithm(transport, ipv6))
    port = 5061 if transport == "tls" else 5060
    trunk = f'server = "{bracketed(address)}:{port}"\ntransport = "{transport}"\n' + (
        'ca_file = "{CERTIFICATE}"' if transport == "tls" else ""
    )
    with ExitStack() as stack:
        network = stack.enter_context(Network())
        network.add_ipv6()
        source = write_wave(folder / "far.wav", sine(1000, 30, 8000), 8000)
        carrier = stack.enter_context(Carrier(network.carrier, folder, account, address))
        baresip = stack.enter_context(Baresip(network.carrier, folder, "answers", 5080, source, address=address))
        linphone = stack.enter_context(Linphone(network.carrier, folder, address))
        box = stack.enter_context(Box(network.box, folder, account, trunk=trunk))
        table = _Table(network, carrier, baresip, linphone, box, account)
        attempts: list[Callable[[_Table], None]] = [
            _register, _calls_baresip, _baresip_calls, _calls_linphone, _linphone_calls,
        ]  # fmt: skip
        outcomes = [(what, _try(table, attempt)) for what, attempt in zip(FLOWS, attempts, strict=True)]
    if any(wrong for _, wrong in outcomes):
        return [(what, f"{wrong} ({LOGS_NOTE}{folder})" if wrong else "") for what, wrong in outcomes]
    shutil.rmtree(folder, ignore_errors=True)
    return outcomes


def _algorithm(transport: str, ipv6: bool) -> str:
    """Each transport and each family with each digest (RFC 8760) between them."""
    return "SHA-256" if (transport == "tcp") != ipv6 else "MD5"


def _try(table: _Table, attempt: Callable[[_Table], None]) -> str:
    try:
        attempt(table)
        wait_until(lambda: not table.box.in_use(), 3, "the box to let go of the call")
    except RigError as error:
        return str(error)
    return ""


def _register(table: _Table) -> None:
    table.box.wait_for_trunk()
    if "registered trunk1 at" not in table.carrier.program.output():
        raise RigError("Kamailio knows nothing of a registration")


def _calls_baresip(table: _Table) -> None:
    table.baresip.forget_events()
    with PhoneSocket(table.box) as phone:
        call = phone.start_call(table.account.answers)
        phone.wait_for("call.state", 5, call=call, state="active")
        table.baresip.wait_for("CALL_ESTABLISHED", 3)
        _hold(phone, call)
        phone.request("call.end", call=call)
        table.baresip.wait_for("CALL_CLOSED", 3)
        _ended(phone, call, "call.hung-up-here")


def _baresip_calls(table: _Table) -> None:
    table.baresip.forget_events()
    with PhoneSocket(table.box) as phone:
        table.baresip.dial(table.number)
        call = _take(phone)
        table.baresip.wait_for("CALL_ESTABLISHED", 3)
        table.baresip.command("hold")
        phone.wait_for("call.held", 3, call=call, there=True)
        table.baresip.command("resume")
        phone.wait_for("call.held", 3, call=call, there=False)
        table.baresip.hang_up()
        _ended(phone, call, "call.hung-up-there")


def _calls_linphone(table: _Table) -> None:
    table.linphone.forget_events()
    with PhoneSocket(table.box) as phone:
        call = phone.start_call(table.account.linphone)
        phone.wait_for("call.state", 5, call=call, state="active")
        table.linphone.wait_for("Media streams established", 5)
        _hold(phone, call)
        phone.request("call.end", call=call)
        table.linphone.wait_for(r"Call \d+ with .* ended", 3)
        _ended(phone, call, "call.hung-up-here")


def _linphone_calls(table: _Table) -> None:
    with PhoneSocket(table.box) as phone:
        table.linphone.dial(table.number)
        call = _take(phone)
        table.linphone.wait_for("Media streams established", 5)
        table.linphone.say("pause")
        table.linphone.wait_for("is now paused", 5)
        phone.wait_for("call.held", 5, call=call, there=True)
        table.linphone.say("resume")
        phone.wait_for("call.held", 5, call=call, there=False)
        table.linphone.hang_up()
        _ended(phone, call, "call.hung-up-there")


def _take(phone: PhoneSocket) -> str:
    call: str = phone.wait_for("call.incoming", 5)["call"]
    phone.request("call.offer", call=call, sdp=OFFER)
    phone.request("call.answer", call=call)
    phone.wait_for("call.state", 3, call=call, state="active")
    return call


def _hold(phone: PhoneSocket, call: str) -> None:
    for wanted in (True, False):
        phone.request("call.hold", call=call, held=wanted)
        phone.wait_for("call.held", 3, call=call, here=wanted)
    # Refused, the telephone's answer would be told as a notice; here there is time for it.
    try:
        told = phone.wait_for("call.notice", 0.3, call=call)
    except DeadlinePassed:
        return
    raise RigError(f"the telephone did not agree to be held or taken up: {told['code']}")


def _ended(phone: PhoneSocket, call: str, code: str) -> None:
    told = phone.wait_for("call.ended", 3, call=call)["code"]
    if told != code:
        raise RigError(f"the page is told {told}, not {code}")

"""What happens between the box and its provider rather than in a call."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from ..box import Box
from ..carrier import Account
from ..deadlines import RigError, wait_until
from ..names import NameServer
from ..namespaces import CARRIER_ADDRESS, Network
from ..phone_socket import PhoneSocket
from ..provider import Provider
from ..sipp import Sipp
from .stage import NUMBER, Mismatch

SECOND_ADDRESS = "10.9.0.3"
DOMAIN = "carrier.rig"


def too_brief(folder: Path) -> None:
    """423: the registrar names the least time, and the box takes it (RFC 3261 §10.3)."""
    with ExitStack() as stack:
        network = stack.enter_context(Network())
        provider = stack.enter_context(Provider(network.carrier, CARRIER_ADDRESS, registrar=False))
        sipp = stack.enter_context(Sipp(network.carrier, folder, provider, "423"))
        sipp.wait_until_it_listens()
        box = stack.enter_context(Box(network.box, folder, Account()))
        box.wait_for_trunk()
        if wrong := sipp.wait(5):
            raise Mismatch(wrong)
        # Taking the registration back needs somebody who answers.
        provider.registrar = True


def next_server(folder: Path) -> None:
    """503 with Retry-After: the call goes on to the second SRV target, and the next one goes there at once."""
    with ExitStack() as stack:
        network = stack.enter_context(Network())
        command = network.carrier.command("ip", "address", "add", f"{SECOND_ADDRESS}/24", "dev", "eth0")
        subprocess.run(command, check=True)
        first = stack.enter_context(Provider(network.carrier, CARRIER_ADDRESS, inner_port=5071))
        second = stack.enter_context(Provider(network.carrier, SECOND_ADDRESS))
        records = [
            f"srv-host=_sip._udp.{DOMAIN},{name}.{DOMAIN},5060,{priority},10" for name, priority in (("a", 1), ("b", 2))
        ]
        addresses = [f"host-record=a.{DOMAIN},{CARRIER_ADDRESS}", f"host-record=b.{DOMAIN},{SECOND_ADDRESS}"]
        stack.enter_context(NameServer(network.carrier, folder, *records, *addresses))
        trunk = f'server = "{DOMAIN}"\ntransport = "udp"'
        box = stack.enter_context(Box(network.box, folder, Account(), trunk=trunk))
        box.wait_for_trunk(seconds=20)
        if not first.contact:
            raise Mismatch("the box has not registered with the first of the SRV targets")
        first.is_overloaded = True
        for refused in (1, 1):
            with Sipp(network.carrier, folder, second, "answers") as sipp, PhoneSocket(box) as phone:
                sipp.wait_until_it_listens()
                call = phone.start_call(NUMBER)
                _talks(phone, call)
                phone.request("call.end", call=call)
                if wrong := sipp.wait(5):
                    raise Mismatch(wrong)
            if first.count("box", "^INVITE") != refused:
                raise Mismatch(f"the first server was asked {first.count('box', '^INVITE')} times, not {refused}")
        wait_until(lambda: not box.in_use(), 3, "the box to let go of the calls")


def _talks(phone: PhoneSocket, call: str) -> None:
    try:
        phone.wait_for("call.state", 6, call=call, state="active")
    except RigError as error:
        raise Mismatch(f"no second server was tried: {error}") from error


FLOWS: dict[str, Callable[[Path], None]] = {"423": too_brief, "503-second-srv-target": next_server}


def play_flow(name: str) -> str:
    """What was wrong; empty when all went as it must."""
    folder = Path(tempfile.mkdtemp(prefix="sipcall-flow-"))
    try:
        FLOWS[name](folder)
    except RigError as error:
        return str(error)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return ""

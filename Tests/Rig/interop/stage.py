"""Where a scenario is played: a box, the rig's provider with a sipp behind it, and a page's phone socket."""

import shutil
import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..box import Box
from ..carrier import Account
from ..deadlines import RigError, wait_until
from ..namespaces import CARRIER_ADDRESS, CARRIER_ADDRESS_6, Network
from ..phone_socket import OFFER, PhoneSocket
from ..provider import Meddling, Provider
from ..sipp import SOUND_PORT, Sipp

NUMBER = "+4930200200"
ENDED_SECONDS = 3.0


class Mismatch(RigError):
    """Something was not as the scenario says."""


@dataclass
class Stage:
    """One box with one provider, over one transport."""

    network: Network
    folder: Path
    box: Box
    provider: Provider
    transport: str
    _phone: PhoneSocket | None = None
    call: str = ""
    over: dict[str, Any] = field(default_factory=dict)
    """How the call ended, once it has."""
    keeps_logs: bool = False
    """Set by the first scenario that goes wrong."""

    @property
    def phone(self) -> PhoneSocket:
        if self._phone is None:
            raise RigError("no page is open")
        return self._phone

    @contextmanager
    def page(self) -> Iterator[None]:
        """A page with an idle telephone."""
        self.call, self.over = "", {}
        with PhoneSocket(self.box) as self._phone:
            yield
        self._phone = None


Step = Callable[[Stage], None]


@dataclass(frozen=True)
class Scenario:
    """One message flow. `steps`: what the page does and must be told. `sipp`: the far side, a file in Tests/Rig/sipp"""

    name: str
    sipp: str
    steps: tuple[Step, ...]
    meddlings: Callable[[], tuple[Meddling, ...]] = tuple
    passed: tuple[tuple[str, str, int], ...] = ()
    """(who, pattern of the start line, how many) of what must have passed the provider, repetitions not counted."""
    repeated: tuple[tuple[str, str, int], ...] = ()
    """The same, repetitions counted, as the least."""
    calls_box: bool = False
    """sipp calls; otherwise the box does."""
    seconds: int = 12


def play(stage: Stage, scenario: Scenario) -> str:
    """What was wrong; empty when both sides saw what they must, and the box kept nothing."""
    wrong = []
    stage.provider.forget()
    stage.provider.meddlings = list(scenario.meddlings())
    try:
        with stage.page(), ExitStack() as stack:
            sipp = stack.enter_context(
                Sipp(
                    stage.network.carrier,
                    stage.folder,
                    stage.provider,
                    scenario.sipp,
                    stage.transport,
                    scenario.seconds,
                )
            )
            if not scenario.calls_box:
                sipp.wait_until_it_listens()
            try:
                for step in scenario.steps:
                    step(stage)
            except RigError as error:
                wrong.append(str(error))
            if found := sipp.wait(1 if wrong else scenario.seconds + 2):
                wrong.append(found)
    except RigError as error:
        wrong.append(str(error))
    for who, pattern, count in scenario.passed:
        if (seen := stage.provider.count(who, pattern)) != count:
            wrong.append(f"{seen} of {count} /{pattern}/ from {who}")
    for who, pattern, count in scenario.repeated:
        if (seen := stage.provider.count(who, pattern, repeated=True)) < count:
            wrong.append(f"{seen} of at least {count} /{pattern}/ from {who}")
    if left := _left(stage.box):
        wrong.append(f"left in the box: {left}")
    stage.keeps_logs = stage.keeps_logs or bool(wrong)
    return "; ".join(wrong)


def _left(box: Box) -> dict[str, int]:
    with suppress(RigError):
        wait_until(lambda: not box.in_use(), ENDED_SECONDS, "the box to let go of the call")
    own = box.status_by_command()
    return {name: own[name] for name in ("calls", "legs", "dialogs", "mediaLegs", "opusStates") if own[name]}


@contextmanager
def open_stage(transport: str = "udp", ipv6: bool = False, registrar: bool = True, more: str = "") -> Iterator[Stage]:
    """A network, a provider and a box that is registered with it."""
    folder = Path(tempfile.mkdtemp(prefix="sipcall-interop-"))
    address = CARRIER_ADDRESS_6 if ipv6 else CARRIER_ADDRESS
    port = 5061 if transport == "tls" else 5060
    trunk = f'server = "{bracketed(address)}:{port}"\ntransport = "{transport}"\n{more}' + (
        'ca_file = "{CERTIFICATE}"\n' if transport == "tls" else ""
    )
    with ExitStack() as stack:
        network = stack.enter_context(Network())
        network.add_ipv6()
        provider = stack.enter_context(Provider(network.carrier, address, certify(folder, address), registrar))
        box = stack.enter_context(Box(network.box, folder, Account(), trunk=trunk))
        if registrar:
            box.wait_for_trunk()
        stage = Stage(network, folder, box, provider, transport)
        yield stage
    if not stage.keeps_logs:
        shutil.rmtree(folder, ignore_errors=True)


def bracketed(address: str) -> str:
    """As URIs write it."""
    return f"[{address}]" if ":" in address else address


def certify(folder: Path, address: str) -> Path:
    """A certificate of its own authority for that address."""
    certificate, key = folder / "carrier.pem", folder / "carrier.key"
    command = f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {key} -days 30"
    command += f" -out {certificate} -subj /CN=carrier.rig -addext subjectAltName=IP:{address}"
    subprocess.run(command.split(), check=True, capture_output=True)
    return certificate


# Steps.


def dials(stage: Stage) -> None:
    stage.call = stage.phone.start_call(NUMBER)


def becomes(state: str, seconds: float = 4) -> Step:
    def step(stage: Stage) -> None:
        stage.phone.wait_for("call.state", seconds, call=stage.call, state=state)

    return step


def is_rung(stage: Stage) -> None:
    stage.call = stage.phone.wait_for("call.incoming", 5)["call"]


def rings(stage: Stage) -> None:
    """Rings, and prepares the sound connection as a page does."""
    is_rung(stage)
    stage.phone.request("call.offer", call=stage.call, sdp=OFFER)


def answers(stage: Stage) -> None:
    stage.phone.request("call.answer", call=stage.call)


def hangs_up(stage: Stage) -> None:
    stage.phone.request("call.end", call=stage.call)


def asks(method: str, **parameters: object) -> Step:
    """A request of the phone socket about the call."""

    def step(stage: Stage) -> None:
        stage.phone.request(method, call=stage.call, **parameters)

    return step


def ended(code: str, seconds: float = 8) -> Step:
    def step(stage: Stage) -> None:
        stage.over = stage.phone.wait_for("call.ended", seconds, call=stage.call)
        if stage.over["code"] != code:
            raise Mismatch(f"the page is told {stage.over['code']}, not {code}")

    return step


def lasts(seconds: float) -> Step:
    """Nothing may end the call meanwhile."""

    def step(stage: Stage) -> None:
        time.sleep(seconds)
        if stage.box.status()["calls"] != 1:
            raise Mismatch("the call did not last")

    return step


def sounds(stage: Stage) -> None:
    """The far side sends 100 ms of silence."""
    target = stage.provider.box_sound
    if target is None:
        raise Mismatch("the box never said where it wants to have sound")
    family = socket.AF_INET6 if ":" in target[0] else socket.AF_INET
    with stage.network.carrier.entered(), socket.socket(family, socket.SOCK_DGRAM) as sender:
        sender.bind((stage.provider.address, SOUND_PORT))
        for number in range(5):
            header = struct.pack("!BBHII", 0x80, 0, number, number * 160, 0x5EC0DE)
            sender.sendto(header + b"\xff" * 160, target)
            time.sleep(0.02)


def provider_vanishes(stage: Stage) -> None:
    stage.provider.is_gone = True

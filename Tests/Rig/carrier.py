"""The provider: Kamailio as digest registrar and proxy, on the carrier's machine at port 5060."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from .deadlines import RigError
from .namespaces import Namespace
from .programs import Program
from .sip_ping import wait_for_options_reply

CONFIGURATION = Path(__file__).parent / "configuration" / "kamailio.cfg"


@dataclass(frozen=True)
class Account:
    """What the provider gave its customer, and how it answers."""

    user: str = "trunk1"
    password: str = "rig-secret"
    number: str = "+49305550100"
    realm: str = "carrier.rig"
    algorithm: str = "MD5"
    expires: int = 300
    """What the box asks for, in seconds."""
    granted: int = 300
    """The most that the provider grants."""
    busy: str = "+4930486486"
    unknown: str = "+4930404404"
    rings: str = "+4930606060"
    answers: str = "+4930200200"
    linphone: str = "+4930707070"
    takes_transfers: bool = True
    """Whether the provider lets REFER pass."""


class Carrier:
    """A running Kamailio. A context manager."""

    def __init__(
        self, machine: Namespace, folder: Path, account: Account, address: str | None = None, telephone: int = 5080
    ) -> None:
        """`address`: another of the machine's than its first, also an IPv6 one. `telephone`: the port of the one that answers."""
        self.account = account
        self.address = address or machine.address
        self._telephone = telephone
        self._machine = machine
        self._folder = folder
        self._program: Program | None = None

    def start(self) -> None:
        """Returns once Kamailio listens."""
        self._certify()
        configuration = self._folder / "kamailio.cfg"
        configuration.write_text(self._filled())
        runtime = self._folder / "kamailio-run"
        runtime.mkdir(exist_ok=True)
        command = ["kamailio", "-DD", "-E", "-m", "64", "-M", "8", "-Y", str(runtime), "-f", str(configuration)]
        self._program = Program("kamailio", self._machine.command(*command), self._folder / "kamailio.log")
        wait_for_options_reply(self._machine, (self.address, 5060), 10, self._program.require_running)

    @property
    def certificate(self) -> Path:
        """Its own authority: what the box is told to trust."""
        return self._folder / "carrier.pem"

    def _certify(self) -> None:
        if self.certificate.exists():
            return
        key, address = self._folder / "carrier.key", self.address
        command = f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {key} -days 30"
        command += f" -out {self.certificate} -subj /CN=carrier.rig -addext subjectAltName=IP:{address}"
        subprocess.run(command.split(), check=True, capture_output=True)

    def stop(self) -> None:
        """Closes the port: the kernel then answers with ICMP port unreachable."""
        if self._program is not None:
            self._program.stop()
            self._program = None

    def __enter__(self) -> "Carrier":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def program(self) -> Program:
        if self._program is None:
            raise RigError("kamailio is not running")
        return self._program

    def _filled(self) -> str:
        account = self.account
        values = {
            "MODULES": str(modules()),
            "CERTIFICATE": str(self.certificate),
            "KEY": str(self._folder / "carrier.key"),
            "REALM": account.realm,
            "USER": account.user,
            "PASSWORD": account.password,
            "NUMBER": account.number.replace("+", "\\+?"),
            "ALGORITHM": account.algorithm,
            "EXPIRES": str(account.granted),
            "BUSY": account.busy,
            "UNKNOWN": account.unknown,
            "RINGS": account.rings,
            "ANSWERS": str(self._telephone),
            "LINPHONE": account.linphone,
            "REFER": "passed" if account.takes_transfers else "refused",
            "HOST": f"[{self.address}]" if ":" in self.address else self.address,
        }
        text = CONFIGURATION.read_text()
        for key, value in values.items():
            text = text.replace(f"@{key}@", value)
        return text


def modules() -> Path:
    """Where Kamailio keeps its modules."""
    for folder in Path("/usr/lib").glob("*/kamailio/modules"):
        return folder
    raise RigError("Kamailio's modules are missing: run packaging/setup")

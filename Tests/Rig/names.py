"""A name server: dnsmasq on the carrier's machine, asked by everything that the rig starts while it runs."""

import subprocess
from pathlib import Path

from .deadlines import RigError, wait_until
from .namespaces import CARRIER_ADDRESS, Namespace
from .programs import Program

_RESOLVER = Path("/etc/resolv.conf")


class NameServer:
    """A running dnsmasq with the records of a test. A context manager.

    records: lines of dnsmasq.conf, such as `srv-host=_sip._udp.carrier.rig,a.carrier.rig,5060,1`.
    """

    def __init__(self, machine: Namespace, folder: Path, *records: str) -> None:
        self._machine = machine
        self._folder = folder
        self._records = records
        self._program: Program | None = None

    def __enter__(self) -> "NameServer":
        configuration = self._folder / "dnsmasq.conf"
        lines = ["no-resolv", "no-hosts", "no-daemon", "log-queries", "log-facility=-", "local-ttl=60", "user=root",
                 "bind-interfaces", f"listen-address={CARRIER_ADDRESS}", "local=/rig/", *self._records]  # fmt: skip
        configuration.write_text("\n".join(lines) + "\n")
        resolver = self._folder / "resolv.conf"
        resolver.write_text(f"nameserver {CARRIER_ADDRESS}\n")
        command = self._machine.command("dnsmasq", f"--conf-file={configuration}")
        self._program = Program("dnsmasq", command, self._folder / "dnsmasq.log")
        # The rig's mounts are its own: nobody else's resolver changes.
        subprocess.run(["mount", "--bind", str(resolver), str(_RESOLVER)], check=True)
        try:
            wait_until(lambda: "started" in self.output(), 5, "dnsmasq to start")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["umount", str(_RESOLVER)], check=True)
        if self._program is not None:
            self._program.stop()
            self._program = None

    def output(self) -> str:
        """Every question and its answer, a line each."""
        if self._program is None:
            raise RigError("dnsmasq is not running")
        self._program.require_running()
        return self._program.output()

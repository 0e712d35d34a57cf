"""Two machines and the cable between them, as network namespaces: the box at 10.9.0.1, its carrier at 10.9.0.2."""

import ctypes
import itertools
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BOX_ADDRESS = "10.9.0.1"
CARRIER_ADDRESS = "10.9.0.2"
BOX_ADDRESS_6 = "fd09::1"
CARRIER_ADDRESS_6 = "fd09::2"

_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)
_numbers = itertools.count(1)


class Namespace:
    """One machine of the rig's network."""

    def __init__(self, name: str, address: str) -> None:
        self.name = name
        self.address = address

    def command(self, *arguments: str) -> list[str]:
        """The command line that runs `arguments` on this machine."""
        return ["nsenter", f"--net=/run/netns/{self.name}", "--", *arguments]

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Sockets that this thread opens within belong to this machine, and stay there."""
        with open("/proc/thread-self/ns/net") as home, open(f"/run/netns/{self.name}") as there:
            _set_namespace(there.fileno())
            try:
                yield
            finally:
                _set_namespace(home.fileno())

    def drop(self, rule: str) -> None:
        """Drops incoming packets that match the nftables expression `rule`, until `undrop`."""
        self._nft(f"add rule inet rig input {rule} drop")

    def undrop(self) -> None:
        """Forgets every `drop` and `count`."""
        self._nft("flush chain inet rig input")

    def count(self, rule: str) -> None:
        """Counts incoming packets that match `rule`; `counted` tells how many came."""
        self._nft(f"add rule inet rig input {rule} counter")

    def counted(self) -> list[int]:
        """The packets seen by each `count`, in their order."""
        listing = subprocess.run(
            self.command("nft", "list", "chain", "inet", "rig", "input"), check=True, capture_output=True, text=True
        ).stdout
        return [int(number) for number in re.findall(r"counter packets (\d+)", listing)]

    def _nft(self, line: str) -> None:
        subprocess.run(self.command("nft", line), check=True)


class Network:
    """Both machines, connected. A context manager: leaving it removes them."""

    def __init__(self) -> None:
        number = next(_numbers)
        self.box = Namespace(f"box{number}", BOX_ADDRESS)
        self.carrier = Namespace(f"carrier{number}", CARRIER_ADDRESS)

    def __enter__(self) -> "Network":
        try:
            for machine in (self.box, self.carrier):
                _ip("netns", "add", machine.name)
                _ip("-n", machine.name, "link", "set", "lo", "up")
            _ip("link", "add", "eth0", "netns", self.box.name, "type", "veth",
                "peer", "name", "eth0", "netns", self.carrier.name)  # fmt: skip
            for machine, gateway in ((self.box, CARRIER_ADDRESS), (self.carrier, BOX_ADDRESS)):
                _ip("-n", machine.name, "address", "add", f"{machine.address}/24", "dev", "eth0")
                _ip("-n", machine.name, "link", "set", "eth0", "up")
                # A default route, or browsers find no interface to gather candidates on.
                _ip("-n", machine.name, "route", "add", "default", "via", gateway)
                machine._nft("add table inet rig; add chain inet rig input { type filter hook input priority 0; }")
        except BaseException:
            self.__exit__()
            raise
        return self

    def add_ipv6(self) -> None:
        """Gives both machines an IPv6 address beside their own."""
        for machine, address in ((self.box, BOX_ADDRESS_6), (self.carrier, CARRIER_ADDRESS_6)):
            _ip("-n", machine.name, "address", "add", f"{address}/64", "dev", "eth0", "nodad")

    def remove_ipv6(self, machine: Namespace) -> None:
        """Takes the address of `add_ipv6` away, and with it the route."""
        _ip("-n", machine.name, "-6", "address", "flush", "dev", "eth0")

    def __exit__(self, *_: object) -> None:
        for machine in (self.box, self.carrier):
            if Path(f"/run/netns/{machine.name}").exists():
                _ip("netns", "delete", machine.name)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


def _set_namespace(descriptor: int) -> None:
    if _libc.setns(descriptor, _CLONE_NEWNET) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), "setns")

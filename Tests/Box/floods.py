"""Floods: well-formed requests by the thousand, packets for the media port, and web clients that take their time."""

import contextlib
import itertools
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from Rig.deadlines import RigError
from Rig.junk import MEDIA_SEEDS, SIP_SEEDS
from Rig.namespaces import BOX_ADDRESS, CARRIER_ADDRESS, Namespace

STRANGER = "10.9.0.66"
BATCH = 50
INVITE, OPTIONS = SIP_SEEDS[0], SIP_SEEDS[4]
_numbers = itertools.count()


def signalling(machine: Namespace, rate: int, seconds: float) -> int:
    """New calls and questions from a stranger and from the provider's own address; how many were sent."""
    with _stranger(machine), ThreadPoolExecutor(3) as pool:
        streams = [
            pool.submit(_send, machine, STRANGER, 5060, lambda: _fresh(INVITE), rate // 2, seconds),
            pool.submit(_send, machine, STRANGER, 5060, lambda: _fresh(OPTIONS), rate // 4, seconds),
            pool.submit(_send, machine, CARRIER_ADDRESS, 5060, lambda: _fresh(OPTIONS), rate // 4, seconds),
        ]
        return sum(stream.result() for stream in streams)


def calls(machine: Namespace, rate: int, seconds: float) -> int:
    """New calls from the provider's own address, each of which the box has to turn away; how many were sent."""
    return _send(machine, CARRIER_ADDRESS, 5060, lambda: _fresh(INVITE), rate, seconds)


def media(machine: Namespace, rate: int, seconds: float) -> int:
    """STUN, DTLS and RTP that belong to nobody's call; how many were sent."""
    turns = itertools.cycle(MEDIA_SEEDS)
    with _stranger(machine):
        return _send(machine, STRANGER, 3478, lambda: next(turns), rate, seconds)


class SlowClients:
    """Connections that send a byte of a request each second, opened anew when they are closed. A context manager."""

    def __init__(self, machine: Namespace, count: int, target: tuple[str, int]) -> None:
        self.opened = 0
        self._machine = machine
        self._count = count
        self._target = target
        self._ending = threading.Event()

    def __enter__(self) -> "SlowClients":
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join(10)

    def _run(self) -> None:
        # Half of them speak TLS, or begin to: a record header whose record never comes.
        beginnings = (b"GET / HTTP/1.1\r\nHost: box\r\nX: ", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        clients: list[tuple[socket.socket, int]] = []
        while not self._ending.wait(1):
            alive = []
            for client, at in clients:
                try:
                    client.send(beginnings[self.opened % 2][at % 8 : at % 8 + 1])
                    alive.append((client, at + 1))
                except OSError:
                    client.close()
            clients = alive
            with self._machine.entered():
                fresh = [socket.socket() for _ in range(self._count - len(clients))]
            for client in fresh:
                client.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    client.connect(self._target)
                clients.append((client, 0))
                self.opened += 1
        for client, _ in clients:
            client.close()


def _send(
    machine: Namespace, source: str, port: int, datagram: Callable[[], bytes], rate: int, seconds: float
) -> int:
    with machine.entered():
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sent, began = 0, time.monotonic()
    with sender:
        sender.bind((source, 0))
        while time.monotonic() - began < seconds:
            for _ in range(BATCH):
                with contextlib.suppress(ConnectionRefusedError, BlockingIOError):
                    sender.sendto(datagram(), (BOX_ADDRESS, port))
            sent += BATCH
            time.sleep(max(0.0, began + sent / rate - time.monotonic()))
    return sent


def _fresh(seed: bytes) -> bytes:
    """A request that begins a transaction of its own, in a call of its own."""
    return seed.replace(b"rig00000001", b"rig%08x" % next(_numbers)).replace(b"rig-00000001", b"rig-%08x" % next(_numbers))


@contextlib.contextmanager
def _stranger(machine: Namespace) -> Iterator[None]:
    command = machine.command("ip", "address", "add", f"{STRANGER}/24", "dev", "eth0")
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RigError(f"no second address on the carrier's machine: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(machine.command("ip", "address", "del", f"{STRANGER}/24", "dev", "eth0"), capture_output=True)

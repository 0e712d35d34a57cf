"""Well-formed requests from a stranger, each beginning a call of its own, at a steady rate."""

import contextlib
import itertools
import secrets
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from .deadlines import RigError
from .namespaces import BOX_ADDRESS, Namespace

STRANGER = "10.9.0.66"
BATCH = 20
SOCKETS = 16
"""Source ports, used in turn."""

_SDP = (
    f"v=0\r\no=- 1 1 IN IP4 {STRANGER}\r\ns=-\r\nc=IN IP4 {STRANGER}\r\nt=0 0\r\n"
    "m=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n"
)


def _template(method: str, body: str = "") -> bytes:
    lines = [
        f"{method} sip:trunk1@{BOX_ADDRESS} SIP/2.0",
        f"Via: SIP/2.0/UDP {STRANGER}:5060;branch=z9hG4bK@MARK@;rport",
        "Max-Forwards: 70",
        f"From: <sip:stranger@{STRANGER}>;tag=@MARK@",
        f"To: <sip:trunk1@{BOX_ADDRESS}>",
        "Call-ID: @MARK@",
        f"CSeq: 1 {method}",
        f"Contact: <sip:stranger@{STRANGER}>",
        *(["Content-Type: application/sdp"] if body else []),
        f"Content-Length: {len(body)}",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


_TEMPLATES = (_template("INVITE", _SDP), _template("REGISTER"), _template("INVITE", _SDP), _template("OPTIONS"))


@dataclass
class Flood:
    """What has really been sent."""

    sent: int = 0
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        return self.sent / self.seconds if self.seconds else 0.0


@contextmanager
def flooding(machine: Namespace, rate: int) -> Iterator[Flood]:
    """Sends `rate` requests a second to the box's SIP port while the context lasts."""
    subprocess.run(machine.command("ip", "address", "add", f"{STRANGER}/24", "dev", "eth0"), check=True)
    flood, ending, failures = Flood(), threading.Event(), list[OSError]()
    with contextlib.ExitStack() as stack:
        with machine.entered():
            senders = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(SOCKETS)]
        for sender in senders:
            sender.bind((STRANGER, 0))
            sender.connect((BOX_ADDRESS, 5060))

        def run() -> None:
            try:
                _send(senders, rate, flood, ending)
            except OSError as error:
                failures.append(error)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        try:
            yield flood
        finally:
            ending.set()
            thread.join(5)
    if failures:
        raise RigError(f"the flood broke off: {failures[0]}")


def _send(senders: list[socket.socket], rate: int, flood: Flood, ending: threading.Event) -> None:
    numbers, prefix, began = itertools.count(), secrets.token_hex(4).encode(), time.monotonic()
    while not ending.is_set():
        for _ in range(BATCH):
            number = next(numbers)
            request = _TEMPLATES[number % len(_TEMPLATES)].replace(b"@MARK@", prefix + b"%08x" % number)
            # The stranger reads no answers; a port that is shut is told by ICMP at the next send.
            with contextlib.suppress(ConnectionRefusedError):
                senders[number % SOCKETS].send(request)
        flood.sent += BATCH
        flood.seconds = time.monotonic() - began
        time.sleep(max(0.0, flood.sent / rate - flood.seconds))

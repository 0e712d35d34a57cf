"""Messages sent one by one to the box, each with what the box answers to it."""

import re
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .box import SIP_PORT
from .capture import Capture, Datagram
from .namespaces import Namespace
from .torture import BUSY, Vector

ANSWER_SECONDS = 1.0
SILENCE_SECONDS = 0.15
"""The box answers within a millisecond; this long nothing may come where nothing is to come."""
Answers = dict[str, int | None]


@dataclass(frozen=True)
class Wire:
    """From an address of one machine to the box's SIP port."""

    machine: Namespace
    source: str
    box: str
    is_provider: bool
    understood: int = BUSY
    """What an invitation of the provider's gets that is understood."""

    @property
    def _family(self) -> socket.AddressFamily:
        return socket.AF_INET6 if ":" in self.source else socket.AF_INET

    def statuses(self, message: Vector) -> set[int | None]:
        return message.statuses(self.is_provider, self.understood)

    def by_udp(self, capture: Capture, messages: list[Vector], halfway: Callable[[], None] | None = None) -> Answers:
        with self.machine.entered():
            sender = socket.socket(self._family, socket.SOCK_DGRAM)
            sender.bind((self.source, 0))
        answers: Answers = {}
        with sender:
            for number, message in enumerate(messages):
                if number == len(messages) // 2 and halfway is not None:
                    halfway()
                seen = len(capture.datagrams)
                sender.sendto(message.data, (self.box, SIP_PORT))
                patience = SILENCE_SECONDS if None in self.statuses(message) else ANSWER_SECONDS
                answers[message.name] = _wait_for(
                    lambda seen=seen, message=message: self._answer(capture.datagrams[seen:], message), patience
                )
                if message.method == "INVITE" and answers[message.name] is not None:
                    self._acknowledge(sender, message, capture.datagrams[seen:])
        return answers

    def by_tcp(self, messages: list[Vector]) -> Answers:
        answers: Answers = {}
        for message in messages:
            with self.machine.entered():
                connection = socket.create_connection((self.box, SIP_PORT), timeout=2, source_address=(self.source, 0))
            with connection:
                connection.sendall(message.data)
                answers[message.name] = _first_final(
                    connection, message, SILENCE_SECONDS if message.method == "" else ANSWER_SECONDS
                )
        return answers

    def _answer(self, datagrams: Sequence[Datagram], message: Vector) -> int | None:
        """The final status that the box sent for this message, wherever its Via sent the answer."""
        for datagram in datagrams:
            if datagram.source[0] == self.box and datagram.target[0] == self.source and _is_for(message, datagram.payload):
                if (status := _final(datagram.payload)) is not None:
                    return status
        return None

    def _acknowledge(self, sender: socket.socket, message: Vector, datagrams: Sequence[Datagram]) -> None:
        """Ends the transaction, or the refusal is repeated for half a minute (RFC 3261 §17.1.1.3)."""
        host = f"[{self.box}]" if ":" in self.box else self.box
        for datagram in datagrams:
            if _is_for(message, datagram.payload) and _final(datagram.payload) is not None:
                lines = [line for line in datagram.payload.split(b"\r\n")
                         if re.match(rb"(via|from|to|call-id):", line, re.IGNORECASE)]  # fmt: skip
                cseq = re.search(rb"CSeq:\s*(\d+)", datagram.payload)
                head = [b"ACK sip:rig@%s SIP/2.0" % host.encode(), *lines, b"Max-Forwards: 70"]
                number = cseq.group(1) if cseq else b"1"
                sender.sendto(b"\r\n".join([*head, b"CSeq: " + number + b" ACK", b"", b""]), (self.box, SIP_PORT))
                return


def _wait_for(condition: Callable[[], int | None], seconds: float) -> int | None:
    end = time.monotonic() + seconds
    while (found := condition()) is None and time.monotonic() < end:
        time.sleep(0.005)
    return found


def _is_for(message: Vector, payload: bytes) -> bool:
    """Of an answer in fragments only the first is seen, which ends before the Call-ID; but no two are under way at once."""
    return message.key in payload or (len(message.data) > 1472 and len(payload) >= 1400)


def _final(payload: bytes) -> int | None:
    found = re.match(rb"SIP/2\.0 ([2-6]\d\d) ", payload)
    return int(found.group(1)) if found else None


def _first_final(connection: socket.socket, message: Vector, seconds: float) -> int | None:
    end, heard = time.monotonic() + seconds, b""
    while time.monotonic() < end:
        connection.settimeout(max(0.001, end - time.monotonic()))
        try:
            more = connection.recv(65536)
        except OSError:
            break
        heard += more
        for part in re.split(rb"(?=SIP/2\.0 \d\d\d )", heard):
            if message.key in part and (status := _final(part)) is not None:
                return status
        if not more:
            break
    return None

"""The provider's front door: what the box registers with, before a sipp that plays one call.

sipp cannot register, speaks no TLS (Debian builds it without) and loses nothing on purpose. So this stands at the
provider's address over UDP, TCP and TLS, answers REGISTER and OPTIONS itself, and hands every other message on to
sipp and back as it is, one datagram a message. On that way messages can be lost or doubled.
"""

import contextlib
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from .deadlines import RigError, wait_until
from .namespaces import Namespace

INNER_PORT = 5070
"""Where sipp sends to."""
SIPP_PORT = 5072
SIPP_HOST = "127.0.0.1"

_Sender = Callable[[bytes], None]


@dataclass
class Meddling:
    """Messages that do not pass as they are. `pattern` is looked for in start line and CSeq, with a space between."""

    pattern: str
    copies: int
    """0 loses the message."""
    times: int = 1_000_000
    """How many messages it holds for."""
    met: int = 0


def lose(pattern: str, times: int = 1_000_000) -> Meddling:
    return Meddling(pattern, 0, times)


def double(pattern: str = ".") -> Meddling:
    return Meddling(pattern, 2)


@dataclass(frozen=True)
class Passed:
    """One message that arrived."""

    sender: str
    """"box" or "sipp"."""
    line: str
    branch: str
    call: str


class Provider:
    """Listens until the context is left."""

    def __init__(
        self,
        machine: Namespace,
        address: str,
        certificate: Path | None = None,
        registrar: bool = True,
        inner_port: int = INNER_PORT,
    ) -> None:
        """`certificate`: a PEM file with its key beside it (.key); without one there is no TLS.

        `registrar`: answers REGISTER itself.
        """
        self._inner_port = inner_port
        self.address = address
        self.registrar = registrar
        self.meddlings: list[Meddling] = []
        self.is_gone = False
        """Hears and says nothing any more."""
        self.is_overloaded = False
        """Refuses every call with 503 by itself."""
        self.contact = ""
        """The URI that the box has registered."""
        self.passed: list[Passed] = []
        """Every message that arrived since `forget`."""
        self.box_sound: tuple[str, int] | None = None
        """Where the box wants to have sound, by its last session description."""
        self._over: set[str] = set()
        self._machine = machine
        self._certificate = certificate
        self._family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._to_box: _Sender | None = None
        self._sockets: list[socket.socket] = []
        self._ending = False

    @property
    def host(self) -> str:
        """As URIs write it."""
        return f"[{self.address}]" if ":" in self.address else self.address

    def __enter__(self) -> "Provider":
        with self._machine.entered():
            self._inner = self._bound(socket.AF_INET, socket.SOCK_DGRAM, (SIPP_HOST, self._inner_port))
            udp = self._bound(self._family, socket.SOCK_DGRAM, (self.address, 5060))
            tcp = self._bound(self._family, socket.SOCK_STREAM, (self.address, 5060))
            self._begin(self._serve_sipp)
            self._begin(lambda: self._serve_datagrams(udp))
            self._begin(lambda: self._accept(tcp, None))
            if self._certificate is not None:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(self._certificate, self._certificate.with_suffix(".key"))
                tls = self._bound(self._family, socket.SOCK_STREAM, (self.address, 5061))
                self._begin(lambda: self._accept(tls, context))
        return self

    def __exit__(self, *_: object) -> None:
        self._ending = True
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def forget(self) -> None:
        """Forgets what passed and passes everything again. What still comes of the calls so far is answered here."""
        self._over |= {passed.call for passed in self.passed}
        self.passed = []
        self.meddlings = []
        self.is_gone = False

    def count(self, sender: str, pattern: str, repeated: bool = False) -> int:
        """How many messages of "box" or "sipp" had a start line like this; the same again counts only if `repeated`."""
        found = [one.branch for one in self.passed if one.sender == sender and re.search(pattern, one.line)]
        return len(found) if repeated else len(set(found))

    def wait_for_registration(self, seconds: float = 10) -> None:
        wait_until(lambda: self.contact, seconds, "the box to register with the rig's provider")

    def _bound(self, family: int, kind: int, address: tuple[str, int]) -> socket.socket:
        listener = socket.socket(family, kind)
        self._sockets.append(listener)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        if kind == socket.SOCK_STREAM:
            listener.listen()
        return listener

    def _begin(self, work: Callable[[], None]) -> None:
        def run() -> None:
            try:
                work()
            except (OSError, ssl.SSLError, ValueError):
                if not self._ending:
                    raise

        threading.Thread(target=run, daemon=True).start()

    def _serve_datagrams(self, listener: socket.socket) -> None:
        while not self._ending:
            try:
                data, source = listener.recvfrom(65536)
            except ConnectionRefusedError:
                continue
            self._came(data, partial(_send, listener, source))

    def _accept(self, listener: socket.socket, context: ssl.SSLContext | None) -> None:
        while not self._ending:
            connection, _ = listener.accept()
            self._sockets.append(connection)
            self._begin(partial(self._serve_stream, connection, context))

    def _serve_stream(self, plain: socket.socket, context: ssl.SSLContext | None) -> None:
        connection = plain
        with contextlib.suppress(OSError, ssl.SSLError):
            if context is not None:
                connection = context.wrap_socket(plain, server_side=True)
                self._sockets.append(connection)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            lock = threading.Lock()

            def send(data: bytes) -> None:
                with lock, contextlib.suppress(OSError):
                    connection.sendall(data)

            buffer = b""
            while data := connection.recv(65536):
                buffer = self._frames(buffer + data, send)

    def _frames(self, buffer: bytes, send: _Sender) -> bytes:
        """Takes whole messages from a stream (RFC 3261 §18.3), answers a ping (RFC 5626 §3.5.1); the rest."""
        while buffer:
            if buffer.startswith(b"\r\n\r\n"):
                send(b"\r\n")
                buffer = buffer[4:]
                continue
            head, mark, rest = buffer.partition(b"\r\n\r\n")
            if not mark:
                break
            found = re.search(rb"(?im)^(?:content-length|l)[ \t]*:[ \t]*(\d+)", head)
            if found is None:
                raise RigError("the box sent a message without Content-Length over a stream")
            size = int(found.group(1))
            if len(rest) < size:
                break
            self._came(head + mark + rest[:size], send)
            buffer = rest[size:]
        return buffer

    def _came(self, message: bytes, reply: _Sender) -> None:
        """From the box."""
        if self.is_gone or not message.strip():
            return
        self._to_box = reply
        passed = _passed("box", message)
        line = passed.line
        if passed.call in self._over:
            # A repetition, late because this machine is busy: the next sipp would not know the call.
            if not line.startswith(("SIP/2.0", "ACK")):
                reply(self._answer(message))
            return
        self.passed.append(passed)
        if sound := re.search(rb"(?s)\r\nc=IN IP[46] (\S+).*\r\nm=audio ([1-9]\d*)", message):
            self.box_sound = sound.group(1).decode(), int(sound.group(2))
        if line.startswith("OPTIONS") or (self.registrar and line.startswith("REGISTER")):
            reply(self._answer(message))
            return
        if self.is_overloaded and line.startswith("INVITE"):
            reply(self._answer(message, "503 Service Unavailable", "Retry-After: 30"))
            return
        if self.is_overloaded and line.startswith("ACK"):
            return
        for _ in range(self._copies(message)):
            _send(self._inner, (SIPP_HOST, SIPP_PORT), message)

    def _serve_sipp(self) -> None:
        while not self._ending:
            try:
                message, _ = self._inner.recvfrom(65536)
            except ConnectionRefusedError:
                continue
            self.passed.append(_passed("sipp", message))
            if self.is_gone or self._to_box is None:
                continue
            for _ in range(self._copies(message)):
                self._to_box(message)

    def _copies(self, message: bytes) -> int:
        cseq = re.search(rb"(?im)^cseq:[ \t]*(.*?)\r?$", message)
        text = f"{_start_line(message)} {cseq.group(1).decode() if cseq else ''}"
        for meddling in self.meddlings:
            if meddling.met < meddling.times and re.search(meddling.pattern, text):
                meddling.met += 1
                return meddling.copies
        return 1

    def _answer(self, request: bytes, status: str = "200 OK", *more: str) -> bytes:
        text = request.decode(errors="replace")
        kept = re.findall(r"(?im)^(?:Via|From|Call-ID|CSeq|v|f|i)[ \t]*:.*?(?=\r)", text)
        to = re.search(r"(?im)^(?:To|t)[ \t]*:.*?(?=\r)", text)
        lines = [f"SIP/2.0 {status}", *kept, *more, f"{to.group(0) if to else 'To: <sip:nobody>'};tag=rig"]
        if not more and (contact := re.search(r"(?im)^(?:Contact|m)[ \t]*:[ \t]*<([^>]*)>", text)):
            self.contact = contact.group(1)
            lines.append(f"Contact: <{self.contact}>;expires=300")
        lines.append(f"Date: {time.strftime('%a, %d %b %Y %H:%M:%S GMT', time.gmtime())}")
        return ("\r\n".join([*lines, "Content-Length: 0"]) + "\r\n\r\n").encode()


def _start_line(message: bytes) -> str:
    return message.split(b"\r\n", 1)[0].decode(errors="replace")


def _passed(sender: str, message: bytes) -> Passed:
    text = message.decode(errors="replace")
    branch, call = (
        re.search(pattern, text) for pattern in (r"branch=([^;\s,]+)", r"(?im)^(?:Call-ID|i)[ \t]*:[ \t]*(\S+)")
    )
    return Passed(sender, _start_line(message), branch.group(1) if branch else "", call.group(1) if call else "")


def _send(sender: socket.socket, target: tuple[str, int], message: bytes) -> None:
    # Nobody there, or the network is gone: a datagram more that is lost.
    with contextlib.suppress(OSError):
        sender.sendto(message, target)

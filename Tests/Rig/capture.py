"""Listens on a machine's interfaces with the kernel's own time stamps: who sent what, and when."""

import ctypes
import socket
import struct
import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .namespaces import Namespace

_ETH_P_ALL = 0x0003
_ETH_P_IP = 0x0800
_ETH_P_IPV6 = 0x86DD
_PACKET_OUTGOING = 4
_SO_ATTACH_FILTER = 26
_SO_TIMESTAMPNS = 35
_UDP = 17


@dataclass(frozen=True)
class Datagram:
    """A UDP datagram as it passed an interface."""

    time: float
    """Seconds since the epoch."""
    source: tuple[str, int]
    target: tuple[str, int]
    payload: bytes

    @property
    def is_rtp(self) -> bool:
        """Version 2 and no RTCP packet type (RFC 5761 §4)."""
        return len(self.payload) >= 12 and self.payload[0] >> 6 == 2 and not 64 <= self.payload[1] & 0x7F <= 95

    @property
    def payload_type(self) -> int:
        return self.payload[1] & 0x7F

    @property
    def samples(self) -> NDArray[np.float64]:
        """Of a PCMU or PCMA packet, in 16-bit steps; none for other payload types."""
        if not self.is_rtp or self.payload_type not in (0, 8):
            return np.zeros(0)
        table = MU_LAW if self.payload_type == 0 else A_LAW
        return np.asarray(table[np.frombuffer(self.payload[12:], dtype=np.uint8)], dtype=np.float64)

    @property
    def loudness(self) -> float:
        """Root mean square of a PCMU or PCMA packet in 16-bit steps; 0 for other payload types."""
        samples = self.samples
        return float(np.sqrt(np.mean(samples**2))) if len(samples) else 0


class Capture:
    """Keeps every UDP datagram of a machine, over IPv4 and IPv6, while the context lasts. For single calls, not for load."""

    def __init__(self, machine: Namespace, udp_ports: range | None = None) -> None:
        """`udp_ports`: the kernel passes only what goes to one of these, so that a load on other ports does not matter."""
        self.datagrams: list[Datagram] = []
        self._udp_ports = udp_ports
        self._machine = machine
        self._ending = threading.Event()

    def __enter__(self) -> "Capture":
        with self._machine.entered():
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_ALL))
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        if self._udp_ports is not None:
            _attach_filter(self._socket, self._udp_ports)
        self._socket.settimeout(0.1)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join(2)
        self._socket.close()

    def _listen(self) -> None:
        while not self._ending.is_set():
            try:
                packet, ancillary, _, address = self._socket.recvmsg(65536, 64)
            except TimeoutError:
                continue
            # Loopback shows each packet twice, on its way out and in.
            if address[1] not in (_ETH_P_IP, _ETH_P_IPV6) or (address[0] == "lo" and address[2] == _PACKET_OUTGOING):
                continue
            for level, kind, data in ancillary:
                if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS:
                    seconds, nanoseconds = struct.unpack("qq", data[:16])
                    keep = self._keep if address[1] == _ETH_P_IP else self._keep_ipv6
                    keep(packet, seconds + nanoseconds / 1e9)

    def _keep(self, packet: bytes, time: float) -> None:
        header = (packet[0] & 0x0F) * 4
        # Of a datagram in fragments only the first is kept: the others begin with no ports.
        if len(packet) >= 20 and (packet[6] & 0x1F or packet[7]):
            return
        if len(packet) < header + 8 or packet[9] != _UDP:
            return
        source_port, target_port, length = struct.unpack_from("!HHH", packet, header)
        self.datagrams.append(
            Datagram(
                time,
                (socket.inet_ntoa(packet[12:16]), source_port),
                (socket.inet_ntoa(packet[16:20]), target_port),
                packet[header + 8 : header + length],
            )
        )

    def _keep_ipv6(self, packet: bytes, time: float) -> None:
        # What came in fragments has another header before that of UDP, and is left out.
        if len(packet) < 48 or packet[6] != _UDP:
            return
        source_port, target_port, length = struct.unpack_from("!HHH", packet, 40)
        self.datagrams.append(
            Datagram(
                time,
                (socket.inet_ntop(socket.AF_INET6, packet[8:24]), source_port),
                (socket.inet_ntop(socket.AF_INET6, packet[24:40]), target_port),
                packet[48 : 40 + length],
            )
        )


def _attach_filter(listener: socket.socket, ports: range) -> None:
    """Classic BPF, on the IP header: UDP to one of the ports."""
    program = (
        (0x30, 0, 0, 9),  # the protocol
        (0x15, 0, 5, _UDP),
        (0xB1, 0, 0, 0),  # the header's length
        (0x48, 0, 0, 2),  # the port it goes to
        (0x35, 0, 2, ports.start),
        (0x35, 1, 0, ports.stop),
        (0x06, 0, 0, 0xFFFF),
        (0x06, 0, 0, 0),
    )
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in program))
    listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HL", len(program), ctypes.addressof(code)))


def _mu_law() -> np.ndarray:
    code = ~np.arange(256) & 0xFF
    magnitude = (((code & 0x0F) << 3) + 0x84) << ((code >> 4) & 7)
    return np.where(code & 0x80, 0x84 - magnitude, magnitude - 0x84).astype(np.float64)


def _a_law() -> np.ndarray:
    code = np.arange(256) ^ 0x55
    exponent = (code >> 4) & 7
    mantissa = ((code & 0x0F) << 4) + 8
    magnitude = np.where(exponent == 0, mantissa, (mantissa + 0x100) << np.maximum(exponent - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.float64)


MU_LAW = _mu_law()
A_LAW = _a_law()

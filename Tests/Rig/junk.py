"""Random and mutated datagrams: 2,000 a second of what a port may get from the Internet, and worse."""

import contextlib
import random
import socket
import time
from dataclasses import dataclass

from .namespaces import Namespace

BATCH = 20
"""Datagrams sent at once; 100 batches a second make 2,000."""
SOCKETS = 8
"""Different source ports of each stream."""


def _lines(*lines: str, body: str = "") -> bytes:
    return ("\r\n".join((*lines, f"Content-Length: {len(body)}")) + "\r\n\r\n" + body).encode()


_SDP = (
    "v=0\r\no=- 1 1 IN IP4 10.9.0.66\r\ns=-\r\nc=IN IP4 10.9.0.66\r\nt=0 0\r\n"
    "m=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n"
)
_COMMON = (
    "Via: SIP/2.0/UDP 10.9.0.66:5060;branch=z9hG4bKrig00000001;rport",
    "Max-Forwards: 70",
    'From: "Rig" <sip:rig@10.9.0.66>;tag=rig1',
    "To: <sip:trunk1@10.9.0.1>",
    "Call-ID: rig-00000001@10.9.0.66",
)

SIP_SEEDS = (
    _lines("INVITE sip:trunk1@10.9.0.1 SIP/2.0", *_COMMON, "CSeq: 1 INVITE", "Contact: <sip:rig@10.9.0.66>",
           "Content-Type: application/sdp", body=_SDP),
    _lines("ACK sip:trunk1@10.9.0.1 SIP/2.0", *_COMMON, "CSeq: 1 ACK"),
    _lines("BYE sip:trunk1@10.9.0.1 SIP/2.0", *_COMMON, "CSeq: 2 BYE"),
    _lines("CANCEL sip:trunk1@10.9.0.1 SIP/2.0", *_COMMON, "CSeq: 1 CANCEL"),
    _lines("OPTIONS sip:10.9.0.1 SIP/2.0", *_COMMON, "CSeq: 3 OPTIONS", "Accept: application/sdp"),
    _lines("REGISTER sip:10.9.0.1 SIP/2.0", *_COMMON, "CSeq: 4 REGISTER", "Contact: *",
           "Expires: 0", 'Authorization: Digest username="a", realm="b", nonce="c", uri="sip:d", response="e", nc=1'),
    _lines("SIP/2.0 200 OK", *_COMMON, "CSeq: 1 INVITE", "Contact: <sip:rig@10.9.0.66>",
           "Record-Route: <sip:10.9.0.66;lr>", "Content-Type: application/sdp", body=_SDP),
    _lines("SIP/2.0 401 Unauthorized", *_COMMON, "CSeq: 1 REGISTER",
           'WWW-Authenticate: Digest realm="carrier.rig", nonce="0", qop="auth", algorithm=MD5'),
)  # fmt: skip

MEDIA_SEEDS = (
    # STUN binding request with USERNAME, PRIORITY, MESSAGE-INTEGRITY, FINGERPRINT.
    bytes.fromhex("000100382112a442") + bytes(12) + bytes.fromhex("00060009") + b"abcd:efgh\0\0\0"
    + bytes.fromhex("002400046e001eff") + bytes.fromhex("00080014") + bytes(20) + bytes.fromhex("8028000400000000"),
    # DTLS 1.2 ClientHello, fragment 1 of a longer message.
    bytes.fromhex("16feff000000000000000000700100056c0000000000000064fefd") + bytes(98),
    # RTP: PCMU, with extension and one CSRC; SRTP-sized.
    bytes.fromhex("9180000100000000deadbeef11111111bede000110000000") + b"\xff" * 160,
    bytes.fromhex("806f000200000000deadbeef") + b"\x55" * 60,
    # RTCP: sender report and SDES.
    bytes.fromhex("80c80006deadbeef00000000000000000000000000000001000000a081ca0002deadbeef01017800"),
)  # fmt: skip


@dataclass
class JunkResult:
    """What was really sent."""

    datagrams: int
    seconds: float


def send_junk(
    machine: Namespace,
    source: str,
    target: tuple[str, int],
    seeds: tuple[bytes, ...],
    rate: int,
    seconds: float,
    seed: int,
) -> JunkResult:
    """Sends `rate` datagrams a second from `source`: a third random bytes, the others mutations of `seeds`."""
    generator = random.Random(seed)
    sockets = []
    with machine.entered():
        for _ in range(SOCKETS):
            sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sender.bind((source, 0))
            sockets.append(sender)
    began = time.monotonic()
    sent = 0
    try:
        while sent < rate * seconds:
            for _ in range(BATCH):
                with contextlib.suppress(ConnectionRefusedError):
                    sockets[sent % SOCKETS].sendto(_datagram(generator, seeds), target)
                sent += 1
            time.sleep(max(0.0, began + sent / rate - time.monotonic()))
    finally:
        for sender in sockets:
            sender.close()
    return JunkResult(sent, time.monotonic() - began)


def _datagram(generator: random.Random, seeds: tuple[bytes, ...]) -> bytes:
    if generator.random() < 1 / 3:
        return generator.randbytes(generator.choice((0, 1, 2, 12, 20, 172, 600, 1200, 1472)))
    data = bytearray(generator.choice(seeds))
    for _ in range(generator.randint(1, 4)):
        _mutate(generator, data)
    return bytes(data[:1472])


def _mutate(generator: random.Random, data: bytearray) -> None:
    at = generator.randrange(len(data) + 1)
    match generator.randrange(6):
        case 0 if data:
            data[at % len(data)] ^= 1 << generator.randrange(8)
        case 1:
            del data[at:]
        case 2:
            data[at:at] = generator.randbytes(generator.randint(1, 16))
        case 3:
            del data[at : at + generator.randint(1, 16)]
        case 4:
            # Lengths and counters at their limits.
            data[at : at + 2] = generator.choice((b"\x00\x00", b"\xff\xff", b"\x7f\xff", b"\x80\x00"))
        case _:
            data[at:at] = data[at : at + generator.randint(1, 64)] * generator.randint(1, 8)

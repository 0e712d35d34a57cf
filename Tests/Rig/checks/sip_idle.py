"""sip-idle: 5,000 TCP connections that say nothing on the SIP port, and whoever has something to say is served."""

import resource
import secrets
import socket
import subprocess
import time

from ..box import SIP_PORT
from ..figures import Report
from ..namespaces import BOX_ADDRESS
from ..phone_socket import PhoneSocket
from ..programs import open_descriptors, resident_kilobytes
from ..rig import Rig, open_rig
from .check import Check, Fault, broken_by

CONNECTIONS = 5000
SOURCES = 50
SCARCE = 400
TRIES = 10
GOAL_SECONDS = 1.0
GROWTH_GOAL_KILOBYTES = 50_000


def run(report: Report, fault: Fault | None) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    _crowded(report, fault, "")
    if fault is None:
        # The same with fewer descriptors than the box would let connections stand.
        _crowded(report, fault, "few-descriptors-", SCARCE)


def _crowded(report: Report, fault: Fault | None, prefix: str, descriptors: int | None = None) -> None:
    with open_rig(trunk='transport = "tcp"') as rig:
        if descriptors is not None:
            resource.prlimit(rig.box.core(), resource.RLIMIT_NOFILE, (descriptors, descriptors))
        sources = [f"10.9.0.{100 + number}" for number in range(SOURCES)]
        for source in sources:
            add = rig.network.carrier.command("ip", "address", "add", f"{source}/24", "dev", "eth0")
            subprocess.run(add, check=True)
        before = resident_kilobytes(rig.box.core())
        with rig.network.carrier.entered():
            crowd = [_connect(sources[number % SOURCES]) for number in range(CONNECTIONS)]
        try:
            _measure(rig, report, fault, prefix, sources[0], [one for one in crowd if one is not None], before)
        finally:
            for connection in crowd:
                if connection is not None:
                    connection.close()


def _measure(
    rig: Rig, report: Report, fault: Fault | None, prefix: str, source: str, crowd: list[socket.socket], before: int
) -> None:
    report.equal(f"{prefix}connections", len(crowd), CONNECTIONS, f"from {SOURCES} addresses, none says a word")
    if broken_by(fault, "shut"):
        rig.network.box.drop(f"tcp dport {SIP_PORT} tcp flags syn")
    with rig.network.carrier.entered():
        slowest = max(_served(source) for _ in range(TRIES))
    held = open_descriptors(rig.box.core())
    report.at_most(
        f"{prefix}new-connection", slowest, GOAL_SECONDS, "s", f"the slowest of {TRIES}; the core holds {held} files"
    )
    with PhoneSocket(rig.box) as phone:
        began = time.monotonic()
        call = phone.start_call(rig.account.answers)
        phone.wait_for("call.state", 5, call=call, state="active")
        report.at_most(f"{prefix}call", time.monotonic() - began, GOAL_SECONDS, "s", "over the trunk's TCP connection")
        phone.request("call.end", call=call)
    grown = resident_kilobytes(rig.box.core()) - before
    report.at_most(f"{prefix}memory", grown, GROWTH_GOAL_KILOBYTES, "kB", "growth of the core")


def _connect(source: str) -> socket.socket | None:
    try:
        return socket.create_connection((BOX_ADDRESS, SIP_PORT), timeout=5, source_address=(source, 0))
    except OSError:
        return None


def _served(source: str) -> float:
    """Seconds from the first SYN to the 200 of an OPTIONS."""
    mark = secrets.token_hex(6)
    request = (
        f"OPTIONS sip:{BOX_ADDRESS} SIP/2.0\r\nVia: SIP/2.0/TCP {source};branch=z9hG4bK{mark};rport\r\n"
        f"Max-Forwards: 10\r\nFrom: <sip:rig@{source}>;tag={mark}\r\nTo: <sip:{BOX_ADDRESS}>\r\n"
        f"Call-ID: {mark}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    )
    began = time.monotonic()
    connection = _connect(source)
    if connection is None:
        return float("inf")
    with connection:
        try:
            connection.sendall(request.encode())
            answer = connection.recv(4096)
        except OSError:
            return float("inf")
    return time.monotonic() - began if answer.startswith(b"SIP/2.0 200") else float("inf")


CHECK = Check(
    "sip-idle",
    "With 5,000 idle TCP connections on the SIP port a new one is served, and a call set up, in under a second.",
    run,
    (Fault("shut", "A firewall lets no new TCP connection to the SIP port.", ("new-connection",)),),
)

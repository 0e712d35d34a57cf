"""Asks a SIP port whether somebody is there (RFC 3261 §11, OPTIONS)."""

import secrets
import socket
from collections.abc import Callable

from .deadlines import wait_until
from .namespaces import Namespace


def wait_for_options_reply(
    machine: Namespace, target: tuple[str, int], seconds: float, require_alive: Callable[[], None]
) -> None:
    """Returns once `target` answers an OPTIONS request sent from `machine`."""
    with machine.entered():
        family = socket.AF_INET6 if ":" in target[0] else socket.AF_INET
        probe = socket.socket(family, socket.SOCK_DGRAM)
    with probe:
        probe.connect(target)
        probe.settimeout(0.1)
        wait_until(
            lambda: _answers(probe, target, require_alive), seconds, f"an answer from SIP {target[0]}:{target[1]}"
        )


def _answers(probe: socket.socket, target: tuple[str, int], require_alive: Callable[[], None]) -> bool:
    require_alive()
    try:
        probe.send(_options(probe.getsockname()[:2], target))
        return probe.recv(2048).startswith(b"SIP/2.0 ")
    except (TimeoutError, ConnectionRefusedError):
        return False


def _options(local: tuple[str, int], target: tuple[str, int]) -> bytes:
    mark = secrets.token_hex(6)
    here, there = (f"[{host}]" if ":" in host else host for host in (local[0], target[0]))
    lines = [
        f"OPTIONS sip:{there}:{target[1]} SIP/2.0",
        f"Via: SIP/2.0/UDP {here}:{local[1]};branch=z9hG4bK{mark};rport",
        "Max-Forwards: 10",
        f"From: <sip:rig@{here}>;tag={mark}",
        f"To: <sip:{there}>",
        f"Call-ID: {mark}@rig",
        "CSeq: 1 OPTIONS",
        f"Contact: <sip:rig@{here}:{local[1]}>",
        "Content-Length: 0",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()

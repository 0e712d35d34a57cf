"""Which flows were played over which transport and family: what a run really did, not what it was meant to do."""

import threading
from collections.abc import Iterable

COLUMNS = tuple((transport, ipv6) for transport in ("udp", "tcp", "tls") for ipv6 in (False, True))


class Matrix:
    """Filled from several threads; printed at the end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cells: dict[str, dict[tuple[str, bool], bool]] = {}

    def note(self, flow: str, transport: str, ipv6: bool, is_right: bool) -> None:
        with self._lock:
            self._cells.setdefault(flow, {})[transport, ipv6] = is_right

    def missing(self, flows: Iterable[str]) -> list[str]:
        """Of these flows, what was not played somewhere."""
        return [
            f"{flow} over {_words(column)}" for flow in flows for column in COLUMNS if column not in self._cells.get(flow, {})
        ]

    def __str__(self) -> str:
        width = max(map(len, self._cells), default=0)
        head = " ".join(f"{_words(column):>9}" for column in COLUMNS)
        lines = [f"  {'':{width}} {head}"]
        for flow, cells in self._cells.items():
            marks = ({True: "ok", False: "WRONG", None: "."}[cells.get(column)] for column in COLUMNS)
            lines.append(f"  {flow:{width}} " + " ".join(f"{mark:>9}" for mark in marks))
        return "\n".join(["sip-interop: what was played, and over what ('.': not over this one)", *lines])


def _words(column: tuple[str, bool]) -> str:
    return f"{column[0]} {'IPv6' if column[1] else 'IPv4'}"

"""The torture messages of RFC 4475 and RFC 5118, and what a box that is a telephone, not a registrar, has to answer."""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from .deadlines import RigError

CORPORA = Path(__file__).resolve().parents[3] / "shared" / "corpora" / "sip"
SIZES = {"rfc4475": 49, "rfc5118": 12}

BUSY = 486
"""What an invitation gets that is understood: the only page is in a call."""
NOBODY_THERE = 480
"""What it gets where no page is open."""

EXCEPTIONS: dict[str, tuple[set[int], str]] = {
    "ipv6-in-sdp": ({400}, "the RFC prints Content-Length 268 for a body of 251 bytes: over UDP that is an error"),
    "wsinv": ({481}, "its To has a tag, and this box holds no such dialog (RFC 3261 §12.2.2)"),
    "badbranch": ({200, 400}, "RFC 4475 §3.2.1 wants 400 or the matching of RFC 2543"),
    "unksm2": ({405}, "the table's 400 is a registrar's"),
    "regaut01": ({405}, "the table's 401 is a registrar's"),
}
"""Where the table of expectations is not what this box has to do, and why."""


@dataclass(frozen=True)
class Vector:
    """One message with what the table says of it."""

    name: str
    expected: str
    data: bytes

    @cached_property
    def method(self) -> str:
        """Empty for a response."""
        word = self.data.split(None, 1)[0].decode(errors="replace")
        return "" if word == "SIP/2.0" else word

    @cached_property
    def key(self) -> bytes:
        """What only the answer to this message repeats: its Call-ID, or else its branch."""
        for name in (rb"(?:call-id|i)[ \t]*:\s*(\S+)", rb"branch=(\S+)"):
            if found := re.search(rb"^" + name if b"call" in name else name, self.data, re.IGNORECASE | re.MULTILINE):
                return found.group(1)
        raise RigError(f"{self.name} has neither Call-ID nor branch")

    @property
    def has_framing(self) -> bool:
        """A stream could carry it: an end of the header fields, one Content-Length, and not more than there is."""
        head, end, body = self.data.partition(b"\r\n\r\n")
        if not end:
            return False
        lengths = re.findall(rb"^(?:content-length|l)\s*:\s*(\S+)", head, re.IGNORECASE | re.MULTILINE)
        return len(lengths) == 1 and lengths[0].isdigit() and int(lengths[0]) <= len(body)

    def over_tcp(self, mark: bytes) -> "Vector":
        """The same with TCP in its topmost Via, so that the answer comes by the connection, and with a Call-ID and a branch
        of its own: otherwise it would be a repetition of what came by UDP."""
        data = re.sub(rb"(?m)^(v(?:ia)?[ \t]*:\s*SIP\s*/\s*2\.0\s*/\s*)(UDP|TLS)", rb"\1TCP", self.data, count=1,
                      flags=re.IGNORECASE)  # fmt: skip
        data = data.replace(self.key, mark + self.key)
        data = re.sub(rb"branch=z9hG4bK(?=[^;,\s])", rb"branch=z9hG4bK" + mark, data, count=1)
        return Vector(self.name, self.expected, data)

    def statuses(self, is_provider: bool, understood: int = BUSY) -> set[int | None]:
        """The final answers that are right; None stands for silence. `understood`: for an invitation of the provider's."""
        if self.method in ("", "ACK") or "discard" in self.expected:
            return {None}
        if self.name in EXCEPTIONS:
            accepted: set[int | None] = set(EXCEPTIONS[self.name][0])
        else:
            accepted = {int(number) for number in re.findall(r"\b[45]\d\d\b", self.expected)}
            if re.search(r"accept\b|answers normally|or ignore|or infer|or liberal|liberal parse allowed", self.expected):
                accepted.add(self._understood(is_provider, understood))
        if not accepted:
            raise RigError(f"the table says nothing that can be checked of {self.name}: {self.expected}")
        if is_provider:
            return accepted
        if self.method == "INVITE":
            accepted.add(403)
        # What cannot be read is answered to a provider only.
        return accepted | {None} if accepted & {400, 505} else accepted

    def _understood(self, is_provider: bool, invitation: int) -> int:
        understood = {"INVITE": invitation if is_provider else 403, "OPTIONS": 200, "BYE": 481}
        return understood.get(self.method, 405)


def vectors(corpora: Mapping[str, int] = SIZES) -> list[Vector]:
    """All of these; RigError when one is missing, for a check that silently checks less proves nothing."""
    found = []
    for folder, size in corpora.items():
        table = CORPORA / folder / "EXPECT.csv"
        if not table.is_file():
            raise RigError(f"the corpus is MISSING: {table} does not exist; without it nothing is proven")
        with table.open(newline="") as rows:
            here = [_vector(CORPORA / folder, row["file"], row["expected_uas"]) for row in csv.DictReader(rows)]
        if len(here) != size:
            raise RigError(f"the corpus is INCOMPLETE: {table} lists {len(here)} messages, not {size}")
        found += here
    return found


def _vector(folder: Path, name: str, expected: str) -> Vector:
    path = folder / f"{name}.dat"
    if path.is_file():
        return Vector(name, expected, path.read_bytes())
    path = folder / name
    if not path.is_file():
        raise RigError(f"the corpus is INCOMPLETE: {path} does not exist")
    # These lie there with LF alone.
    return Vector(name, expected, path.read_bytes().replace(b"\n", b"\r\n"))

"""sipp as the other side of one call.

The scenario files in `sipp/` are sipp's own XML with a few elements more, which keep each of them as short as the
message flow it describes. `expand` writes them out as sipp wants them:

    <invited/>                       receives the INVITE and remembers what answers and later requests need
    <answer status= sdp= tag=/>      a response to that INVITE; with again="1" to the last <asked kept="1"/>
    <asked method=/>                 receives a request inside the call
    <reply status= sdp=/>            answers the last message received; with tag="1" one outside of any call
    <invite sdp=/> <ack/> <cancel/>  the caller's side; <ack refused="1"/> after a refusal
    <ask method= sdp= fragment=/>    a request inside the call
    <got status= optional= …/>       receives a response
    <expect header= regexp=/>        inside anything that receives: must match, or with never="1" must not

Text inside a sending element is header lines of its own. `sdp` is the direction of the audio; the value `hold-0` is
the old form of holding, `c=0.0.0.0`.
"""

import re
import socket
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from .deadlines import wait_until
from .namespaces import Namespace
from .programs import Program
from .provider import INNER_PORT, SIPP_HOST, SIPP_PORT, Provider

FOLDER = Path(__file__).parent / "sipp"
CALLER = "+4930123456"
SOUND_PORT = 6000
"""Where every session description of sipp wants sound."""
REASONS = {
    100: "Trying", 180: "Ringing", 181: "Call Is Being Forwarded", 182: "Queued", 183: "Session Progress", 200: "OK",
    202: "Accepted", 302: "Moved Temporarily", 401: "Unauthorized", 407: "Proxy Authentication Required",
    422: "Session Interval Too Small", 423: "Interval Too Brief", 481: "Call/Transaction Does Not Exist",
    486: "Busy Here", 487: "Request Terminated", 491: "Request Pending", 503: "Service Unavailable",
}  # fmt: skip

_Headers = tuple[tuple[str, str], ...]
_CAPTURES: _Headers = (("via", "Via:"), ("from", "From:"), ("to", "To:"), ("cseq", "CSeq:"))


class Sipp:
    """One sipp that plays `scenario` once. A context manager."""

    def __init__(
        self,
        machine: Namespace,
        folder: Path,
        provider: Provider,
        scenario: str,
        transport: str = "udp",
        seconds: int = 20,
    ) -> None:
        self._folder = folder / scenario
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._folder / "scenario.xml"
        file.write_text(expand((FOLDER / f"{scenario}.xml").read_text()))
        self._machine = machine
        self._errors = self._folder / "errors.log"
        self._errors.unlink(missing_ok=True)
        host, port = provider.host, 5061 if transport == "tls" else 5060
        keys = {
            "via_protocol": transport.upper(),
            "here": f"{host}:{port}",
            "realm": host,
            "way": transport,
            "media_host": provider.address,
            "ip": "IP6" if ":" in provider.address else "IP4",
            "box": provider.contact,
            "caller": CALLER,
        }
        command = [
            "sipp",
            f"{SIPP_HOST}:{INNER_PORT}",
            "-sf",
            str(file),
            "-i",
            SIPP_HOST,
            "-p",
            str(SIPP_PORT),
            "-m",
            "1",
        ]
        command += [
            "-nostdin",
            "-timeout",
            f"{seconds}s",
            "-timeout_error",
            "-trace_err",
            "-error_file",
            str(self._errors),
        ]
        command += ["-trace_msg", "-message_file", str(self._folder / "messages.log"), "-max_retrans", "12"]
        for key, value in keys.items():
            command += ["-key", key, value]
        self._program = Program(f"sipp {scenario}", machine.command(*command), self._folder / "screen.log")

    def __enter__(self) -> "Sipp":
        return self

    def __exit__(self, *_: object) -> None:
        self._program.stop()

    def wait_until_it_listens(self) -> None:
        wait_until(self._listens, 5, "sipp to listen")

    def wait(self, seconds: float) -> str:
        """What sipp found wrong with the call; empty when everything came as the scenario says."""
        code = self._program.wait_for_exit(seconds)
        if code == 0:
            return ""
        text = self._errors.read_text(errors="replace") if self._errors.exists() else self._program.output()
        found = re.search(r"(?s)\d\t[\d.]+: (.*?)(?=\n\d{4}-|\Z)", text)
        return f"sipp exits with {code}: " + re.sub(r"\s+", " ", found.group(1) if found else text[-300:])[:300]

    def _listens(self) -> bool:
        self._program.require_running()
        with self._machine.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind((SIPP_HOST, SIPP_PORT))
            except OSError:
                return True
        return False


def expand(text: str) -> str:
    """The scenario as sipp reads it."""
    source = ElementTree.fromstring(text)
    writer = _Writer(calls=source.find("invite") is not None)
    lines = [writer.element(element) for element in source]
    names = ",".join(sorted(writer.variables))
    reference = f'<Reference variables="{names}"/>' if names else ""
    head = '<?xml version="1.0" encoding="ISO-8859-1"?>\n<!DOCTYPE scenario SYSTEM "sipp.dtd">\n'
    return f'{head}<scenario name="{source.get("name")}">\n' + "\n".join(lines) + f"\n{reference}\n</scenario>\n"


class _Writer:
    """Writes one scenario out; it remembers the sequence numbers."""

    def __init__(self, calls: bool) -> None:
        self.variables: set[str] = set()
        self._calls = calls
        self._sequence = 0
        self._invite = 0
        self._checks = 0
        self._bodies = 0

    def element(self, element: ElementTree.Element) -> str:
        attributes = dict(element.attrib)
        match element.tag:
            case "invited":
                return self._receive(element, {"request": "INVITE", "rrs": "true"}, _CAPTURES)
            case "asked":
                method = attributes.pop("method")
                captures: _Headers = (("via2", "Via:"), ("cseq2", "CSeq:")) if attributes.pop("kept", "") else ()
                return self._receive(element, {"request": method, **attributes}, captures)
            case "got":
                status = attributes.pop("status")
                dialog = self._calls and status == "200" and self._sequence == 1
                captures = (("remote", "To:"),) if dialog else ()
                routes = {"rrs": "true"} if status == "200" and self._invite == self._sequence else {}
                return self._receive(element, {"response": status, **routes, **attributes}, captures)
            case "answer":
                tag, which = attributes.get("tag", "a"), "2" if attributes.get("again") else ""
                heads = [f"Via:[$via{which}]", "From:[$from]", f"To:[$to];tag={tag}[call_number]", "Call-ID: [call_id]"]
                return self._respond(element, [*heads, f"CSeq:[$cseq{which}]"])
            case "reply":
                heads = [f"[last_{name}:]" for name in ("Via", "From", "To", "Call-ID", "CSeq")]
                if "tag" in attributes:
                    heads[2] += ";tag=r[call_number]"
                return self._respond(element, heads)
            case "invite":
                return self._ask(element, "INVITE", "[box]")
            case "ask":
                return self._ask(element, attributes["method"], attributes.get("uri", "[next_url]"))
            case "ack":
                # To a refusal it belongs to the INVITE's own transaction (RFC 3261 §17.1.1.3).
                return self._request(element, "ACK", self._invite, "[box]" if "refused" in attributes else "[next_url]",
                                     "i" if "refused" in attributes else "a")  # fmt: skip
            case "cancel":
                return self._request(element, "CANCEL", self._invite, "[box]", "i")
            case "send":
                written = "".join(f' {name}="{value}"' for name, value in attributes.items())
                return f"<send{written}><![CDATA[{element.text}]]></send>"
            case _:
                return ElementTree.tostring(element, encoding="unicode").strip()

    def _ask(self, element: ElementTree.Element, method: str, uri: str) -> str:
        self._sequence += 1
        if method == "INVITE":
            self._invite = self._sequence
        return self._request(element, method, self._sequence, uri, "i")

    def _request(self, element: ElementTree.Element, method: str, sequence: int, uri: str, mark: str) -> str:
        if self._calls:
            local, remote = "<sip:[caller]@[here]>;tag=c[call_number]", "[$remote]"
            if element.tag == "invite" or uri == "[box]":
                remote = "<[box]>" if element.tag in ("invite", "cancel") else "[last_To:]"
        else:
            local, remote = f"[$to];tag={element.get('tag', 'a')}[call_number]", "[$from]"
        to = remote if remote.startswith("[last") else f"To: {remote}"
        via = f"SIP/2.0/[via_protocol] [here];branch=z9hG4bK-[pid]-[call_number]-{mark}{sequence};rport"
        heads = [
            f"Via: {via}",
            f"From: {local}",
            to,
            "Call-ID: [call_id]",
            f"CSeq: {sequence} {method}",
            "Max-Forwards: 70",
        ]
        # A CANCEL's branch is the INVITE's; a message after an ACK gets one of its own.
        return self._send(element, f"{method} {uri} SIP/2.0", heads)

    def _respond(self, element: ElementTree.Element, heads: list[str]) -> str:
        status = int(element.get("status", "200"))
        return self._send(element, f"SIP/2.0 {status} {element.get('reason', REASONS.get(status, 'Status'))}", heads)

    def _send(self, element: ElementTree.Element, start: str, heads: list[str]) -> str:
        own = [line.strip() for line in (element.text or "").strip().splitlines()]
        if not any("contact:" in line.lower() for line in own):
            own.append("Contact: <sip:sipp@[here];transport=[way]>")
        self._bodies += 1
        body = _body(element.get("sdp"), self._bodies)
        if body:
            own.append("Content-Type: application/sdp")
        elif body := element.get("fragment", ""):
            own.append("Content-Type: message/sipfrag")
        text = "\n".join([start, *heads, *own, "Content-Length: [len]", *(["", body] if body else [""])])
        passed = "".join(
            f' {name}="{element.get(name)}"' for name in ("retrans", "next", "condexec") if element.get(name)
        )
        return f"<send{passed}><![CDATA[\n{text}\n]]></send>"

    def _receive(self, element: ElementTree.Element, attributes: dict[str, str], captures: _Headers) -> str:
        actions = [
            f'<ereg regexp=".*" search_in="hdr" header="{header}" assign_to="{name}"/>' for name, header in captures
        ]
        self.variables |= {name for name, _ in captures}
        for expected in element.findall("expect"):
            self._checks += 1
            name = f"check{self._checks}"
            self.variables.add(name)
            place = (
                f'search_in="hdr" header="{expected.get("header")}:"' if expected.get("header") else 'search_in="msg"'
            )
            wanted = "check_it_inverse" if expected.get("never") else "check_it"
            actions.append(f'<ereg regexp="{expected.get("regexp")}" {place} {wanted}="true" assign_to="{name}"/>')
        own = {
            **attributes,
            **{name: value for name, value in element.attrib.items() if name not in ("method", "status", "kept")},
        }
        written = "".join(f' {name}="{value}"' for name, value in own.items())
        return f"<recv{written}><action>{''.join(actions)}</action></recv>" if actions else f"<recv{written}/>"


def _body(direction: str | None, version: int) -> str:
    if direction is None:
        return ""
    host = "0.0.0.0" if direction == "hold-0" else "[media_host]"
    lines = ["v=0", f"o=sipp 1 {version} IN [ip] [media_host]", "s=-", f"c=IN [ip] {host}", "t=0 0"]
    if direction == "t38":
        return "\n".join([*lines, "m=image 6002 udptl t38", "a=T38FaxVersion:0"])
    lines += [f"m=audio {SOUND_PORT} RTP/AVP 0 101", "a=rtpmap:0 PCMU/8000", "a=rtpmap:101 telephone-event/8000"]
    return "\n".join([*lines, "a=sendrecv" if direction == "hold-0" else f"a={direction}"])

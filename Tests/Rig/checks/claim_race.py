"""claim-race: nobody claims a box without its token, and of two with it exactly one does."""

import json
import random
import socket
import sqlite3
import string
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from ..box import WEB_PORT, Box, binary
from ..carrier import Account
from ..deadlines import RigError, wait_until
from ..figures import Report
from ..namespaces import Network
from ..programs import Program
from .check import Check, Fault, broken_by

CLAIMS = 100_000
OF_ONE_TOKEN = 10
"""After so many wrong ones a token is burnt, and nothing is compared any more."""
RACES = 100
MET_GOAL = 0.9
SEED = 20261126
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
SHUT = [f"tcp {WEB_PORT}"]


def run(report: Report, fault: Fault | None) -> None:
    with tempfile.TemporaryDirectory(prefix="sipcall-claim-") as name, Network() as network:
        folder = Path(name)
        box = Box(network.box, folder, Account())
        box.is_claimed = False
        with box:
            storm = _storm(box, CLAIMS if fault is None else CLAIMS // 100, fault)
            made = storm.claims
            samples = f"{made} claims: {', '.join(f'{count} {kind}' for kind, count in sorted(storm.kinds.items()))}"
            report.equal("claimed-without-the-token", storm.answers[200], 0, samples)
            report.equal("met-a-live-token", storm.answers[403], made, f"{storm.tokens} tokens, {OF_ONE_TOKEN} claims each")
            others = {code: count for code, count in storm.answers.items() if code not in (200, 403)}
            report.equal("other-answers", others, {}, "none is expected: 410 is a token that was burnt before")
            report.equal("refused-unlooked-at-when-burnt", storm.burnt, storm.tokens, "the right token, after ten wrong ones: 410")
            report.equal("ports-open-afterwards", box.open_ports(), SHUT, "neither SIP nor media")
        races = _races(network, folder / "races", RACES if fault is None else 3, fault)
        report.equal("races-with-exactly-one-winner", races.right, races.count, f"{races.count} boxes, two claims with the token at once")
        report.equal("accounts-of-the-winner", races.owners, races.count, "the one account there is, with the winner's name, an owner")
        report.at_least(
            "races-that-met", races.met / races.count, MET_GOAL, "of all",
            f"{races.met} of {races.count}: the loser had the right token too, and came to the transaction",
        )  # fmt: skip


# MARK: - Without the token


@dataclass
class Storm:
    claims: int = 0
    tokens: int = 0
    burnt: int = 0
    answers: Counter[int] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)


def _storm(box: Box, claims: int, fault: Fault | None) -> Storm:
    chance = random.Random(SEED)
    page, operator = Line(box.connect()), Line(_operator(box))
    storm, former = Storm(), "0000-0000"
    while storm.claims < claims:
        if storm.tokens == 0 or not broken_by(fault, "not-renewed"):
            token = _new_token(operator)
            storm.tokens += 1
        guesses = [_guess(chance, token, former, storm.claims + number) for number in range(OF_ONE_TOKEN)]
        if broken_by(fault, "told") and storm.claims == 0:
            guesses[3] = ("random", token)
        for kind, _ in guesses:
            storm.kinds[kind] += 1
        answers = page.ask([_claim(guess) for _, guess in guesses])
        storm.answers.update(code for code, _ in answers)
        storm.claims += len(answers)
        # Even the right one is of no use then.
        storm.burnt += page.ask([_claim(token)])[0][0] == 410
        if storm.answers[200]:
            break
        former = token
    return storm


def _guess(chance: random.Random, token: str, former: str, number: int) -> tuple[str, str]:
    """What somebody might give who knows all but the token: its form, its neighbours, those before it."""
    place = chance.randrange(len(token))
    while token[place] == "-":
        place = chance.randrange(len(token))
    other = chance.choice([letter for letter in ALPHABET if letter != token[place]])
    tail = "".join(chance.choices(ALPHABET, k=8))
    kinds = {
        "random": "-".join("".join(chance.choices(ALPHABET, k=4)) for _ in range(7)),
        "one letter off": token[:place] + other + token[place + 1 :],
        "cut short": token[: chance.randrange(1, len(token) - 1)].rstrip("-"),
        "too long": token + tail,
        "the one before": former,
        "junk": "".join(chance.choices(string.printable, k=chance.randrange(0, 200))) + str(number),
    }
    names = list(kinds)
    kind = names[number % len(names)]
    return kind, kinds[kind]


def _new_token(operator: "Line") -> str:
    ((code, body),) = operator.ask([_request("POST", "/api/v1/setup/token", b"{}")])
    if code != 200:
        raise RigError(f"the box gives no token: {code} {body[:200]!r}")
    return str(json.loads(body)["token"])


# MARK: - With it, two at once


@dataclass
class Races:
    count: int
    right: int = 0
    owners: int = 0
    met: int = 0


def _races(network: Network, folder: Path, count: int, fault: Fault | None) -> Races:
    folder.mkdir()
    box = Box(network.box, folder, Account())
    box.state.mkdir()
    configuration = box.write_configuration()
    races = Races(count)
    for _ in range(count):
        outcomes = _race(box, folder, configuration, fault)
        codes = sorted(outcome.code for outcome in outcomes)
        races.right += codes == [200, 409]
        winners = [outcome.name for outcome in outcomes if outcome.code == 200]
        races.owners += [(name, "owner") for name in winners] == _accounts(box)
        if codes == [200, 409]:
            winner, loser = sorted(outcomes, key=lambda outcome: outcome.code)
            # A password's hash takes its time: whoever was late before that is refused at once.
            races.met += loser.seconds > winner.seconds / 2
    return races


@dataclass
class Outcome:
    name: str
    code: int = 0
    seconds: float = 0


def _race(box: Box, folder: Path, configuration: Path, fault: Fault | None) -> list[Outcome]:
    outcomes = [Outcome("left"), Outcome("right")]
    web = _new_web(box, folder, configuration)
    try:
        lines = [Line(box.connect()) for _ in outcomes]
        token = box.setup_link().split("#setup=")[1]
        start = threading.Barrier(len(outcomes))
        if broken_by(fault, "one-after-the-other") or broken_by(fault, "forgotten"):
            _come(lines[0], outcomes[0], token, threading.Barrier(1))
            if broken_by(fault, "forgotten"):
                web.stop()
                web = _new_web(box, folder, configuration)
                lines[1], token = Line(box.connect()), box.setup_link().split("#setup=")[1]
            _come(lines[1], outcomes[1], token, threading.Barrier(1))
        else:
            threads = [
                threading.Thread(target=_come, args=(line, outcome, token, start))
                for line, outcome in zip(lines, outcomes, strict=True)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    finally:
        web.stop()
    return outcomes


def _new_web(box: Box, folder: Path, configuration: Path) -> Program:
    """A web process on a box without accounts; the core has no part in who wins."""
    for name in ("accounts.sqlite", "accounts.sqlite-wal", "accounts.sqlite-shm", "setup-token"):
        (box.state / "web" / name).unlink(missing_ok=True)
    command = [str(binary()), "web", "--state", str(box.state), "--config", str(configuration)]
    web = Program("sipcall web", box.page_machine.command(*command), folder / "web.log")
    web.wait_for_output(r"waits to be claimed", 30)
    wait_until(lambda: _connects(box), 10, "the page to be served")
    return web


def _connects(box: Box) -> bool:
    try:
        box.connect().close()
    except OSError:
        return False
    return True


def _come(line: "Line", outcome: Outcome, token: str, start: threading.Barrier) -> None:
    request = _claim(token, outcome.name)
    start.wait()
    began = time.monotonic()
    ((outcome.code, _),) = line.ask([request])
    outcome.seconds = time.monotonic() - began


def _accounts(box: Box) -> list[tuple[str, str]]:
    with sqlite3.connect(box.state / "web" / "accounts.sqlite") as database:
        return list(database.execute("SELECT name, role FROM account"))


# MARK: - HTTP


class Line:
    """One connection; requests go out together, and their answers come in order (RFC 9112 §9.3.2)."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._stream = connection.makefile("rb")
        connection.settimeout(60)

    def ask(self, requests: list[bytes]) -> list[tuple[int, bytes]]:
        """Codes and bodies."""
        self._connection.sendall(b"".join(requests))
        return [self._answer() for _ in requests]

    def _answer(self) -> tuple[int, bytes]:
        first = self._stream.readline().split()
        if len(first) < 2:
            raise RigError("the box closed the connection instead of answering")
        length = 0
        while (header := self._stream.readline().strip()) != b"":
            name, _, value = header.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return int(first[1]), self._stream.read(length)


def _request(method: str, path: str, body: bytes) -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _claim(token: str, name: str = "thief") -> bytes:
    body = {"token": token, "name": name, "display_name": "", "password": "correct horse battery"}
    return _request("POST", "/api/v1/setup/claim", json.dumps(body).encode())


def _operator(box: Box) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(str(box.state / "run" / "operator.sock"))
    return connection


CHECK = Check(
    "claim-race",
    "100,000 claims without the token: none succeeds; two at the same moment with it: exactly one.",
    run,
    (
        Fault("told", "The attacker is told the token.", ("claimed-without-the-token",)),
        Fault("not-renewed", "Nobody makes a new token when one is burnt: hardly any claim is compared.", ("met-a-live-token",)),
        Fault("one-after-the-other", "The second comes when the first is done.", ("races-that-met",)),
        Fault("forgotten", "Between the two the box loses its accounts.", ("races-with-exactly-one-winner",)),
    ),
)

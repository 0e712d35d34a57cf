"""Mistakes on the command line and in sipcall.toml: a sentence that says where and what to do, and the exit code."""

import json
import os
import queue
import signal
import socket
import subprocess
import tarfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from Rig.box import PASSWORD, Box, binary
from Rig.carrier import Account
from Rig.deadlines import wait_until
from Rig.namespaces import Network
from Rig.phone_socket import OFFER, PhoneSocket
from Rig.rig import Rig, open_rig

USAGE, CONFIGURATION = 2, 78


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    with Network() as network:
        yield network


def _run(network: Network, *arguments: str) -> subprocess.CompletedProcess[str]:
    # A box that waits to be claimed opens no port.
    claimed = {**os.environ, "SIPCALL_ADMIN_PASSWORD": PASSWORD}
    return subprocess.run(
        network.box.command(str(binary()), *arguments), capture_output=True, text=True, timeout=15, check=False,
        env=claimed,
    )  # fmt: skip


def _run_with(network: Network, folder: Path, old: str, new: str) -> tuple[subprocess.CompletedProcess[str], int]:
    """Runs the box with one line of its configuration changed; also the number of that line."""
    box = Box(network.box, folder, Account())
    box.state.mkdir()
    path = box.write_configuration()
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    line = text[: text.index(old)].count("\n") + 1
    return _run(network, "run", "--state", str(box.state), "--config", str(path)), line


@pytest.mark.parametrize("arguments", [("frobnicate",), ("run", "--state"), ("run", "--no-such-option")])
def test_a_wrong_command_line_exits_with_2(network: Network, arguments: tuple[str, ...]) -> None:
    done = _run(network, *arguments)
    assert done.returncode == USAGE, done.stderr
    assert done.stderr.strip()


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('["0.0.0.0:5060", ', '["0.0.0.0:99999", ', "listen"),
        ('listen = "0.0.0.0:3478"', 'listen = "somewhere"', "listen"),
        ('ports = "20000-20999"', 'ports = "20999-20000"', "ports"),
        ("expires = 300", 'expires = "soon"', "expires"),
        ('codecs = ["pcmu", "pcma"]', 'codecs = ["mp3"]', "codecs"),
        ('user = "trunk1"', "", "user"),
    ],
)
def test_a_bad_value_is_named_with_file_line_and_key(
    network: Network, tmp_path: Path, old: str, new: str, key: str
) -> None:
    done, line = _run_with(network, tmp_path, old, new)
    assert done.returncode == CONFIGURATION, done.stderr
    assert "sipcall.toml" in done.stderr
    assert key in done.stderr
    if new:
        assert f":{line}" in done.stderr or f"line {line}" in done.stderr, done.stderr


def test_broken_toml_is_named_with_file_and_line(network: Network, tmp_path: Path) -> None:
    done, line = _run_with(network, tmp_path, "expires = 300", "expires = = 300")
    assert done.returncode == CONFIGURATION, done.stderr
    assert "sipcall.toml" in done.stderr and str(line) in done.stderr


def test_a_missing_configuration_file_is_named(network: Network, tmp_path: Path) -> None:
    done = _run(network, "run", "--state", str(tmp_path), "--config", str(tmp_path / "absent.toml"))
    assert done.returncode in (USAGE, CONFIGURATION), done.stderr
    assert "absent.toml" in done.stderr


@pytest.mark.parametrize(("kind", "port"), [("udp", 5060), ("udp", 3478), ("tcp", 8080)])
def test_a_port_in_use_is_named(network: Network, tmp_path: Path, kind: str, port: int) -> None:
    with network.box.entered():
        holder = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
    with holder:
        holder.bind(("0.0.0.0" if kind == "udp" else "127.0.0.1", port))
        if kind == "tcp":
            holder.listen()
        done, _ = _run_with(network, tmp_path, "expires = 300", "expires = 299")
    assert done.returncode == CONFIGURATION, done.stderr
    assert str(port) in done.stderr


# The operator's commands, against a box that runs.


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with open_rig() as rig:
        yield rig


def _command(rig: Rig, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(binary()), arguments[0], "--state", str(rig.box.state), *arguments[1:]]
    return subprocess.run(
        rig.network.box.command(*command), capture_output=True, text=True, timeout=30, check=False
    )


@contextmanager
def _running(rig: Rig, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [str(binary()), arguments[0], "--state", str(rig.box.state), *arguments[1:]]
    with subprocess.Popen(
        rig.network.box.command(*command), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


class _Lines:
    """The lines that a program prints, each waited for with a deadline."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self._source = process.stdout
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self._source:
            self._lines.put(line.rstrip("\n"))

    def next(self, seconds: float = 5) -> str:
        return self._lines.get(timeout=seconds)

    def event(self, kind: str, seconds: float = 5) -> dict[str, Any]:
        """The next event of this kind; others are passed over."""
        end = time.monotonic() + seconds
        while True:
            event: dict[str, Any] = json.loads(self.next(max(0.01, end - time.monotonic())))
            if event["kind"] == kind:
                return event


def test_status_shows_a_call_without_its_number(rig: Rig) -> None:
    assert _command(rig, "status").stdout.startswith("Everything works.\n")
    with PhoneSocket(rig.box) as phone:
        call = phone.start_call(rig.account.answers)
        phone.wait_for("call.state", 5, call=call, state="active")
        shown = _command(rig, "status").stdout
        assert call in shown and "talking" in shown and "1 page connected" in shown
        assert rig.account.answers not in shown
        told = json.loads(_command(rig, "status", "--json").stdout)
        phone.request("call.end", call=call)
    assert told["verdict"] == "works"
    assert told["list"][0]["call"] == call and told["list"][0]["talkSeconds"] >= 0
    assert {report["part"] for report in told["processes"]} == {"core", "web"}


def test_events_tell_a_calls_story(rig: Rig) -> None:
    with _running(rig, "events", "--kind", "call.*") as process, PhoneSocket(rig.box) as phone:
        lines = _Lines(process)
        time.sleep(0.5)
        call = phone.start_call(rig.account.answers)
        created = lines.event("call.created")
        assert created["call"] == call and created["direction"] == "outbound" and "far" not in created
        assert lines.event("call.answered")["codec"] in ("pcmu", "pcma")
        phone.request("call.end", call=call)
        ended = lines.event("call.ended")
        assert ended["code"] == "call.hung-up-here" and ended["talkMilliseconds"] >= 0
        assert lines.event("call.sound")["sound"]["packetsIn"] >= 0
    told = _first_lines(rig, 3, "events", "--since-start", "--numbers", "--call", call, "--kind", "call.*")
    assert [event["kind"] for event in told] == ["call.created", "call.dialling", told[2]["kind"]]
    assert told[0]["far"] == rig.account.answers


def _first_lines(rig: Rig, count: int, *arguments: str) -> list[dict[str, Any]]:
    with _running(rig, *arguments) as process:
        lines = _Lines(process)
        return [json.loads(lines.next()) for _ in range(count)]


def test_events_end_quietly_when_nobody_reads(rig: Rig) -> None:
    with _running(rig, "events") as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        with PhoneSocket(rig.box):
            assert process.wait(5) == 0
        assert process.stderr.read() == ""


def test_a_call_from_the_terminal_rings_here_first(rig: Rig) -> None:
    rig.answers.forget_events()
    with PhoneSocket(rig.box) as phone, _running(rig, "call", rig.account.answers) as process:
        lines = _Lines(process)
        assert lines.next().startswith("Ringing here")
        incoming = phone.wait_for("call.incoming", 3)
        call = incoming["call"]
        assert incoming["to"] == rig.account.answers
        phone.request("call.offer", call=call, sdp=OFFER)
        phone.request("call.answer", call=call)
        assert lines.next() == "Dialling."
        phone.wait_for("call.state", 5, call=call, state="active")
        rig.answers.wait_for("CALL_ESTABLISHED", 3)
        while not lines.next().startswith("Answered"):
            pass
        process.send_signal(signal.SIGINT)
        assert lines.next().startswith("Ended: You hung up.")
        assert process.wait(5) == 0
        rig.answers.wait_for("CALL_CLOSED", 2)


def test_a_call_from_the_terminal_says_why_it_failed(rig: Rig) -> None:
    with PhoneSocket(rig.box) as phone, _running(rig, "call", rig.account.busy) as process:
        call = phone.wait_for("call.incoming", 3)["call"]
        phone.request("call.offer", call=call, sdp=OFFER)
        phone.request("call.answer", call=call)
        assert process.wait(10) == 1
        assert process.stderr is not None and "call.busy" in process.stderr.read()
    wait_until(lambda: rig.box.status()["pages"] == 0, 3, "the page to be gone")
    alone = _command(rig, "call", rig.account.answers)
    assert alone.returncode == 1 and "call.no-page-open" in alone.stderr


def test_the_doctor_finds_nothing_wrong(rig: Rig, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.tar.gz"
    done = _command(rig, "doctor", "--json", "--bundle", str(bundle))
    report = json.loads(done.stdout)
    verdicts = {check["check"]: check["verdict"] for check in report["checks"]}
    sound = ["settings", "core", "web", "keys", "page", "port-sip", "port-sip-tcp", "port-media", "port-web"]
    sound += ["name", "registration", "options"]
    assert [verdicts[name] for name in sound] == ["ok"] * len(sound), report
    assert done.returncode == 0, report
    with tarfile.open(bundle) as archive:
        files = {member.name: archive.extractfile(member) for member in archive.getmembers()}
        texts = {name: file.read().decode() for name, file in files.items() if file is not None}
    assert {"doctor.json", "status.json", "sipcall.toml", "versions.txt"} <= texts.keys()
    everything = "\n".join(texts.values())
    assert rig.account.password not in everything and "trunk1" not in everything
    assert rig.account.number.lstrip("+") not in everything
    assert bundle.stat().st_mode & 0o077 == 0


def test_the_doctor_names_a_silent_provider(rig: Rig) -> None:
    rig.network.carrier.drop("udp dport 5060")
    try:
        done = _command(rig, "doctor", "--json")
    finally:
        rig.network.carrier.undrop()
    checks = {check["check"]: check for check in json.loads(done.stdout)["checks"]}
    assert checks["options"]["verdict"] == "fault" and checks["options"]["remedy"]
    assert done.returncode == 1


def test_without_a_box_the_commands_say_so(network: Network, tmp_path: Path) -> None:
    for arguments in (("status",), ("events",), ("call", "*43")):
        done = _run(network, arguments[0], "--state", str(tmp_path), *arguments[1:])
        assert done.returncode == 1 and "status.not-running" in done.stderr
    done = _run(network, "doctor", "--state", str(tmp_path), "--json")
    assert done.returncode == 1
    core = next(check for check in json.loads(done.stdout)["checks"] if check["check"] == "core")
    assert core["verdict"] == "fault"

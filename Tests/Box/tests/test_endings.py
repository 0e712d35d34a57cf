"""Ends and beginnings that something holds up: many calls, or a disk that does not answer."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from Box import silence
from Box.checks.long_life import forward
from Box.installed_box import InstalledBox
from Box.journal import JournalMark
from Box.machine import Machine
from Rig.benches.many_calls import sipp
from Rig.capture import Capture
from Rig.carrier import Account
from Rig.deadlines import wait_until
from Rig.namespaces import BOX_ADDRESS, Network
from Rig.programs import Program

CALLS = 150
END_SECONDS = 2.0


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    with Network() as network:
        yield network


@pytest.fixture(scope="module")
def box(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InstalledBox]:
    """A box that passes each call on: both legs are the provider's."""
    folder = tmp_path_factory.mktemp("box")
    with sipp(network.carrier, folder, "bench-answers", 5060), InstalledBox(network, folder, Account()) as box:
        forward(box)
        yield box


@pytest.fixture
def machine(box: InstalledBox) -> Iterator[Machine]:
    silence.prepare(box.systemd, "core")
    yield box.systemd
    silence.forget(box.systemd, "core")
    box.systemd.run("systemctl", "restart", "sipcall-core")
    box.wait_until_serving(20)


def start(box: InstalledBox) -> None:
    box.systemd.run("systemctl", "restart", "sipcall-core")
    box.wait_until_serving(20)
    box.wait_for_trunk()


def callers(network: Network, folder: Path, calls: int) -> Program:
    return sipp(
        network.carrier, folder, "bench-stays", 5066, f"{BOX_ADDRESS}:5060", ["-m", str(calls), "-r", "50"]
    )  # fmt: skip


def stop(machine: Machine) -> float:
    """The seconds that SIGTERM takes."""
    began = time.monotonic()
    machine.run("systemctl", "stop", "sipcall-core")
    seconds = time.monotonic() - began
    assert machine.show("sipcall-core", "Result") == "success"
    return seconds


def test_a_stop_with_many_calls_says_bye_to_all_and_ends_within_2_seconds(
    network: Network, box: InstalledBox, machine: Machine, tmp_path: Path
) -> None:
    start(box)
    with callers(network, tmp_path, CALLS) as calling, Capture(network.carrier) as capture:
        wait_until(lambda: box.status()["calls"] == CALLS, 30, f"{CALLS} calls to run")
        seconds = stop(machine)
        # 0: each of them was hung up on, and answered that.
        assert calling.wait_for_exit(10) == 0
    sent = [packet.payload for packet in capture.datagrams if packet.source[0] == BOX_ADDRESS]
    ended = {_call(payload) for payload in sent if payload.startswith(b"BYE ")}
    print(f"stopping with {CALLS} calls took {seconds:.2f} s; {len(ended)} dialogs were ended")
    assert len(ended) == 2 * CALLS
    assert seconds <= END_SECONDS


def test_a_stop_does_not_wait_for_a_disk_that_does_not_answer(
    network: Network, box: InstalledBox, machine: Machine, tmp_path: Path
) -> None:
    start(box)
    with callers(network, tmp_path, 20) as calling:
        wait_until(lambda: box.status()["calls"] == 20, 20, "20 calls to run")
        mark = JournalMark(machine)
        with silence.silent(machine):
            seconds = stop(machine)
            assert calling.wait_for_exit(10) == 0
        said = mark.lines("--unit=sipcall-core")
    print(f"stopping with 20 calls and a silent disk took {seconds:.2f} s")
    assert any("The end is not waited for any longer" in line for line in said), said
    # Not earlier than the limit of the program's own, nor much later.
    assert 1.5 <= seconds <= END_SECONDS + 0.3


def test_a_disk_that_does_not_answer_keeps_no_core_from_serving_and_is_named_in_the_status(
    network: Network, box: InstalledBox, machine: Machine, tmp_path: Path
) -> None:
    machine.run("systemctl", "stop", "sipcall-core")
    with silence.silent(machine):
        began = time.monotonic()
        machine.run("systemctl", "start", "sipcall-core")
        seconds = time.monotonic() - began
        text = machine.show("sipcall-core", "StatusText")
        print(f"ready after {seconds:.2f} s on a silent disk: {text}")
        assert "the disk has not answered yet: records of calls wait in memory" in text
        # Readiness waits 4 s for it.
        assert 3.5 <= seconds <= 6
        box.wait_for_trunk()
        with callers(network, tmp_path, 5) as calling:
            wait_until(lambda: box.status()["calls"] == 5, 10, "5 calls to run on a silent disk")
            calling.stop()
    wait_until(
        lambda: "has not answered" not in machine.show("sipcall-core", "StatusText"), 30, "the status to be well again"
    )
    assert machine.is_active("sipcall-core") and machine.show("sipcall-core", "NRestarts") == "0"


def _call(payload: bytes) -> bytes:
    return next((line for line in payload.split(b"\r\n") if line.lower().startswith(b"call-id:")), b"")

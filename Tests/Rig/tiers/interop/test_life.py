"""The core's life: other settings, no new calls, another address, no network, all without touching a call."""

import contextlib
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from Rig.box import Box, binary
from Rig.capture import Capture
from Rig.carrier import Account, Carrier
from Rig.deadlines import wait_until
from Rig.namespaces import BOX_ADDRESS, CARRIER_ADDRESS, Namespace, Network
from Rig.phone_socket import PhoneSocket
from Rig.rig import open_rig

OTHER_ADDRESS = "10.9.0.77"
CONFIGURATION = 78


def _ip(machine: Namespace, *arguments: str) -> None:
    subprocess.run(["ip", "-n", machine.name, *arguments], check=True)


def _sipcall(box: Box, machine: Namespace, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = machine.command(str(binary()), *arguments, "--state", str(box.state))
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)


def _registers(capture: Capture, source: str) -> list[float]:
    return [
        packet.time
        for packet in capture.datagrams
        if packet.payload.startswith(b"REGISTER") and packet.source[0] == source
    ]


def test_another_address_is_registered_within_a_second_and_the_call_goes_on() -> None:
    with open_rig() as rig, PhoneSocket(rig.box) as phone, Capture(rig.network.carrier) as capture:
        call = phone.start_call(rig.account.answers)
        phone.wait_for("call.state", 5, call=call, state="active")
        machine = rig.network.box
        _ip(machine, "address", "delete", f"{BOX_ADDRESS}/24", "dev", "eth0")
        wait_until(lambda: rig.box.status()["trunk"]["state"] == "failed", 3, "the lost route to be said")
        assert "no-route" in rig.box.log_text()
        began = time.time()
        _ip(machine, "address", "add", f"{OTHER_ADDRESS}/24", "dev", "eth0")
        wait_until(lambda: bool(_registers(capture, OTHER_ADDRESS)), 5, "a REGISTER from the new address")
        seconds = _registers(capture, OTHER_ADDRESS)[0] - began
        rig.box.wait_for_trunk("registered", 3)
        print(f"registered from the new address after {seconds:.2f} s")
        assert seconds <= 1
        assert rig.box.status()["calls"] == 1


def test_without_a_network_the_box_starts_says_so_and_registers_when_there_is_one(tmp_path) -> None:
    account = Account()
    with Network() as network, Carrier(network.carrier, tmp_path, account):
        _ip(network.box, "link", "set", "eth0", "down")
        with Box(network.box, tmp_path, account) as box, Capture(network.carrier) as capture:
            wait_until(lambda: box.status()["trunk"]["state"] == "failed", 5, "the missing route to be said")
            assert box.status()["trunk"]["problem"]["code"] == "trunk.no-route"
            began = time.time()
            _ip(network.box, "link", "set", "eth0", "up")
            _ip(network.box, "route", "add", "default", "via", CARRIER_ADDRESS)
            wait_until(lambda: bool(_registers(capture, BOX_ADDRESS)), 5, "a REGISTER")
            seconds = _registers(capture, BOX_ADDRESS)[0] - began
            box.wait_for_trunk("registered", 5)
            print(f"registered {seconds:.2f} s after the network came")
            assert seconds <= 2


def test_other_settings_hold_without_touching_a_call_and_broken_ones_are_refused() -> None:
    with open_rig() as rig, PhoneSocket(rig.box) as phone:
        machine = rig.network.box
        call = phone.start_call(rig.account.answers)
        phone.wait_for("call.state", 5, call=call, state="active")
        path = rig.box.state / "sipcall.toml"
        good = path.read_text()

        with Capture(rig.network.carrier) as capture:
            done = _sipcall(rig.box, machine, "reload")
            assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
            time.sleep(0.5)
            assert not _registers(capture, BOX_ADDRESS), "nothing has changed"

        path.write_text(good.replace("expires = 300", "expires = = 300"))
        done = _sipcall(rig.box, machine, "reload")
        assert done.returncode == CONFIGURATION
        line = good[: good.index("expires = 300")].count("\n") + 1
        assert f"sipcall.toml:{line}" in done.stderr
        assert f"sipcall.toml:{line}" in rig.box.log_text()
        assert rig.box.status()["trunk"]["state"] == "registered"

        path.write_text(good.replace(f'"{rig.account.password}"', '"not the password"').replace("0:5060", "0:5070", 1))
        done = _sipcall(rig.box, machine, "reload")
        assert done.returncode == 0
        assert "sip.listen" in done.stderr and "restart" in done.stderr
        rig.box.wait_for_trunk("failed")
        path.write_text(good)
        assert _sipcall(rig.box, machine, "reload").returncode == 0
        rig.box.wait_for_trunk("registered")
        assert rig.box.status()["calls"] == 1


@pytest.mark.parametrize("is_silent", [False, True], ids=["provider-answers", "provider-silent"])
def test_sigterm_says_bye_to_every_call_and_the_core_is_gone_within_two_seconds(is_silent: bool) -> None:
    with open_rig() as rig, Capture(rig.network.box) as capture, contextlib.ExitStack() as pages:
        phones = [pages.enter_context(PhoneSocket(rig.box)) for _ in range(3)]
        for phone in phones:
            call = phone.start_call(rig.account.answers)
            phone.wait_for("call.state", 5, call=call, state="active")
        core = rig.box.core()
        if is_silent:
            rig.network.carrier.drop("udp dport 5060")
        began = time.monotonic()
        rig.box.signal_core(signal.SIGTERM)
        wait_until(lambda: not Path(f"/proc/{core}/stat").exists(), 5, "the end of the core", pause=0.01)
        seconds = time.monotonic() - began
        print(f"gone after {seconds:.2f} s")
        assert seconds < 2
        byes = {
            re.search(rb"^(?:Call-ID|i):[ \t]*(\S+)", packet.payload, re.MULTILINE | re.IGNORECASE)[1]
            for packet in capture.datagrams
            if packet.payload.startswith(b"BYE") and packet.source[0] == BOX_ADDRESS
        }
        assert len(byes) == len(phones)


def test_a_drained_box_waits_for_its_calls_and_takes_no_new_ones() -> None:
    with open_rig() as rig, PhoneSocket(rig.box) as phone:
        machine = rig.network.box
        call = phone.start_call(rig.account.answers)
        phone.wait_for("call.state", 5, call=call, state="active")
        done = _sipcall(rig.box, machine, "drain", "--timeout", "1")
        assert done.returncode == 1 and "1 call left" in done.stdout and "1." in done.stderr
        assert rig.box.status_by_command()["draining"]
        waiting = subprocess.Popen(
            machine.command(str(binary()), "drain", "--state", str(rig.box.state)), stdout=subprocess.PIPE, text=True
        )
        time.sleep(0.5)
        assert waiting.poll() is None
        phone.request("call.end", call=call)
        assert waiting.wait(5) == 0
        assert _sipcall(rig.box, machine, "drain", "--cancel").returncode == 0
        assert not rig.box.status_by_command()["draining"]


@pytest.mark.skipif("release" in str(binary()), reason="a release build has no faults on purpose")
@pytest.mark.parametrize(("part", "name"), [("sip", "SIP transport"), ("media", "media loop"), ("switchboard",) * 2])
def test_a_hung_part_is_named(part: str, name: str, tmp_path) -> None:
    account = Account()
    with Network() as network, Box(network.box, tmp_path, account) as box:
        assert _sipcall(box, network.box, "fault", part).returncode == 0
        wait_until(lambda: f"The {name} has not answered" in box.log_text(), 15, "the hung part to be named")
        assert "watchdog.part-hung" in box.log_text()

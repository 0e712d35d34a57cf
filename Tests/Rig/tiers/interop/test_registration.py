"""The box registers with Kamailio (RFC 3261 §10, RFC 8760 digests), keeps the registration fresh, and takes it back."""

import os
import signal

import pytest

from Rig.box import SIP_PORT
from Rig.capture import Capture
from Rig.carrier import Account
from Rig.deadlines import wait_until
from Rig.namespaces import BOX_ADDRESS
from Rig.rig import Rig, open_rig
from Rig.sip_ping import wait_for_options_reply


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_registers_with_digest(algorithm: str) -> None:
    with open_rig(account=Account(algorithm=algorithm)) as rig:
        assert "registered trunk1" in rig.carrier.program.output()


def test_a_wrong_password_is_tried_twice_at_most_and_said_plainly() -> None:
    with open_rig(trunk_password="not the password", registered=False) as rig:
        with Capture(rig.network.box) as capture:
            rig.box.wait_for_trunk("failed")
        assert rig.box.status()["trunk"]["problem"]["code"].endswith("password-wrong")
        assert "password-wrong" in rig.box.log_text()
        assert "not the password" not in rig.box.log_text()
        assert sum(1 for packet in capture.datagrams if packet.payload.startswith(b"REGISTER")) <= 3


def test_a_registration_is_refreshed_before_it_expires() -> None:
    with open_rig(account=Account(granted=15)) as rig, Capture(rig.network.carrier) as capture:

        def refreshed() -> bool:
            return any(packet.payload.startswith(b"REGISTER") for packet in capture.datagrams)

        wait_until(refreshed, 15, "another REGISTER within the 15 s that were granted")
        rig.box.wait_for_trunk("registered", 2)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_box_ends_cleanly_and_takes_its_registration_back(number: signal.Signals) -> None:
    with open_rig() as rig, Capture(rig.network.carrier) as capture:
        processes = rig.box.processes()
        assert len(processes) >= 3, f"run, core and web, but there are only {processes}"
        os.kill(rig.box.program.pid, number)
        assert rig.box.program.wait_for_exit(10) == 0
        registers = [packet.payload for packet in capture.datagrams if packet.payload.startswith(b"REGISTER")]
        assert registers, "no REGISTER was sent at the end"
        assert b"expires=0" in registers[-1].lower() or b"expires: 0" in registers[-1].lower()


def test_the_box_answers_options(rig: Rig) -> None:
    wait_for_options_reply(rig.network.carrier, (BOX_ADDRESS, SIP_PORT), 3, rig.box.program.require_running)

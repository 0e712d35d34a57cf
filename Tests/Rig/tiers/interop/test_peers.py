"""The rig itself, without the box: the peers find each other, and tones are heard where they should be."""

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from Rig.baresip import Baresip
from Rig.burst import burst, heard_milliseconds
from Rig.capture import Capture
from Rig.carrier import Account, Carrier
from Rig.deadlines import DeadlinePassed, wait_until
from Rig.namespaces import Network
from Rig.tone import dominant_tone, middle_tone, sine, write_wave


@dataclass
class Peers:
    network: Network
    account: Account
    caller: Baresip
    callee: Baresip


@pytest.fixture(scope="module")
def peers() -> Iterator[Peers]:
    with tempfile.TemporaryDirectory() as name, Network() as network:
        folder, account = Path(name), Account()
        far = write_wave(folder / "1000.wav", sine(1000, 30, 8000), 8000)
        near = write_wave(folder / "440.wav", sine(440, 30, 8000), 8000)
        with (
            Carrier(network.carrier, folder, account),
            Baresip(network.carrier, folder, "answers", 5080, far) as callee,
            Baresip(network.carrier, folder, "rings", 5090, near, answers=False) as caller,
        ):
            yield Peers(network, account, caller, callee)


def _uri(number: str) -> str:
    return f"sip:{number}@10.9.0.2:5060"


def test_both_telephones_hear_each_other(peers: Peers) -> None:
    with Capture(peers.network.carrier) as capture:
        peers.caller.dial(_uri(peers.account.answers))
        peers.callee.wait_for("CALL_ESTABLISHED", 5)
        time.sleep(2)
        peers.caller.hang_up()
        peers.callee.wait_for("CALL_CLOSED", 5)
    at_callee = middle_tone(wait_until(peers.callee.recording, 3, "a recording"))
    at_caller = middle_tone(wait_until(peers.caller.recording, 3, "a recording"))
    assert abs(at_callee.hertz - 440) < 5 and at_callee.purity > 0.99
    assert abs(at_caller.hertz - 1000) < 5 and at_caller.purity > 0.99
    assert sum(1 for packet in capture.datagrams if packet.loudness > 5000) > 100


def test_numbers_behave_as_the_account_says(peers: Peers) -> None:
    peers.callee.forget_events()
    peers.callee.dial(_uri(peers.account.busy))
    assert "486" in peers.callee.wait_for("CALL_CLOSED", 5).parameter
    peers.callee.dial(_uri(peers.account.unknown))
    assert "404" in peers.callee.wait_for("CALL_CLOSED", 5).parameter
    peers.caller.forget_events()
    peers.callee.dial(_uri(peers.account.rings))
    peers.caller.wait_for("CALL_INCOMING", 5)
    peers.callee.hang_up()
    peers.caller.wait_for("CALL_CLOSED", 5)


def test_a_dropped_network_is_silent(peers: Peers) -> None:
    peers.network.carrier.drop("udp dport 5060")
    peers.caller.forget_events()
    peers.caller.dial(_uri(peers.account.answers))
    with pytest.raises(DeadlinePassed):
        peers.caller.wait_for("CALL_RINGING", 1)
    peers.network.carrier.undrop()
    peers.caller.hang_up()
    peers.caller.wait_for("CALL_CLOSED", 5)


def test_a_waiting_condition_has_a_deadline() -> None:
    with pytest.raises(DeadlinePassed):
        wait_until(lambda: False, 0.1, "what never comes")


@pytest.mark.parametrize("missing", [0, 20, 40, 60])
def test_a_burst_without_its_beginning_is_noticed(missing: int) -> None:
    whole = np.concatenate([np.zeros(4000), burst(missing), np.zeros(2400), sine(1000, 1, 8000)])
    assert heard_milliseconds(whole, 8000) == pytest.approx(60 - missing, abs=2)


def test_a_tone_in_noise_is_not_pure() -> None:
    noise = np.random.default_rng(1).normal(0, 4000, 16000)
    assert dominant_tone(sine(440, 2, 8000) + noise, 8000).purity < 0.95
    assert dominant_tone(np.zeros(16000), 8000).level == 0

"""How a call sounded stands in its record, both ways, and a line that loses packets shows."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from Rig.box import MEDIA_PORT
from Rig.deadlines import wait_until
from Rig.rig import Rig, open_rig

SECONDS = 12
"""Of talk: the round trip is known after a report from either side, every five seconds (RFC 3550 §6.2)."""
LOST_PERCENT = 20
FAR_PORTS = "20000-20999"
"""On which the box hears the provider."""


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with open_rig() as rig:
        yield rig


def _record_of_a_call(rig: Rig) -> dict[str, Any]:
    """A call with sound both ways, as the history shows it."""
    phone = rig.phone()
    phone.dial(rig.account.answers)
    phone.wait_for_state("active", seconds=10)
    time.sleep(SECONDS)
    phone.press("hangup")
    phone.wait_for_state("idle", "ended", seconds=3)
    phone.page.close()
    calls: list[dict[str, Any]] = []

    def ended() -> bool:
        calls[:] = rig.box.calls("?limit=1")
        return "ended" in calls[0]

    wait_until(ended, 5, "the record of the ended call")
    print({way: calls[0].get(way) for way in ("fromFar", "fromNear")})
    return calls[0]


def test_a_good_line_and_one_that_loses_packets(rig: Rig) -> None:
    good = _record_of_a_call(rig)
    for way in ("fromFar", "fromNear"):
        sound = good[way]
        assert 4.0 <= sound["meanOpinion"] <= 4.5, sound
        assert sound["lossPercent"] <= 1, sound
        assert 0 <= sound["jitterMilliseconds"] < 50, sound
        # Two namespaces of one machine: nearer is nothing.
        assert 0 <= sound["roundTripMilliseconds"] < 100, sound
    every = f"numgen random mod 100 < {LOST_PERCENT}"
    rig.network.box.drop(f"udp dport {FAR_PORTS} {every}")
    poor = _record_of_a_call(rig)
    rig.network.box.undrop()
    far, near = poor["fromFar"], poor["fromNear"]
    assert LOST_PERCENT * 0.6 <= far["lossPercent"] <= LOST_PERCENT * 1.4, far
    assert far["meanOpinion"] < 3.2, far
    assert near["meanOpinion"] >= 4.0, "the other direction lost nothing"
    # The page's packets, and not all of its checks of the way (RFC 7675), which need one answer in five seconds.
    rig.network.box.drop(f"udp dport {MEDIA_PORT} {every}")
    near = _record_of_a_call(rig)["fromNear"]
    rig.network.box.undrop()
    assert LOST_PERCENT * 0.6 <= near["lossPercent"] <= LOST_PERCENT * 1.4, near
    assert near["meanOpinion"] < 3.2, near

"""A call and the web process's death: the sound at both ends does not notice, and the page finds its call again."""

import os
import signal
import time
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe

from Rig.browser import PhonePage
from Rig.calls import rtp_from_box, wait_until_gone
from Rig.capture import Capture
from Rig.deadlines import wait_until
from Rig.rig import FAR_HERTZ, Rig, open_rig

LONGEST_GAP_SECONDS = 0.2
"""Between two packets at the callee; packets are 20 ms apart, and this machine is shared."""


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with open_rig() as rig:
        yield rig


@pytest.fixture(autouse=True)
def closed_tabs(rig: Rig) -> Iterator[None]:
    """Whatever a test did, the next one finds no tab open."""
    yield
    for page in rig.browser.context.pages:
        page.close()


def _in_call(rig: Rig) -> PhonePage:
    phone = rig.phone()
    rig.answers.forget_events()
    phone.dial(rig.account.answers)
    phone.wait_for_state("active", seconds=10)
    return phone


def test_a_killed_web_process_costs_a_call_nothing(rig: Rig) -> None:
    phone = _in_call(rig)
    time.sleep(2)
    web = rig.box.web()
    with Capture(rig.network.carrier) as capture:
        time.sleep(1)
        before = phone.statistics()
        os.kill(web, signal.SIGKILL)
        phone.page.wait_for_selector('[data-testid="reconnecting"]:visible', timeout=5000)
        assert Axe().run(phone.page).response["violations"] == []
        phone.page.wait_for_selector('[data-testid="reconnecting"]', state="hidden", timeout=10_000)
        assert rig.box.web() != web
        # Longer than the core waits for a web process before it counts its pages as lost.
        time.sleep(6)
        after = phone.statistics()
    times = [datagram.time for datagram in rtp_from_box(capture)]
    gap = max(later - earlier for earlier, later in zip(times, times[1:], strict=False))
    print(f"longest gap at the callee {gap * 1000:.0f} ms of {len(times)} packets; page: {before} to {after}")
    assert gap < LONGEST_GAP_SECONDS
    assert after["received"] - before["received"] > 45 * (times[-1] - times[0] - 1.5)
    tone = phone.heard_tone(5)
    assert abs(tone.hertz - FAR_HERTZ) < 5
    assert phone.page.evaluate("rig.state()") == "active"
    assert not any(event.type == "CALL_CLOSED" for event in rig.answers.passed)

    phone.press("hangup")
    rig.answers.wait_for("CALL_CLOSED", 3)
    phone.wait_for_state("idle", "ended", seconds=3)
    assert phone.page.get_attribute('[data-testid="problem"]', "data-code") == "call.hung-up-here"
    wait_until_gone(rig)


def test_the_far_end_hanging_up_meanwhile_is_told_with_its_reason(rig: Rig) -> None:
    phone = _in_call(rig)
    os.kill(rig.box.web(), signal.SIGKILL)
    phone.page.wait_for_selector('[data-testid="reconnecting"]:visible', timeout=5000)
    rig.answers.hang_up()
    phone.wait_for_state("ended", seconds=10)
    code = phone.page.get_attribute('[data-testid="problem"]', "data-code")
    assert code == "call.hung-up-there"
    wait_until_gone(rig)


def test_hanging_up_while_the_web_process_hangs_ends_the_call_at_the_far_end(rig: Rig) -> None:
    phone = _in_call(rig)
    web = rig.box.web()
    os.kill(web, signal.SIGSTOP)
    try:
        pressed = phone.press("hangup")
        closed = rig.answers.wait_for("CALL_CLOSED", 4)
        print(f"the far end was told after {time.time() - pressed:.1f} s: {closed.type}")
    finally:
        os.kill(web, signal.SIGCONT)
    wait_until_gone(rig)


def test_a_line_that_is_dead_but_open_is_noticed_and_made_again(rig: Rig) -> None:
    phone = _in_call(rig)
    web = rig.box.web()
    os.kill(web, signal.SIGSTOP)
    try:
        # A ping every 10 s, 5 s for its answer.
        phone.page.wait_for_selector('[data-testid="reconnecting"]:visible', timeout=17_000)
    finally:
        os.kill(web, signal.SIGCONT)
    phone.page.wait_for_selector('[data-testid="reconnecting"]', state="hidden", timeout=15_000)
    phone.press("hangup")
    rig.answers.wait_for("CALL_CLOSED", 4)
    wait_until_gone(rig)

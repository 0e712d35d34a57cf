"""A page that goes away in the middle of its call and comes back: loaded anew, or cut off from its sound."""

import time
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe

from Rig.browser import PhonePage
from Rig.calls import wait_until_gone
from Rig.deadlines import wait_until
from Rig.rig import FAR_HERTZ, Rig, open_rig
from Rig.tone import read_wave
from Rig.two_calls import hears_music, plays


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with open_rig() as rig:
        yield rig


@pytest.fixture(autouse=True)
def closed_tabs(rig: Rig) -> Iterator[None]:
    yield
    for page in rig.browser.context.pages:
        page.close()
    wait_until_gone(rig)


def _hears(phone: PhonePage) -> bool:
    return plays(phone, FAR_HERTZ)


def _in_call(rig: Rig) -> PhonePage:
    phone = rig.phone()
    phone.page.on("dialog", lambda dialog: dialog.accept())
    rig.answers.forget_events()
    rig.answers.forget_recordings()
    phone.dial(rig.account.answers)
    phone.wait_for_state("active", seconds=10)
    wait_until(lambda: _hears(phone), 5, "the telephone to be heard")
    return phone


def test_a_reloaded_page_shows_its_call_as_it_was_and_stays_mute(rig: Rig) -> None:
    phone = _in_call(rig)
    phone.press("mute")
    time.sleep(3)
    phone.page.reload()
    phone.wait_for_state("active", seconds=4)
    wait_until(lambda: _hears(phone), 4, "the telephone to be heard again")
    assert phone.page.get_attribute('[data-testid="mute"]', "aria-pressed") == "true"
    assert rig.account.answers in phone.page.inner_text("sc-call")
    # The clock goes on from the answer.
    shown = phone.page.inner_text('[data-testid="duration"]')
    assert shown >= "00:03", shown
    assert Axe().run(phone.page).response["violations"] == []
    time.sleep(2)
    phone.press("hangup")
    rig.answers.wait_for("CALL_CLOSED", 3)
    samples, rate = read_wave(rig.answers.recording())
    # Before that it heard music.
    assert abs(samples[-rate:]).max() < 1000, "the microphone was heard although it was off"


def test_a_held_call_comes_back_held(rig: Rig) -> None:
    phone = _in_call(rig)
    phone.press("hold")
    phone.page.wait_for_selector('[data-testid="hold"][aria-pressed="true"]', timeout=3000)
    phone.page.reload()
    phone.wait_for_state("active", seconds=4)
    phone.page.wait_for_selector('[data-testid="hold"][aria-pressed="true"]', timeout=3000)
    time.sleep(1)
    assert not _hears(phone)
    phone.press("hold")
    wait_until(lambda: _hears(phone), 5, "the telephone to be heard once the call is taken up again")
    phone.press("hangup")
    rig.answers.wait_for("CALL_CLOSED", 3)


def test_a_copy_of_the_tab_does_not_take_the_call_away(rig: Rig) -> None:
    phone = _in_call(rig)
    with rig.browser.context.expect_page() as opened:
        phone.page.evaluate("window.open(location.href, '_blank', '')")
    copy = PhonePage(opened.value)
    # As a duplicated tab has it: all that the first one has stored.
    stored = phone.page.evaluate("JSON.stringify(sessionStorage)")
    copy.page.evaluate("stored => Object.assign(sessionStorage, JSON.parse(stored))", stored)
    copy.page.reload()
    copy.page.wait_for_selector('[data-testid="number"]', timeout=10_000)
    time.sleep(2)
    assert phone.page.evaluate("rig.state()") == "active"
    assert _hears(phone)
    assert copy.page.evaluate("rig.state()") == "idle"
    phone.press("hangup")


def test_sound_that_was_cut_off_is_made_anew(rig: Rig) -> None:
    phone = _in_call(rig)
    rig.network.box.drop("udp dport 3478")
    try:
        phone.page.wait_for_selector('[data-testid="state"]:has-text("Connecting again")', timeout=15_000)
        # The page has closed its former connection, but cannot say so; the box waits 15 s for a check.
        wait_until(lambda: hears_music(rig, rig.answers), 20, "the telephone to hear music")
        assert Axe().run(phone.page).response["violations"] == []
    finally:
        rig.network.box.undrop()
    wait_until(lambda: _hears(phone), 15, "the telephone to be heard again")
    phone.page.wait_for_selector('[data-testid="state"]:has-text("Connected")', timeout=5_000)
    assert not any(event.type == "CALL_CLOSED" for event in rig.answers.passed)
    phone.press("hangup")

"""A call that is held, by the person at the page and by the telephone at the other end, in a real browser."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe

from Rig.browser import PhonePage
from Rig.deadlines import wait_until
from Rig.rig import FAR_HERTZ, Rig, open_rig


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with open_rig() as rig:
        yield rig


def _hears_the_telephone(phone: PhonePage) -> bool:
    tone = phone.heard_tone(0.5)
    return tone.level > 100 and abs(tone.hertz - FAR_HERTZ) < 20


def test_both_sides_hold_a_call_and_take_it_up_again(rig: Rig) -> None:
    phone = rig.phone()
    phone.dial(rig.account.answers)
    phone.wait_for_state("active", seconds=10)
    wait_until(lambda: _hears_the_telephone(phone), 5, "the telephone to be heard")
    phone.press("hold")
    phone.page.wait_for_selector('[data-testid="hold"][aria-pressed="true"]', timeout=3000)
    wait_until(lambda: not _hears_the_telephone(phone), 5, "the held telephone to be silent")
    assert Axe().run(phone.page).response["violations"] == []
    phone.press("hold")
    phone.page.wait_for_selector('[data-testid="hold"][aria-pressed="false"]', timeout=3000)
    wait_until(lambda: _hears_the_telephone(phone), 5, "the telephone to be heard again")
    rig.answers.command("hold")
    shown = phone.page.locator('[data-testid="state"]')
    wait_until(lambda: shown.inner_text() == "Held by the other side", 3, "the page to say so")
    rig.answers.command("resume")
    wait_until(lambda: shown.inner_text() == "Connected", 3, "the page to say so")
    wait_until(lambda: _hears_the_telephone(phone), 5, "the telephone to be heard again")
    phone.press("hangup")
    phone.wait_for_state("idle", "ended", seconds=3)


def test_a_transfer_that_the_owner_does_not_allow_is_refused_with_a_sentence(rig: Rig) -> None:
    phone = rig.phone()
    phone.dial(rig.account.answers)
    phone.wait_for_state("active", seconds=10)
    phone.press("transfer")
    phone.page.fill('[data-testid="transfer-number"]', "+88216123456")
    assert Axe().run(phone.page).response["violations"] == []
    phone.press("transfer-send")
    phone.page.wait_for_selector('[data-testid="problem"][data-code^="dial."]:visible', timeout=3000)
    assert phone.page.query_selector('[data-testid="transfer-number"]:visible') is None
    phone.press("hangup")
    phone.wait_for_state("idle", "ended", seconds=3)

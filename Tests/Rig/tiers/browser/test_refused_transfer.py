"""Two calls of one page and a provider that takes no transfers: nothing is lost, and the page says so."""

import time
from collections.abc import Iterator

import pytest

from Rig.browser import MICROPHONE_HERTZ
from Rig.carrier import Account
from Rig.deadlines import wait_until
from Rig.rig import Rig, open_rig
from Rig.two_calls import ask_first, hears, look


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with open_rig(Account(takes_transfers=False)) as rig:
        yield rig


def test_calls_that_the_provider_does_not_bring_together_both_go_on(rig: Rig) -> None:
    phone = rig.phone()
    phone.dial(rig.account.answers)
    phone.wait_for_state("active", seconds=10)
    ask_first(rig, phone, rig.account.rings)
    rig.rings.wait_for("CALL_INCOMING", 5)
    rig.rings.accept()
    phone.wait_for_state("active", seconds=5)
    phone.press("together")
    phone.press("together-yes")
    found = phone.wait_for_problem("page.not-brought-together", 5)
    print(found.text)
    look(phone, "not-brought-together")
    time.sleep(4)
    assert phone.page.locator('[data-testid="problem"]').is_visible(), "the problem must stay"
    assert rig.box.status()["calls"] == 2
    phone.press("swap")
    wait_until(lambda: hears(rig, rig.answers, MICROPHONE_HERTZ), 5, "the first telephone to hear the page")
    phone.press("hangup")
    phone.press("hangup")
    phone.wait_for_state("ended", seconds=3)

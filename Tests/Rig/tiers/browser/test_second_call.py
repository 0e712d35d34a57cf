"""Two calls of one page, in a real browser: a question beside a held call, swapping, bringing together, waiting."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from Rig.baresip import Baresip
from Rig.browser import MICROPHONE_HERTZ
from Rig.capture import Capture
from Rig.deadlines import wait_until
from Rig.linphone import Linphone
from Rig.rig import FAR_HERTZ, Rig, open_rig
from Rig.tone import sine, write_wave
from Rig.two_calls import (
    CARRIER,
    SECOND_HERTZ,
    ask_first,
    call_the_page,
    hears,
    hears_music,
    look,
    plays,
    shown,
    text,
    with_one_call,
    with_two_calls,
)


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    source = write_wave(tmp_path_factory.mktemp("tones") / "second.wav", sine(SECOND_HERTZ, 120, 8000), 8000)
    with open_rig(rings_source=source) as rig:
        yield rig


@pytest.fixture(autouse=True)
def nothing_left(rig: Rig) -> Iterator[None]:
    """Whatever a test did, the next one finds no tab open and no call."""
    for telephone in (rig.answers, rig.rings):
        telephone.forget_events()
        telephone.forget_recordings()
    yield
    for page in rig.browser.context.pages:
        page.close()
    for telephone in (rig.answers, rig.rings):
        telephone.command("hangupall")
    wait_until(lambda: not rig.box.in_use(), 10, "the box to let go of the calls")


def test_a_question_beside_a_held_call_and_swapping(rig: Rig) -> None:
    phone = with_one_call(rig)
    phone.press("transfer")
    look(phone, "transfer-form", '[data-testid="transfer"]')
    phone.press("transfer")
    phone.page.fill('[data-testid="transfer-number"]', rig.account.rings)
    phone.page.keyboard.press("Enter")
    rig.rings.wait_for("CALL_INCOMING", 5)
    assert "On hold" in text(phone, "other-state")
    look(phone, "question-rings")
    rig.rings.accept()
    phone.wait_for_state("active", seconds=5)
    wait_until(lambda: plays(phone, SECOND_HERTZ), 5, "the second telephone to be heard")
    wait_until(lambda: hears(rig, rig.rings, MICROPHONE_HERTZ), 5, "the second telephone to hear the page")
    wait_until(lambda: hears_music(rig, rig.answers), 5, "the first telephone to hear music")
    look(phone, "two-calls")
    for hertz, hearing, silent in [
        (FAR_HERTZ, rig.answers, rig.rings), (SECOND_HERTZ, rig.rings, rig.answers), (FAR_HERTZ, rig.answers, rig.rings)
    ]:  # fmt: skip
        phone.page.focus('[data-testid="swap"]')
        phone.page.keyboard.press("Enter")
        wait_until(lambda hertz=hertz: plays(phone, hertz), 5, f"{hertz} Hz to be heard")
        wait_until(lambda one=hearing: hears(rig, one, MICROPHONE_HERTZ), 5, f"{hearing.user} to hear the page")
        wait_until(lambda one=silent: hears_music(rig, one), 5, f"{silent.user} to hear music")
        assert phone.page.evaluate("document.activeElement.dataset.testid") == "swap", "the keyboard lost its place"


def test_when_one_of_two_calls_ends_the_other_stays_on_hold_until_it_is_taken_up(rig: Rig) -> None:
    phone = with_two_calls(rig)
    rig.rings.hang_up()
    shown(phone, "passed")
    look(phone, "one-of-two-ended")
    assert phone.page.get_attribute('[data-testid="passed"]', "data-code") == "call.hung-up-there"
    assert phone.page.get_attribute('[data-testid="hold"]', "aria-pressed") == "true"
    assert hears_music(rig, rig.answers)
    phone.press("hold")
    wait_until(lambda: plays(phone, FAR_HERTZ), 5, "the first telephone to be heard again")
    phone.press("passed-close")
    phone.page.wait_for_selector('[data-testid="passed"]', state="hidden", timeout=2000)
    phone.press("hangup")
    phone.wait_for_state("ended", seconds=3)


def test_a_question_that_nobody_takes_leads_back(rig: Rig) -> None:
    phone = with_one_call(rig)
    ask_first(rig, phone, rig.account.busy)
    shown(phone, "passed", 8)
    assert phone.page.get_attribute('[data-testid="passed"]', "data-code") == "call.busy"
    assert text(phone, "state") == "On hold"


def test_a_second_call_waits_and_is_answered(rig: Rig) -> None:
    phone = with_one_call(rig)
    call_the_page(rig)
    shown(phone, "waiting-answer")
    assert "calls" in phone.page.locator('[data-testid="news"]').inner_text()
    assert phone.page.title().startswith("☎")
    wait_until(lambda: plays(phone, FAR_HERTZ), 2, "the first call to go on meanwhile")
    look(phone, "waiting")
    phone.press("waiting-answer")
    rig.rings.wait_for("CALL_ESTABLISHED", 5)
    wait_until(lambda: plays(phone, SECOND_HERTZ), 5, "the second telephone to be heard")
    wait_until(lambda: hears_music(rig, rig.answers), 5, "the first telephone to be held")
    phone.press("hangup")
    rig.rings.wait_for("CALL_CLOSED", 3)
    assert text(phone, "state") == "On hold"
    phone.press("hold")
    wait_until(lambda: plays(phone, FAR_HERTZ), 5, "the first telephone to be heard again")


def test_a_second_call_is_declined_and_the_first_does_not_notice(rig: Rig) -> None:
    phone = with_one_call(rig)
    call_the_page(rig)
    phone.press("waiting-decline")
    print("the declined telephone says", rig.rings.wait_for("CALL_CLOSED", 3).parameter)
    phone.page.wait_for_selector('[data-testid="other-call"]', state="detached", timeout=3000)
    wait_until(lambda: plays(phone, FAR_HERTZ), 2, "the first call to go on")
    assert phone.page.evaluate("rig.state()") == "active"


def test_a_call_that_waits_beside_a_service_ends_that_and_says_so_before(rig: Rig) -> None:
    phone = rig.phone()
    phone.dial("*44")
    phone.wait_for_state("active", seconds=5)
    call_the_page(rig)
    shown(phone, "waiting-answer")
    assert text(phone, "waiting-answer") == "Hang up and answer"
    phone.press("waiting-answer")
    wait_until(lambda: plays(phone, SECOND_HERTZ), 5, "the caller to be heard")
    assert phone.page.locator('[data-testid="other-call"]').count() == 0


def test_a_number_that_is_being_typed_survives_a_second_call(rig: Rig) -> None:
    phone = with_one_call(rig)
    phone.press("transfer")
    phone.page.fill('[data-testid="transfer-number"]', "+49301")
    call_the_page(rig)
    shown(phone, "waiting-answer")
    assert phone.page.input_value('[data-testid="transfer-number"]') == "+49301"
    assert phone.page.evaluate("document.activeElement.dataset.testid") == "transfer-number"
    assert phone.page.is_disabled('[data-testid="ask-first"]')
    phone.press("waiting-decline")
    phone.page.wait_for_selector('[data-testid="ask-first"]:enabled', timeout=3000)


def test_two_calls_ring_at_once_and_either_is_answered(rig: Rig) -> None:
    phone = rig.phone()
    call_the_page(rig, rig.answers)
    phone.wait_for_state("incoming", seconds=5)
    call_the_page(rig)
    shown(phone, "waiting-answer")
    assert text(phone, "waiting-answer") == "Answer"
    look(phone, "two-ring")
    phone.press("waiting-answer")
    wait_until(lambda: plays(phone, SECOND_HERTZ), 5, "the second caller to be heard")
    assert text(phone, "waiting-answer") == "Hold and answer"
    phone.press("waiting-answer")
    wait_until(lambda: plays(phone, FAR_HERTZ), 5, "the first caller to be heard")
    wait_until(lambda: hears_music(rig, rig.rings), 5, "the second caller to be held")


def test_signing_out_with_a_call_asks_first(rig: Rig) -> None:
    phone = with_one_call(rig)
    phone.page.locator("details.settings").evaluate("menu => { menu.open = true }")
    asked: list[str] = []
    phone.page.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    phone.page.click("details.settings .menu button")
    assert asked == ["Signing out ends your calls. Sign out all the same?"]
    phone.page.locator("details.settings").evaluate("menu => { menu.open = false }")
    assert phone.page.evaluate("rig.state()") == "active"


def test_a_third_call_finds_the_page_busy(rig: Rig, tmp_path: Path) -> None:
    with_two_calls(rig)
    source = write_wave(tmp_path / "third.wav", sine(500, 5, 8000), 8000)
    with Baresip(rig.network.carrier, tmp_path, "third", 5120, source) as third:
        third.dial(f"sip:{rig.account.number.lstrip('+')}@{CARRIER}:5060")
        assert "486" in third.wait_for("CALL_CLOSED", 5).parameter


def test_bringing_together_lets_the_two_telephones_hear_each_other(rig: Rig) -> None:
    phone = with_two_calls(rig)
    phone.press("together")
    assert phone.page.evaluate("document.activeElement.dataset.testid") == "together-yes"
    look(phone, "bring-together-question", 'sc-other-call [data-testid="together"]')
    phone.press("together")
    phone.press("together-no")
    assert phone.page.evaluate("document.activeElement.dataset.testid") == "together"
    phone.press("together")
    rig.rings.forget_events()
    phone.press("together-yes")
    # This telephone knows no Replaces: it takes the other's call as one more.
    rig.rings.wait_for("CALL_INCOMING", 5)
    rig.rings.accept()
    phone.wait_for_state("ended", seconds=8)
    code = phone.page.get_attribute('[data-testid="problem"]', "data-code")
    assert code == "call.transferred"
    wait_until(lambda: not rig.box.in_use(), 5, "the box to let go of both calls")
    wait_until(lambda: hears(rig, rig.answers, SECOND_HERTZ, CARRIER), 5, "the first telephone to hear the second")
    wait_until(lambda: hears(rig, rig.rings, FAR_HERTZ, CARRIER), 5, "the second telephone to hear the first")


def test_a_killed_web_process_costs_two_calls_nothing(rig: Rig) -> None:
    phone = with_two_calls(rig)
    os.kill(rig.box.web(), signal.SIGKILL)
    shown(phone, "reconnecting")
    phone.page.wait_for_selector('[data-testid="reconnecting"]', state="hidden", timeout=10_000)
    assert "On hold" in text(phone, "other-state")
    phone.press("swap")
    wait_until(lambda: plays(phone, FAR_HERTZ), 5, "the first telephone to be heard")
    wait_until(lambda: hears_music(rig, rig.rings), 5, "the second to hear music")


def test_what_ended_while_the_page_was_away_is_told_and_the_other_goes_on(rig: Rig) -> None:
    phone = with_two_calls(rig)
    os.kill(rig.box.web(), signal.SIGKILL)
    shown(phone, "reconnecting")
    rig.rings.hang_up()
    shown(phone, "passed", 10)
    assert phone.page.get_attribute('[data-testid="passed"]', "data-code") == "call.hung-up-there"
    assert text(phone, "state") == "On hold"
    phone.press("hold")
    wait_until(lambda: plays(phone, FAR_HERTZ), 5, "the first telephone to be heard")


def test_telephones_that_know_replaces_leave_the_page_by_themselves(rig: Rig, tmp_path: Path) -> None:
    machine = rig.network.carrier
    with (
        Linphone(machine, tmp_path, CARRIER) as asked,
        Linphone(machine, tmp_path, CARRIER, "caller", 5130, 7178) as caller,
    ):
        source = write_wave(tmp_path / "source.wav", sine(FAR_HERTZ, 60, 8000), 8000)
        for telephone in (asked, caller):
            telephone.say(f"play {source}")
        phone = rig.phone()
        caller.dial(f"sip:{rig.account.number.lstrip('+')}@{CARRIER}:5060")
        phone.press("answer")
        phone.wait_for_state("active", seconds=5)
        ask_first(rig, phone, rig.account.linphone)
        phone.wait_for_state("active", seconds=5)
        shown(phone, "together")
        began = time.monotonic()
        phone.press("together")
        phone.press("together-yes")
        phone.wait_for_state("ended", seconds=5)
        print(f"both calls left the page after {time.monotonic() - began:.1f} s")
        assert phone.page.get_attribute('[data-testid="problem"]', "data-code") == "call.transferred"
        wait_until(lambda: not rig.box.in_use(), 5, "the box to let go of both calls")
        with Capture(machine) as capture:
            time.sleep(1)
        sound = [packet for packet in capture.datagrams if packet.is_rtp and packet.source[0] == CARRIER]
        for telephone in (range(7078, 7090), range(7178, 7190)):
            assert sum(1 for packet in sound if packet.target[1] in telephone) > 30, "the two must hear each other"


def test_a_box_that_was_killed_comes_back_and_both_calls_are_told_to_be_over(rig: Rig) -> None:
    phone = with_two_calls(rig)
    rig.box.signal_core(signal.SIGKILL)
    shown(phone, "reconnecting", 10)
    rig.box.stop()
    rig.box.start()
    phone.wait_for_state("ended", seconds=20)
    assert phone.page.get_attribute('[data-testid="problem"]', "data-code") == "page.call-lost"
    assert phone.page.locator('[data-testid="other-call"]').count() == 0
    phone.press("close")
    phone.wait_for_trunk("registered", seconds=20)

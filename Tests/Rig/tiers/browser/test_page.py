"""The page itself: signing in, what assistive technology finds, narrow screens, and its own content security policy."""

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from Rig.box import PASSWORD, REPOSITORY
from Rig.browser import PhonePage
from Rig.rig import Rig, open_rig
from Rig.tone import read_wave

SCREENSHOTS = Path(os.environ.get("SIPCALL_SCREENSHOTS", REPOSITORY / ".build" / "screenshots"))


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


def _violations(page: Page) -> list[str]:
    results = Axe().run(page)
    return [
        f"{found['id']}: {found['help']}: {', '.join(node['html'][:120] for node in found['nodes'])}"
        for found in results.response["violations"]
    ]


def test_a_wrong_password_is_refused_with_a_sentence(rig: Rig) -> None:
    phone = rig.browser.open()
    phone.page.fill("input[name=password]", "wrong")
    phone.page.click("button[type=submit]")
    phone.page.wait_for_selector('[data-testid="problem"]:visible, [role="alert"]:visible', timeout=10_000)
    assert phone.page.query_selector('[data-testid="number"]') is None
    assert _violations(phone.page) == []


def test_the_page_is_accessible_idle_and_in_a_call(rig: Rig) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    phone = rig.phone()
    assert _violations(phone.page) == []
    phone.dial(rig.account.answers)
    phone.wait_for_state("active", seconds=10)
    assert _violations(phone.page) == []
    phone.page.screenshot(path=SCREENSHOTS / "call.png")
    phone.press("mute")
    phone.press("hangup")
    phone.wait_for_state("idle", "ended", seconds=3)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_telephone(rig: Rig, scheme: str) -> None:
    phone = rig.phone()
    phone.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    phone.page.wait_for_function("() => document.getAnimations().every(animation => animation.playState !== 'running')")
    phone.page.set_viewport_size({"width": 360, "height": 640})
    overflow = phone.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0
    assert _violations(phone.page) == []
    phone.page.screenshot(path=SCREENSHOTS / f"telephone-{scheme}.png")


FIRST_SOCKET_HANGS = """
const Real = WebSocket
window.attempts = 0
window.WebSocket = function (address, protocols) {
  window.attempts += 1
  return window.attempts === 1 ? { readyState: Real.CONNECTING, close() {}, send() {} } : new Real(address, protocols)
}
window.WebSocket.OPEN = Real.OPEN
"""


def test_an_attempt_that_nothing_answers_is_given_up(rig: Rig) -> None:
    page = rig.browser.context.new_page()
    page.add_init_script(FIRST_SOCKET_HANGS)
    page.goto(f"{rig.browser.address}/?dsp=off")
    page.wait_for_selector('input[name="password"]:visible, [data-testid="number"]')
    phone = PhonePage(page)
    if page.query_selector("input[name=password]"):
        phone.sign_in(PASSWORD)
    phone.wait_for_trunk("registered", seconds=12)
    assert page.evaluate("attempts") == 2


def test_mute_silences_the_microphone(rig: Rig) -> None:
    phone = rig.phone()
    rig.answers.forget_recordings()
    phone.dial(rig.account.answers)
    phone.wait_for_state("active", seconds=10)
    phone.press("mute")
    phone.page.wait_for_timeout(1500)
    phone.press("hangup")
    rig.answers.wait_for("CALL_CLOSED", 3)
    samples, rate = read_wave(rig.answers.recording())
    last = samples[-rate:]
    assert len(last) == rate and abs(last).max() < 200


def test_a_reload_keeps_the_session(rig: Rig) -> None:
    phone = rig.phone()
    phone.page.reload()
    phone.page.wait_for_selector('[data-testid="number"]', timeout=10_000)


def test_nothing_was_refused_by_the_content_security_policy(rig: Rig) -> None:
    phone = rig.browser.sign_in(PASSWORD)
    phone.wait_for_trunk("registered")
    assert [
        line for line in rig.browser.console if "Content Security Policy" in line or line.startswith("uncaught")
    ] == []


def test_a_sign_in_link_signs_in_and_leaves_the_address_bar(rig: Rig) -> None:
    rig.browser.context.clear_cookies()
    page = rig.browser.context.new_page()
    page.goto(f"{rig.browser.address}/?dsp=off#sign-in={quote(PASSWORD)}")
    page.wait_for_selector('[data-testid="number"]', timeout=10_000)
    assert page.url == f"{rig.browser.address}/?dsp=off"
    page.go_back()
    assert "sign-in" not in page.url


def test_a_sign_in_link_of_the_past_asks_for_the_password(rig: Rig) -> None:
    rig.browser.context.clear_cookies()
    page = rig.browser.context.new_page()
    page.goto(f"{rig.browser.address}/#sign-in=used%up")
    page.wait_for_selector("input[name=password]", timeout=10_000)
    assert "#" not in page.url

"""The pages beside the telephone: one's own account, and the people of the box. A call goes on whatever is done there."""

import base64
import hmac
import os
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from Rig.box import PASSWORD, REPOSITORY
from Rig.rig import Rig, open_rig

SCREENSHOTS = Path(os.environ.get("SIPCALL_SCREENSHOTS", REPOSITORY / ".build" / "screenshots"))
STILL = "() => document.getAnimations().every(animation => animation.playState !== 'running')"
SIZES = {
    "telephone": {"width": 360, "height": 640},
    "narrow": {"width": 320, "height": 640},
    "desktop": {"width": 1000, "height": 800},
}


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with open_rig() as rig:
        yield rig


@pytest.fixture(autouse=True)
def closed_tabs(rig: Rig) -> Iterator[None]:
    yield
    for page in rig.browser.context.pages:
        page.close()


def _look(page: Page, name: str) -> None:
    """Pictures for people, and what assistive technology and narrow screens find."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for size, viewport in SIZES.items():
        page.set_viewport_size(viewport)  # type: ignore[arg-type]
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.wait_for_function(STILL)
            page.screenshot(path=SCREENSHOTS / f"{name}-{size}-{scheme}.png", full_page=True)
            found = Axe().run(page).response["violations"]
            assert [(one["id"], one["nodes"][0]["html"][:160]) for one in found] == [], f"{name} {size} {scheme}"
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0


def _page(rig: Rig, place: str) -> Page:
    page = rig.browser.sign_in(PASSWORD).page
    page.click(f'[data-testid="to-{place}"]')
    page.wait_for_selector(f'sc-{place}[data-state="ready"]', timeout=10_000)
    return page


def _code(secret: str) -> str:
    """RFC 6238 for this moment."""
    key = base64.b32decode(secret.replace(" ", ""))
    digest = hmac.digest(key, struct.pack(">Q", int(time.time()) // 30), "sha1")
    return f"{int.from_bytes(digest[(at := digest[19] & 15) : at + 4], 'big') % 2**31 % 10**6:06d}"


def test_the_account_page_is_accessible_at_every_size(rig: Rig) -> None:
    page = _page(rig, "account")
    page.wait_for_selector('[data-testid="sessions"] li')
    _look(page, "account")
    assert page.get_attribute('[data-testid="to-account"]', "aria-current") == "page"
    assert page.evaluate("document.activeElement.tagName") == "H1"
    page.go_back()
    page.wait_for_selector('[data-testid="number"]')
    page.evaluate("() => { localStorage.setItem('sipcall.language', 'de') }")
    page.click('[data-testid="to-account"]')
    page.reload()
    page.wait_for_selector('sc-account[data-state="ready"]')
    assert "Einmalpasswörter" in page.inner_text("main")
    _look(page, "account-de")
    page.evaluate("() => { localStorage.removeItem('sipcall.language') }")


def test_one_time_passwords_are_set_up_with_a_picture_and_switched_off_again(rig: Rig) -> None:
    page = _page(rig, "account")
    page.click('[data-testid="factor-begin"]')
    secret = page.inner_text('[data-testid="factor-secret"]')
    assert page.get_attribute("svg.qr", "aria-label")
    _look(page, "account-factor")
    page.fill("input[name=factor-code]", "000000")
    page.click('[data-testid="factor-confirm"]')
    page.wait_for_selector('[data-testid="part-factor"] [data-code="account.wrong-code"]:visible')
    page.fill("input[name=factor-code]", _code(secret))
    page.click('[data-testid="factor-confirm"]')
    page.wait_for_selector('[data-testid="codes"] li >> nth=9')
    codes = page.locator('[data-testid="codes"] li').all_inner_texts()
    _look(page, "account-codes")
    page.click('[data-testid="codes-kept"]')
    page.wait_for_selector('[data-testid="factor-end"]')

    # A new sign-in asks for the second factor; a recovery code does.
    page.click("summary")
    page.click('[data-testid="sign-out"]')
    page.wait_for_selector("input[name=password]")
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_selector("input[name=code]:visible", timeout=10_000)
    page.fill("input[name=code]", codes[0])
    page.click("button[type=submit]")
    page.wait_for_selector('sc-account[data-state="ready"]', timeout=10_000)
    assert "9" in page.inner_text('[data-testid="part-factor"]')
    page.click('[data-testid="factor-end"]')
    page.wait_for_selector('dialog [data-testid="dialog-do"]')
    _look(page, "account-dialog")
    page.click('[data-testid="dialog-do"]')
    page.wait_for_selector('[data-testid="factor-begin"]')


def test_a_token_is_shown_once_and_withdrawn(rig: Rig) -> None:
    page = _page(rig, "account")
    page.fill("input[name=token-name]", "door bell")
    page.click('[data-testid="token-add"]')
    page.wait_for_selector('[data-testid="token-made"] [data-testid="secret"]')
    assert page.input_value('[data-testid="token-made"] [data-testid="secret"]').startswith("sipcall_")
    _look(page, "account-token")
    page.reload()
    page.wait_for_selector('[data-testid="tokens"] li')
    assert page.query_selector('[data-testid="token-made"] [data-testid="secret"]') is None
    page.click('[data-testid="tokens"] li button')
    page.click('[data-testid="dialog-do"]')
    page.wait_for_selector('[data-testid="tokens"] li', state="detached")


def test_people_are_invited_changed_suspended_and_removed(rig: Rig) -> None:
    page = _page(rig, "people")
    page.fill("input[name=invite-name]", "Jörg Müller")
    assert page.input_value("input[name=invite-user]") == "joerg.mueller"
    page.click('[data-testid="invite"]')
    page.wait_for_selector('[data-testid="link"] [data-testid="secret"]')
    assert "#invitation=" in page.input_value('[data-testid="link"] [data-testid="secret"]')
    row = '[data-testid="person-joerg.mueller"]'
    page.wait_for_selector(f'{row}[data-state="invited"]')
    page.click('[data-testid="actions-joerg.mueller"]')
    _look(page, "people")
    page.click('[data-testid="role-joerg.mueller"]')
    page.select_option('[data-testid="person-role"]', "auditor")
    _look(page, "people-role")
    page.click('[data-testid="dialog-do"]')
    page.wait_for_selector(f"{row}:has-text('Auditor')")
    page.click('[data-testid="actions-joerg.mueller"]')
    page.click('[data-testid="suspend-joerg.mueller"]')
    page.click('[data-testid="dialog-do"]')
    page.wait_for_selector(f'{row}[data-state="suspended"]')
    page.click('[data-testid="actions-joerg.mueller"]')
    page.click('[data-testid="remove-joerg.mueller"]')
    page.keyboard.press("Escape")
    assert page.query_selector(row)
    page.click('[data-testid="remove-joerg.mueller"]')
    page.click('[data-testid="dialog-do"]')
    page.wait_for_selector(row, state="detached")


def test_a_password_that_was_given_long_ago_is_asked_for_once_more(rig: Rig) -> None:
    page = _page(rig, "account")
    answers = [0]

    def stale(route) -> None:  # type: ignore[no-untyped-def]
        answers[0] += 1
        if answers[0] > 1:
            return route.continue_()
        body = '{"code":"session.not-fresh","sentence":"","remedy":""}'
        return route.fulfill(status=403, content_type="application/problem+json", body=body)

    page.route("**/api/v1/account/second-factor", stale)
    page.click('[data-testid="factor-begin"]')
    page.wait_for_selector("input[name=proof]")
    _look(page, "account-proof")
    page.fill("input[name=proof]", "wrong password")
    page.click('[data-testid="dialog-do"]')
    page.wait_for_selector('[data-testid="dialog-problem"][data-code="web.wrong-password"]:visible', timeout=10_000)
    page.fill("input[name=proof]", PASSWORD)
    page.click('[data-testid="dialog-do"]')
    page.wait_for_selector('[data-testid="factor-secret"]', timeout=10_000)
    assert answers[0] == 2


def test_a_call_goes_on_and_stays_in_reach_on_every_page(rig: Rig) -> None:
    phone = rig.phone()
    phone.dial(rig.account.answers)
    phone.wait_for_state("active", seconds=10)
    page = phone.page
    page.click('[data-testid="to-account"]')
    page.wait_for_selector('sc-account[data-state="ready"]')
    page.wait_for_selector('[data-testid="strip"]')
    _look(page, "account-in-call")
    before = phone.statistics()
    page.fill("input[name=present-password]", PASSWORD)
    for name in ("own-password", "own-password-again"):
        page.fill(f"input[name={name}]", PASSWORD)
    page.click('[data-testid="part-password"] button[type=submit]')
    page.wait_for_selector('[data-testid="part-password"] [data-testid="done"]:has-text("changed")', timeout=15_000)
    page.wait_for_timeout(1000)
    after = phone.statistics()
    assert after != before
    page.click('[data-testid="to-call"]')
    page.wait_for_selector('[data-testid="hangup"]')
    assert page.get_attribute('[data-testid="state"]', "data-state") == "active"
    page.click('[data-testid="to-people"]')
    page.wait_for_selector('[data-testid="strip-hangup"]')
    page.click('[data-testid="strip-hangup"]')
    page.wait_for_selector('[data-testid="strip"]', state="detached")


def test_a_sign_out_that_the_box_does_not_hear_is_none(rig: Rig) -> None:
    page = rig.browser.sign_in(PASSWORD).page
    page.route("**/api/v1/session", lambda route: route.abort())
    page.click("summary")
    page.click('[data-testid="sign-out"]')
    page.wait_for_selector('[data-testid="sign-out-problem"][data-code="page.sign-out-failed"]:visible')
    assert page.query_selector('[data-testid="number"]')
    page.unroute("**/api/v1/session")
    page.click('[data-testid="sign-out"]')
    page.wait_for_selector("input[name=password]")

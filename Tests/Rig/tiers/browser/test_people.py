"""Who comes in: the owner with name and password, and a person whom they invited, by a link that is good once."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from Rig.box import PASSWORD, REPOSITORY, binary
from Rig.rig import Rig, open_rig

SCREENSHOTS = Path(os.environ.get("SIPCALL_SCREENSHOTS", REPOSITORY / ".build" / "screenshots"))
STILL = "() => document.getAnimations().every(animation => animation.playState !== 'running')"
SIZES = {"telephone": {"width": 360, "height": 640}, "desktop": {"width": 1000, "height": 800}}


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with open_rig() as rig:
        yield rig


@pytest.fixture(autouse=True)
def nobody_is_signed_in(rig: Rig) -> Iterator[None]:
    rig.browser.context.clear_cookies()
    yield
    for page in rig.browser.context.pages:
        page.close()


def _command(rig: Rig, *arguments: str) -> str:
    command = rig.network.box.command(str(binary()), *arguments, "--state", str(rig.box.state))
    return subprocess.run(command, capture_output=True, text=True, timeout=15, check=True).stdout


def _invite(rig: Rig, user: str, name: str, role: str = "user") -> str:
    """The link."""
    shown = _command(rig, "user", "add", user, "--name", name, "--role", role)
    return next(word for word in shown.split() if "#invitation=" in word)


def _look(page: Page, name: str) -> None:
    """Pictures for people, and what assistive technology and narrow screens find."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for size, viewport in SIZES.items():
        page.set_viewport_size(viewport)  # type: ignore[arg-type]
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.wait_for_function(STILL)
            page.screenshot(path=SCREENSHOTS / f"{name}-{size}-{scheme}.png", full_page=True)
            assert Axe().run(page).response["violations"] == [], f"{name} {size} {scheme}"
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0


def test_the_sign_in_knows_the_owners_name_and_says_what_is_wrong(rig: Rig) -> None:
    page = rig.browser.open().page
    page.wait_for_selector("input[name=password]")
    assert page.input_value("input[name=username]") == "admin"
    assert page.evaluate("document.activeElement.name") == "password"
    _look(page, "sign-in")
    page.fill("input[name=password]", "wrong password")
    page.click("button[type=submit]")
    page.wait_for_selector('[data-testid="problem"]:visible', timeout=15_000)
    assert page.get_attribute('[data-testid="problem"]', "data-code") == "web.wrong-password"
    _look(page, "sign-in-wrong")


def test_an_invited_person_chooses_a_password_and_telephones(rig: Rig) -> None:
    link = _invite(rig, "erika", "Erika M.")
    page = rig.browser.context.new_page()
    page.goto(link.replace("/#", "/?dsp=off#"))
    page.wait_for_function("() => document.querySelector('input[name=username]')?.value === 'erika'", timeout=10_000)
    assert "invitation" not in page.url and "Erika M." in page.inner_text("main")
    _look(page, "invitation")
    page.fill("input[name=new-password]", "long enough")
    page.fill("input[name=new-password-again]", "something else")
    page.click("button[type=submit]")
    page.wait_for_selector('[data-code="page.passwords-differ"]:visible')
    page.fill("input[name=new-password-again]", "long enough")
    page.click("button[type=submit]")
    page.wait_for_selector('[data-testid="number"]', timeout=15_000)
    page.click("summary")
    assert "Erika M." in page.inner_text('[data-testid="person"]')
    _look(page, "invited")
    users = {user["user"]: user for user in json.loads(_command(rig, "user", "list", "--json"))}
    assert users["erika"]["state"] == "active" and users["erika"]["role"] == "user"
    page.close()

    rig.browser.context.clear_cookies()
    page = rig.browser.context.new_page()
    page.goto(link.replace("/#", "/?dsp=off#"))
    page.wait_for_selector('[data-code="account.invitation-used"]:visible', timeout=10_000)
    _look(page, "invitation-used")
    page.click('[data-testid="to-sign-in"]')
    page.fill("input[name=username]", "erika")
    page.fill("input[name=password]", "long enough")
    page.click("button[type=submit]")
    page.wait_for_selector('[data-testid="number"]', timeout=15_000)


def test_whoever_is_suspended_is_out_at_once_and_the_owner_stays(rig: Rig) -> None:
    link = _invite(rig, "bert", "Bert")
    page = rig.browser.context.new_page()
    page.goto(link.replace("/#", "/?dsp=off#"))
    for name in ("new-password", "new-password-again"):
        page.fill(f"input[name={name}]", "long enough")
    page.click("button[type=submit]")
    page.wait_for_selector('[data-testid="number"]', timeout=15_000)
    _command(rig, "user", "change", "bert", "--suspended")
    page.wait_for_selector("input[name=password]", timeout=15_000)
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_selector('[data-testid="number"]', timeout=15_000)


def test_an_auditor_finds_no_telephone_and_no_endless_attempts(rig: Rig) -> None:
    link = _invite(rig, "arno", "Arno", "auditor")
    page = rig.browser.context.new_page()
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    page.goto(link.replace("/#", "/?dsp=off#"))
    for name in ("new-password", "new-password-again"):
        page.fill(f"input[name={name}]", "long enough")
    page.click("button[type=submit]")
    page.wait_for_selector('[data-testid="no-telephone"]', timeout=15_000)
    _look(page, "auditor")
    assert sockets == []

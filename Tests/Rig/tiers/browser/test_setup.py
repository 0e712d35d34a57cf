"""A new box is claimed in the browser: by its link, by a typed token, by the keyboard alone; and opens its ports with that."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from Rig.box import REPOSITORY, Box
from Rig.carrier import Account, Carrier
from Rig.deadlines import wait_until
from Rig.namespaces import Network
from Rig.browser import PhoneBrowser, phone_browser

SCREENSHOTS = Path(os.environ.get("SIPCALL_SCREENSHOTS", REPOSITORY / ".build" / "screenshots"))
STILL = "() => document.getAnimations().every(animation => animation.playState !== 'running')"
SIZES = {"telephone": {"width": 360, "height": 640}, "desktop": {"width": 1000, "height": 900}}
PHONE = ["tcp 5060", "udp 3478", "udp 5060"]
SHUT = ["tcp 8080"]


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    with Network() as network:
        yield network


@pytest.fixture(scope="module")
def browser(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PhoneBrowser]:
    with phone_browser(network.box, tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture
def box(network: Network, tmp_path: Path) -> Iterator[Box]:
    account = Account()
    box = Box(network.box, tmp_path, account)
    box.is_claimed = False
    with Carrier(network.carrier, tmp_path, account), box:
        yield box


@pytest.fixture
def page(browser: PhoneBrowser) -> Iterator[Page]:
    browser.context.clear_cookies()
    page = browser.context.new_page()
    yield page
    page.evaluate("localStorage.clear()")
    page.close()


def _look(page: Page, name: str) -> None:
    """Pictures for people, and what assistive technology and narrow screens find, in both languages."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for language in ("de", "en"):
        page.select_option("sc-header select", language)
        page.wait_for_selector("sc-setup")
        for size, viewport in SIZES.items():
            page.set_viewport_size(viewport)  # type: ignore[arg-type]
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                page.wait_for_function(STILL)
                page.screenshot(path=SCREENSHOTS / f"{name}-{language}-{size}-{scheme}.png", full_page=True)
                assert Axe().run(page).response["violations"] == [], f"{name} {language} {size} {scheme}"
            assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0


def _fill(page: Page, user: str, password: str, again: str | None = None) -> None:
    page.fill("input[name=username]", user)
    page.fill("input[name=new-password]", password)
    page.fill("input[name=new-password-again]", again or password)


def _problem(page: Page, code: str) -> None:
    page.wait_for_selector(f'[data-testid="problem"][data-code="{code}"]:visible', timeout=15_000)


def test_the_link_claims_the_box_and_its_ports_open_at_once(box: Box, page: Page) -> None:
    assert box.open_ports() == SHUT
    assert box.status_by_command()["waitsToBeClaimed"] is True
    assert [command.split()[1] for command in box.processes().values()].count("core") == 1
    core = box.core()
    page.goto(box.setup_link().replace("/#", "/?dsp=off#"))
    page.wait_for_selector("sc-setup")
    assert "setup" not in page.url and not page.is_visible("input[name=token]")
    assert page.evaluate("document.activeElement.name") == "username"
    _look(page, "setup")
    _fill(page, "eva", "correct horse battery", "something else")
    assert page.inner_text('[data-testid="strength"]') not in ("", "Very weak: guessed at once")
    page.click("button[type=submit]")
    _problem(page, "page.passwords-differ")
    _look(page, "setup-differ")
    _fill(page, "eva", "correct horse battery")
    page.fill("input[name=name]", "Eva E.")
    page.click("button[type=submit]")
    page.wait_for_selector('[data-testid="number"]', timeout=15_000)
    assert [port for port in box.open_ports() if port in PHONE] == PHONE
    wait_until(lambda: box.status_by_command()["trunk"]["state"] == "registered", 10, "the trunk to be registered")
    page.wait_for_function("() => document.querySelector('[data-testid=trunk]')?.dataset.state === 'registered'", timeout=10_000)
    assert box.core() == core, "the core was restarted"
    assert not (box.state / "web" / "setup-token").exists()
    page.click("summary")
    assert "Eva E." in page.inner_text('[data-testid="person"]')

    # The core remembers by itself; whoever comes without a session signs in.
    box.stop()
    box.start()
    wait_until(lambda: box.status_by_command()["trunk"]["state"] == "registered", 10, "the trunk to be registered again")
    page.context.clear_cookies()
    page.goto(f"{box.address}/?dsp=off")
    page.wait_for_selector("input[name=password]")
    assert page.input_value("input[name=username]") == "eva"


def test_every_page_leads_there_and_a_wrong_token_is_asked_for_anew(box: Box, page: Page) -> None:
    page.goto(f"{box.address}/?dsp=off#invitation=abcdef")
    page.wait_for_selector("sc-setup")
    assert page.evaluate("document.activeElement.name") == "token"
    page.goto("about:blank")
    page.goto(f"{box.address}/?dsp=off#setup=0000-0000")
    page.wait_for_selector("sc-setup")
    assert not page.is_visible("input[name=token]")
    _fill(page, "eva", "12345678")
    assert page.inner_text('[data-testid="strength"]') == "Very weak: guessed at once"
    page.click("button[type=submit]")
    _problem(page, "setup.wrong-token")
    assert page.evaluate("document.activeElement.name") == "token"
    _look(page, "setup-wrong")
    # As it is read from a screen and typed, by the keyboard alone.
    page.focus("input[name=token]")
    page.keyboard.press("Control+A")
    page.keyboard.type(box.setup_link().split("#setup=")[1].upper().replace("-", " "))
    page.keyboard.press("Tab")
    page.keyboard.type("Eva")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    for _ in range(2):
        page.keyboard.type("four words go together")
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.type") == "submit"
    page.keyboard.press("Enter")
    page.wait_for_selector('[data-testid="number"]', timeout=15_000)


def test_whoever_is_second_is_told(box: Box, page: Page) -> None:
    link = box.setup_link().replace("/#", "/?dsp=off#")
    page.goto(link)
    page.wait_for_selector("sc-setup")
    other = page.context.new_page()
    other.goto(link)
    other.wait_for_selector("sc-setup")
    _fill(other, "fast", "long enough for it")
    other.click("button[type=submit]")
    other.wait_for_selector('[data-testid="number"]', timeout=15_000)
    other.close()
    page.context.clear_cookies()
    _fill(page, "slow", "long enough for it")
    page.click("button[type=submit]")
    _problem(page, "setup.claimed")
    page.click('[data-testid="to-sign-in"]')
    page.wait_for_selector("input[name=password]")

"""The page over https from another machine, on sockets that the service manager hands over: signing in and a call."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import TimeoutError

from Rig.box import PASSWORD, binary
from Rig.browser import PhoneBrowser, phone_browser
from Rig.calls import wait_until_gone
from Rig.namespaces import BOX_ADDRESS
from Rig.programs import Program
from Rig.rig import FAR_HERTZ, Rig, open_rig


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with open_rig() as rig:
        yield rig


class SecondWeb:
    """A web process on 443 and 80, beside the box's own on 8080."""

    def __init__(self, rig: Rig) -> None:
        web = [str(binary()), "web", "--state", str(rig.box.state)]
        command = ["systemd-socket-activate", "-l", "443", "-l", "80", "--fdname=https:http", *web]
        self._command = rig.network.box.command(*command)
        self._log = Path(rig.folder) / "https.log"
        self.start()

    def start(self) -> None:
        self._program = Program("sipcall web", self._command, self._log)
        self._program.wait_for_output("Listening on", 5)

    def said(self) -> str:
        return self._program.output()[-2000:]

    def stop(self) -> int:
        """As systemd would; its exit code."""
        return self._program.stop()


@pytest.fixture(scope="module")
def web(rig: Rig) -> Iterator[SecondWeb]:
    web = SecondWeb(rig)
    yield web
    web.stop()


@pytest.fixture(scope="module")
def elsewhere(rig: Rig, web: SecondWeb) -> Iterator[PhoneBrowser]:
    """A browser on the carrier's machine."""
    with phone_browser(rig.network.carrier, rig.folder / "elsewhere", f"http://{BOX_ADDRESS}") as browser:
        yield browser


def test_a_call_from_another_machine_over_https(rig: Rig, elsewhere: PhoneBrowser) -> None:
    phone = elsewhere.sign_in(PASSWORD)
    assert phone.page.url == f"https://{BOX_ADDRESS}/?dsp=off"
    cookies = elsewhere.context.cookies()
    assert cookies and all(cookie["secure"] and cookie["httpOnly"] for cookie in cookies)
    phone.wait_for_trunk("registered")
    phone.dial(rig.account.answers)
    phone.wait_for_state("active", seconds=10)
    phone.page.wait_for_timeout(3000)
    tone = phone.heard_tone(2)
    assert abs(tone.hertz - FAR_HERTZ) < 5, str(tone)
    phone.press("hangup")
    phone.wait_for_state("idle", "ended", seconds=3)
    wait_until_gone(rig)


def test_a_restart_in_good_order_costs_a_call_nothing_either(
    rig: Rig, web: SecondWeb, elsewhere: PhoneBrowser
) -> None:
    phone = elsewhere.sign_in(PASSWORD)
    phone.wait_for_trunk("registered")
    rig.answers.forget_events()
    phone.dial(rig.account.answers)
    phone.wait_for_state("active", seconds=10)
    web.stop()
    phone.page.wait_for_selector('[data-testid="reconnecting"]:visible', timeout=5000)
    # Longer than the core waits for a web process before it counts its pages as lost.
    phone.page.wait_for_timeout(6000)
    web.start()
    try:
        phone.page.wait_for_selector('[data-testid="reconnecting"]', state="hidden", timeout=20_000)
    except TimeoutError as late:
        raise AssertionError(f"the page is not back: {elsewhere.console[-8:]}, {web.said()}") from late
    assert phone.page.evaluate("rig.state()") == "active"
    assert abs(phone.heard_tone(5).hertz - FAR_HERTZ) < 5
    assert not any(event.type == "CALL_CLOSED" for event in rig.answers.passed)
    phone.press("hangup")
    rig.answers.wait_for("CALL_CLOSED", 3)
    wait_until_gone(rig)

"""The page over https from another machine, on sockets that the service manager hands over: signing in and a call."""

from collections.abc import Iterator
from pathlib import Path

import pytest

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


@pytest.fixture(scope="module")
def elsewhere(rig: Rig) -> Iterator[PhoneBrowser]:
    """A browser on the carrier's machine, and a web process on 443 and 80 beside the box's own on 8080."""
    web = [str(binary()), "web", "--state", str(rig.box.state)]
    command = ["systemd-socket-activate", "-l", "443", "-l", "80", "--fdname=https:http", *web]
    program = Program("sipcall web", rig.network.box.command(*command), Path(rig.folder) / "https.log")
    try:
        program.wait_for_output("Listening on", 5)
        with phone_browser(rig.network.carrier, rig.folder / "elsewhere", f"http://{BOX_ADDRESS}") as browser:
            yield browser
    finally:
        program.stop()


def test_a_call_from_another_machine_over_https(rig: Rig, elsewhere: PhoneBrowser) -> None:
    phone = elsewhere.sign_in(PASSWORD)
    assert phone.page.url == f"https://{BOX_ADDRESS}/?dsp=off"
    (cookie,) = elsewhere.context.cookies()
    assert cookie["secure"] and cookie["httpOnly"]
    phone.wait_for_trunk("registered")
    phone.dial(rig.account.answers)
    phone.wait_for_state("active", seconds=10)
    phone.page.wait_for_timeout(3000)
    tone = phone.heard_tone(2)
    assert abs(tone.hertz - FAR_HERTZ) < 5, str(tone)
    phone.press("hangup")
    phone.wait_for_state("idle", "ended", seconds=3)
    wait_until_gone(rig)

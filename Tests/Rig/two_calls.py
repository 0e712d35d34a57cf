"""What tests with two calls of one page do: make them, listen to who hears whom, look at the page."""

import os
import time
from pathlib import Path

import numpy as np
from axe_playwright_python.sync_playwright import Axe

from Rig.baresip import Baresip
from Rig.box import REPOSITORY
from Rig.browser import PhonePage
from Rig.capture import Capture
from Rig.deadlines import RigError, wait_until
from Rig.namespaces import BOX_ADDRESS
from Rig.rig import FAR_HERTZ, Rig
from Rig.tone import Tone, dominant_tone

SECOND_HERTZ = 700
"""What the ringing telephone plays once it was picked up."""
CARRIER = "10.9.0.2"
SCREENSHOTS = Path(os.environ.get("SIPCALL_SCREENSHOTS", REPOSITORY / ".build" / "screenshots"))
SIZES = {"telephone": (390, 844), "desktop": (1280, 800)}


def plays(phone: PhonePage, hertz: float) -> bool:
    try:
        tone = phone.heard_tone(0.5)
    except RigError:
        # Not one packet yet.
        return False
    return tone.level > 100 and abs(tone.hertz - hertz) < 20


def _sent_to(rig: Rig, telephone: Baresip, source: str, seconds: float = 0.6) -> Tone:
    """The tone in the sound that this telephone gets from `source` from now on."""
    with Capture(rig.network.carrier) as capture:
        time.sleep(seconds)
    packets = [
        packet.samples
        for packet in capture.datagrams
        if packet.source[0] == source and packet.target[1] in telephone.sound_ports
    ]
    return dominant_tone(np.concatenate(packets) if packets else np.zeros(0), 8000)


def hears(rig: Rig, telephone: Baresip, hertz: float, source: str = BOX_ADDRESS) -> bool:
    tone = _sent_to(rig, telephone, source)
    return tone.level > 100 and abs(tone.hertz - hertz) < 20


def hears_music(rig: Rig, telephone: Baresip) -> bool:
    # Several notes in a second; a voice here is one clean tone.
    tone = _sent_to(rig, telephone, BOX_ADDRESS, 1.0)
    return tone.level > 100 and tone.purity < 0.8


def text(phone: PhonePage, part: str) -> str:
    return phone.page.locator(f'[data-testid="{part}"]').first.inner_text()


def shown(phone: PhonePage, part: str, seconds: float = 5) -> None:
    phone.page.wait_for_selector(f'[data-testid="{part}"]:visible', timeout=seconds * 1000)


def look(phone: PhonePage, name: str, opener: str = "") -> None:
    """No violation in either language, no overflow; a picture in each size, scheme and language.

    opener: what opens it again, since another language makes the page anew.
    """
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page = phone.page
    before = page.viewport_size
    for language in ("en", "de"):
        focus = page.evaluate("document.activeElement?.dataset.testid ?? ''")
        _speak(phone, language)
        if opener:
            phone.page.eval_on_selector(opener, "element => element.click()")
        for size, (width, height) in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert overflow <= 0, f"{name} is too wide for {size}"
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                page.wait_for_timeout(250)
                violations = Axe().run(page).response["violations"]
                assert violations == [], f"{name} {size} {scheme} {language} (focus {focus}): {violations}"
                page.screenshot(path=SCREENSHOTS / f"{name}-{size}-{scheme}-{language}.png")
    page.emulate_media(color_scheme="light")
    _speak(phone, "en")
    if before is not None:
        page.set_viewport_size(before)


def _speak(phone: PhonePage, language: str) -> None:
    """As a user does: in the menu, which is closed again."""
    phone.page.locator("details.settings").evaluate("menu => { menu.open = true }")
    phone.page.select_option("#language", language)
    phone.page.locator("details.settings").evaluate("menu => { menu.open = false }")


def with_one_call(rig: Rig) -> PhonePage:
    phone = rig.phone()
    phone.dial(rig.account.answers)
    phone.wait_for_state("active", seconds=10)
    wait_until(lambda: plays(phone, FAR_HERTZ), 5, "the first telephone to be heard")
    return phone


def ask_first(rig: Rig, phone: PhonePage, number: str) -> None:
    phone.press("transfer")
    phone.page.fill('[data-testid="transfer-number"]', number)
    phone.page.keyboard.press("Enter")


def with_two_calls(rig: Rig) -> PhonePage:
    phone = with_one_call(rig)
    ask_first(rig, phone, rig.account.rings)
    rig.rings.wait_for("CALL_INCOMING", 5)
    rig.rings.accept()
    phone.wait_for_state("active", seconds=5)
    wait_until(lambda: plays(phone, SECOND_HERTZ), 5, "the second telephone to be heard")
    return phone


def call_the_page(rig: Rig, telephone: Baresip | None = None) -> None:
    (telephone or rig.rings).dial(f"sip:{rig.account.number.lstrip('+')}@{CARRIER}:5060")

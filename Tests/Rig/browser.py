"""The user: Chromium on the box's machine, with a tone for a microphone and the box's page open."""

import base64
import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, BrowserContext, Error, Page, sync_playwright

from .deadlines import DeadlinePassed, RigError, wait_until
from .namespaces import Namespace
from .tone import Samples, Tone, dominant_tone, sine, write_wave

DRIVER = Path(__file__).parent / "configuration" / "driver.js"
MICROPHONE_HERTZ = 440
IDLE = ("idle", "ended", "")


@dataclass(frozen=True)
class Recording:
    """What the page heard."""

    samples: Samples
    rate: int
    first: float
    """When its first sample came, in seconds since the epoch."""


@dataclass(frozen=True)
class Moment:
    """Something the page began to show: part `name` (state, problem, trunk) with its attributes and text."""

    time: float
    name: str
    state: str
    code: str
    text: str


class PhonePage:
    """The box's page, signed in, as its user and its tests see it."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def sign_in(self, password: str) -> None:
        """Returns once the telephone is on the page and knows its trunk's state."""
        self.page.wait_for_selector("input[name=password]", timeout=10_000)
        self.page.fill("input[name=password]", password)
        self.page.click("button[type=submit]")
        self.page.wait_for_selector('[data-testid="number"]', timeout=15_000)

    def wait_for_trunk(self, state: str, seconds: float = 10) -> None:
        self._until(f"rig.seen('trunk')?.state === {state!r}", seconds, f"the trunk to be {state} on the page")

    def dial(self, number: str) -> float:
        """Presses call; the moment of the press."""
        return self._moment("number => rig.dial(number)", number)

    def press(self, part: str) -> float:
        """Clicks the part of this test id; the moment of the click."""
        self.page.wait_for_selector(f'[data-testid="{part}"]:visible:enabled', timeout=5000)
        return self._moment("part => rig.click(part)", part)

    def press_key(self, key: str) -> float:
        return self._moment("key => rig.press(key)", key)

    def wait_for_state(self, *states: str, seconds: float) -> float:
        """Until the call is in one of `states`; when that was."""
        return self._until(f"{list(states)!r}.includes(rig.state())", seconds, f"the call to be {' or '.join(states)}")

    def wait_for_problem(self, pattern: str, seconds: float) -> Moment:
        """The first problem since `forget` whose code matches the regular expression `pattern`."""
        return wait_until(
            lambda: self._problem(pattern), seconds, f"a problem /{pattern}/ on the page ({self.shown()})"
        )

    def _problem(self, pattern: str) -> Moment | None:
        return next((m for m in self.timeline() if m.name == "problem" and re.search(pattern, m.code)), None)

    def timeline(self) -> list[Moment]:
        return [Moment(**entry) for entry in self._run("() => rig.timeline")]

    def forget(self) -> None:
        """Puts an ended call away, and forgets what was shown and heard so far."""
        self._run("() => rig.forget()")

    def shown(self) -> str:
        """State, problem and trunk as they are now, for error messages."""
        return str(self._run("() => Object.fromEntries(['state', 'problem', 'trunk'].map(n => [n, rig.seen(n)]))"))

    def statistics(self) -> dict[str, Any]:
        """Of the last peer connection: packets received and sent, codec, SRTP profile."""
        found: dict[str, Any] | None = self._run("() => rig.statistics()")
        if found is None:
            raise RigError("the page has made no peer connection")
        return found

    def heard(self, seconds: float = 0) -> Recording:
        """The last call's audio as the page got it: its last `seconds`, or all."""
        found = self._run("seconds => rig.recorded(seconds)", seconds)
        if found is None:
            raise RigError(f"the page heard nothing at all ({self.shown()})")
        samples = np.frombuffer(base64.b64decode(found["samples"]), dtype="<i2").astype(np.float64)
        return Recording(samples, int(found["rate"]), found["first"])

    def heard_tone(self, seconds: float = 2) -> Tone:
        """The strongest tone in the last `seconds` that the page heard."""
        recording = self.heard(seconds)
        return dominant_tone(recording.samples, recording.rate)

    def start_calls(self, number: str, count: int, seconds: float) -> None:
        """Begins `count` calls in a row without waiting for them; see `calls`."""
        script = "([number, count, seconds]) => { rig.record(false); rig.callRepeatedly(number, count, seconds); }"
        self._run(script, [number, count, seconds])

    def calls(self) -> tuple[int, list[str]]:
        """How many calls of `start_calls` succeeded so far, and how the others failed."""
        progress = self._run("() => rig.progress")
        return progress["calls"], progress["failures"]

    def _moment(self, script: str, argument: str) -> float:
        return float(self._run(script, argument))

    def _run(self, script: str, argument: Any = None) -> Any:
        try:
            return self.page.evaluate(script, argument)
        except Error as error:
            raise RigError(f"the page: {error.message.splitlines()[0]}") from error

    def _until(self, condition: str, seconds: float, what: str) -> float:
        script = f"() => rig.until(() => {condition}, {seconds}, {what!r})"
        try:
            return float(self.page.evaluate(script))
        except Error as error:
            raise DeadlinePassed(f"the page: {error.message.splitlines()[0]} ({self.shown()})") from error


class PhoneBrowser:
    """One Chromium with its own fake microphone."""

    def __init__(self, browser: Browser, context: BrowserContext, address: str) -> None:
        self.browser = browser
        self.context = context
        self.address = address
        self.console: list[str] = []

    def open(self, query: str = "?dsp=off") -> PhonePage:
        """A new tab with the box's page."""
        page = self.context.new_page()
        page.on("console", lambda message: self.console.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.console.append(f"uncaught: {error}"))
        page.goto(f"{self.address}/{query}", timeout=15_000)
        return PhonePage(page)

    def sign_in(self, password: str, query: str = "?dsp=off") -> PhonePage:
        """A new tab, signed in when the context was not yet."""
        phone = self.open(query)
        entry = phone.page.wait_for_selector('input[name="password"]:visible, [data-testid="number"]', timeout=10_000)
        if entry is not None and entry.get_attribute("name") == "password":
            phone.sign_in(password)
        return phone


@contextmanager
def phone_browser(machine: Namespace, folder: Path, address: str = "http://127.0.0.1:8080") -> Iterator[PhoneBrowser]:
    """A Chromium that lives on `machine`; its files are in `folder`."""
    chromium = shutil.which("chromium")
    if chromium is None:
        raise RigError("Chromium is missing: run packaging/setup")
    folder.mkdir(parents=True, exist_ok=True)
    microphone = write_wave(folder / "microphone.wav", sine(MICROPHONE_HERTZ, 20, 48000), 48000)
    arguments = [
        "--no-sandbox",
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={microphone}",
        "--autoplay-policy=no-user-gesture-required",
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=_wrapper(machine, chromium, folder), headless=True, args=arguments
        )
        try:
            # As a user who has told the browser to go on with the box's own certificate.
            context = browser.new_context(
                locale="en-GB", viewport={"width": 1000, "height": 900}, ignore_https_errors=True
            )
            context.add_init_script(path=DRIVER)
            yield PhoneBrowser(browser, context, address)
        finally:
            browser.close()


def _wrapper(machine: Namespace, chromium: str, folder: Path) -> str:
    # Playwright starts a file, not a command line, and talks with it over inherited descriptors.
    script = folder / "chromium-on-machine"
    script.write_text(f'#!/bin/sh\nexport HOME={folder}\nexec {" ".join(machine.command(chromium))} "$@"\n')
    os.chmod(script, script.stat().st_mode | stat.S_IXUSR)
    return str(script)

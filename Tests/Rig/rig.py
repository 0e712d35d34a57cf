"""Everything around one call, put together: network, provider, telephones, box and browser."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from .baresip import Baresip
from .box import Box
from .browser import PhoneBrowser, PhonePage, phone_browser
from .carrier import Account, Carrier
from .namespaces import Network
from .tone import sine, write_wave

FAR_HERTZ = 1000
"""What the telephones on the carrier's side play."""
DEFAULT_ACCOUNT = Account()
LOGS_NOTE = "logs: "


@dataclass
class Rig:
    """One network with everything running. Made by `open_rig`."""

    folder: Path
    network: Network
    account: Account
    carrier: Carrier
    answers: Baresip
    """Picks up at once (every number that is not listed in Account)."""
    rings: Baresip
    """Rings until told to pick up."""
    box: Box
    _stack: ExitStack
    _browser: PhoneBrowser | None = None

    @property
    def browser(self) -> PhoneBrowser:
        """Chromium, started when it is first needed."""
        if self._browser is None:
            folder, address = self.folder / "chromium", self.box.address
            self._browser = self._stack.enter_context(phone_browser(self.box.page_machine, folder, address))
        return self._browser

    def phone(self, query: str = "?dsp=off") -> PhonePage:
        """A tab of the box's page, signed in, with the trunk registered."""
        phone = self.browser.sign_in(self.box.password, query)
        phone.wait_for_trunk("registered")
        return phone


@contextmanager
def open_rig(
    account: Account = DEFAULT_ACCOUNT,
    far_hertz: float = FAR_HERTZ,
    rings_source: Path | None = None,
    trunk_password: str | None = None,
    registered: bool = True,
    make_box: Callable[[Network, Path, Account], Box] | None = None,
    trunk: str = "",
    dialling: str = "",
) -> Iterator[Rig]:
    """Starts everything and, however it ends, ends everything. Logs of a failed run stay; their place is printed.

    far_hertz: the tone that telephones play. rings_source: what the ringing telephone plays instead once picked up.
    trunk_password: what the box presents to the provider instead of the right one. registered: wait for registration.
    make_box: another box than `sipcall run`.
    trunk, dialling: more lines of these tables in the box's configuration.
    """
    folder = Path(tempfile.mkdtemp(prefix="sipcall-rig-"))
    try:
        with ExitStack() as stack:
            network = stack.enter_context(Network())
            source = write_wave(folder / "far.wav", sine(far_hertz, 120, 8000), 8000)
            carrier = stack.enter_context(Carrier(network.carrier, folder, account))
            answers = stack.enter_context(Baresip(network.carrier, folder, "answers", 5080, source))
            ringing = Baresip(network.carrier, folder, "rings", 5090, rings_source or source, answers=False)
            rings = stack.enter_context(ringing)
            if make_box is not None:
                box = stack.enter_context(make_box(network, folder, account))
            else:
                box = stack.enter_context(Box(network.box, folder, account, trunk_password, trunk, dialling))
            if registered:
                box.wait_for_trunk()
            yield Rig(folder, network, account, carrier, answers, rings, box, stack)
    except Exception as error:
        error.add_note(f"{LOGS_NOTE}{folder}")
        raise
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)

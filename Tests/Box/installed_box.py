"""The installed package in the rig's network, as the checks of `sipcall run` know a box."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from Rig.box import Box
from Rig.carrier import Account
from Rig.deadlines import RigError
from Rig.namespaces import CARRIER_ADDRESS, Network

from .machine import Machine
from .package import debug_options, install, install_debug_build, package
from .upkeep import claim, wait_for_units

CREDENTIAL = "/etc/credstore/sipcall.trunk.password"
SETTINGS = "/etc/sipcall/sipcall.toml"


class InstalledBox(Box):
    """The units of the package on a machine of their own, with one provider account. A context manager."""

    def __init__(
        self, network: Network, folder: Path, account: Account, options: tuple[str, ...] = (), debug: bool = False
    ) -> None:
        """`debug` runs the debug build; `options` go to the machine."""
        super().__init__(network.box, folder, account)
        # From another machine, as most people have it.
        self.address = f"https://{network.box.address}"
        self.page_machine = network.carrier
        self.public_web_port = 443
        self._debug = debug
        self.systemd = Machine("box", network.box, [*options, *(debug_options() if debug else [])])
        """The machine itself."""

    def start(self) -> None:
        self.systemd.__enter__()
        install(self.systemd, package())
        self.configure(trunk_settings(self._account))
        if self._debug:
            install_debug_build(self.systemd)
        else:
            self.systemd.run("systemctl", "restart", "sipcall.target")
        self.wait_until_serving(30)
        claim(self.systemd, self.password)

    def stop(self) -> int | None:
        self.systemd.__exit__()
        return None

    def configure(self, settings: str) -> None:
        """Writes the configuration as an administrator would; it is for the caller to apply it."""
        self.systemd.shell(f"install -D -m 0600 /dev/stdin {CREDENTIAL} <<'X'\n{self._account.password}\nX")
        # Written to, not replaced: mode and group stay.
        (self.systemd.files / SETTINGS.lstrip("/")).write_text(settings)

    def wait_until_serving(self, seconds: float) -> None:
        wait_for_units(self.systemd, seconds)

    def status(self) -> dict[str, Any]:
        done = self.systemd.run("sipcall", "status", "--json", check=False, seconds=10)
        if done.returncode != 0:
            raise RigError(f"sipcall status exits with {done.returncode}: {done.stderr.strip()}")
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def log_text(self) -> str:
        """Both parts' journal since the last boot."""
        return "\n".join(self.systemd.journal(f"sipcall-{part}") for part in ("core", "web"))


def trunk_settings(account: Account) -> str:
    """sipcall.toml with an account at the rig's carrier; its password comes as a credential."""
    return f"""[dialling]
country = "DE"
calls_at_once_per_user = 1000
calls_at_once = 1000
new_calls_per_minute_per_user = 10000
new_calls_per_minute = 10000
[trunk]
name = "Carrier"
server = "{CARRIER_ADDRESS}:5060"
user = "{account.user}"
password_file = "trunk.password"
number = "{account.number}"
expires = {account.expires}
codecs = ["pcmu", "pcma"]
"""


def installed(options: tuple[str, ...] = (), debug: bool = False) -> Callable[[Network, Path, Account], Box]:
    """What `open_rig` makes its box with."""
    return lambda network, folder, account: InstalledBox(network, folder, account, options, debug)

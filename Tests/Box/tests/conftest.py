"""Fixtures of the package's tests."""

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from Box.installed_box import InstalledBox, installed as installed_box
from Box.machine import Machine
from Box.package import install, package
from Box.state_disk import StateDisk
from Box.upkeep import wait_for_units
from Rig.rig import Rig, open_rig


@dataclass
class Installed:
    """A machine on which the package was just installed."""

    machine: Machine
    shown: str
    """What the terminal showed."""
    seconds: float
    """From the start of apt to its end, the units' readiness among it."""


@pytest.fixture(scope="module")
def installed() -> Iterator[Installed]:
    with Machine("package") as machine:
        began = time.monotonic()
        shown = install(machine, package())
        yield Installed(machine, shown, time.monotonic() - began)


@pytest.fixture(scope="session")
def state() -> Iterator[StateDisk]:
    """The disk that the state of the box in `rig` lies on."""
    with tempfile.TemporaryDirectory(prefix="sipcall-disk-") as folder, StateDisk(Path(folder)) as disk:
        yield disk


@pytest.fixture(scope="session")
def rig(state: StateDisk) -> Iterator[Rig]:
    """An installed box with a provider, telephones and a browser: one for all that need no other."""
    with open_rig(make_box=installed_box(state.options)) as rig:
        yield rig


@pytest.fixture
def boxed(rig: Rig) -> Machine:
    """The machine of the box in `rig`, with both parts running and the provider reached."""
    assert isinstance(rig.box, InstalledBox)
    wait_for_units(rig.box.systemd)
    rig.box.wait_for_trunk()
    return rig.box.systemd

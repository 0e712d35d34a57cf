"""Fixtures of the package's tests."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from Box.machine import Machine
from Box.package import install, package


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

"""What a check is, and what breaks it."""

from collections.abc import Callable
from dataclasses import dataclass

from ..figures import Report


@dataclass(frozen=True)
class Fault:
    """Something broken on purpose, that the check must notice."""

    name: str
    how: str
    """What is broken, in one sentence."""
    reddens: tuple[str, ...]
    """Regular expressions: each must be found in a figure that falls short, or in the error that ends the check."""


@dataclass(frozen=True)
class Check:
    """A named check. `run` adds figures to the report and raises RigError when something is broken rather than slow."""

    name: str
    promise: str
    run: Callable[[Report, Fault | None], None]
    faults: tuple[Fault, ...]
    prepare: Callable[[], None] | None = None
    """Makes what needs the network, before the namespaces are entered."""
    by_hand: bool = False
    """Runs only when it is named."""


def broken_by(fault: Fault | None, name: str) -> bool:
    return fault is not None and fault.name == name

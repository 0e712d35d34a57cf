"""Waiting for conditions, never for time alone."""

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


class RigError(Exception):
    """Broken behaviour: a peer is missing, nothing was heard, a program exited. Never a figure that falls short."""


class DeadlinePassed(RigError):
    """A condition did not come true in time."""


def wait_until(condition: Callable[[], Value | bool | None], seconds: float, what: str, pause: float = 0.02) -> Value:
    """Returns the first truthy value of `condition`, asked every `pause` seconds.

    Raises DeadlinePassed, which names `what` was waited for, after `seconds`.
    """
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value  # type: ignore[return-value]
        if time.monotonic() >= end:
            raise DeadlinePassed(f"waited {seconds:g} s in vain for {what}")
        time.sleep(pause)

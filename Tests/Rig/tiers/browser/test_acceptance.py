"""Every acceptance check. A time, size or cost that falls short is printed; whatever is wrong fails here."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from Rig.check import Outcome, attempt, in_background
from Rig.checks import CHECKS


@pytest.fixture(scope="module")
def background() -> Iterator[dict[str, "Future[Outcome]"]]:
    """The checks that mostly wait, already running beside the others."""
    with ThreadPoolExecutor() as pool:
        yield {name: pool.submit(attempt, CHECKS[name]) for name in in_background(list(CHECKS))}


@pytest.mark.parametrize("name", sorted(CHECKS, key=lambda name: name in in_background(list(CHECKS))))
def test_check(name: str, background: dict[str, "Future[Outcome]"]) -> None:
    outcome = background[name].result() if name in background else attempt(CHECKS[name])
    outcome.show()
    if outcome.failure is not None:
        pytest.fail(outcome.failure, pytrace=False)

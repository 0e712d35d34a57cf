"""The acceptance checks of the package. A time, size or cost that falls short is printed; whatever is wrong fails here."""

import pytest
from Box.checks import CHECKS
from Rig.check import attempt


@pytest.mark.parametrize("name", [name for name, check in CHECKS.items() if not check.by_hand])
def test_check(name: str) -> None:
    outcome = attempt(CHECKS[name])
    outcome.show()
    if outcome.failure is not None:
        pytest.fail(outcome.failure, pytrace=False)

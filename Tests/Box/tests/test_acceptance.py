"""The acceptance checks of the package. A figure that falls short is printed; only broken behaviour fails here."""

import pytest
from Box.checks import CHECKS
from Rig.check import attempt


@pytest.mark.parametrize("name", [name for name, check in CHECKS.items() if not check.by_hand])
def test_check(name: str) -> None:
    outcome = attempt(CHECKS[name])
    outcome.show()
    if outcome.error is not None:
        pytest.fail(str(outcome.error), pytrace=False)
    assert outcome.report.figures, "the check measured nothing"

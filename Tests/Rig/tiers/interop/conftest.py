from collections.abc import Iterator

import pytest

from Rig.phone_socket import PhoneSocket
from Rig.rig import Rig, open_rig


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    """One network, provider and box for the tests of a module."""
    with open_rig() as rig:
        yield rig


@pytest.fixture
def phone(rig: Rig) -> Iterator[PhoneSocket]:
    """A phone socket; afterwards nothing of any call may be left."""
    rig.answers.forget_events()
    rig.rings.forget_events()
    with PhoneSocket(rig.box) as socket:
        yield socket

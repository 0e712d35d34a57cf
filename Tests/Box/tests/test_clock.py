"""A wall clock that somebody sets, days forward and back to 1970, while the box is registered and a call is running."""

import json
import time
from collections.abc import Iterator

import pytest
from Box.clock import follow, prepare, set_clock, since_1970
from Box.installed_box import InstalledBox, installed
from Box.journal import JournalMark
from Box.machine import Machine
from Box.upkeep import wait_for_units
from Rig.calls import talk
from Rig.capture import Capture
from Rig.carrier import Account
from Rig.deadlines import wait_until
from Rig.namespaces import BOX_ADDRESS
from Rig.rig import FAR_HERTZ, Rig, open_rig

PARTS = ("core", "web")
GRANTED_SECONDS = 10
JAR = "/root/cookies"
DAY = 86_400


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with open_rig(account=Account(granted=GRANTED_SECONDS), make_box=installed()) as rig:
        assert isinstance(rig.box, InstalledBox)
        machine = rig.box.systemd
        prepare(machine)
        for part in PARTS:
            follow(machine, part)
        restart(machine, *PARTS)
        rig.box.wait_for_trunk()
        yield rig


@pytest.fixture
def machine(rig: Rig) -> Machine:
    assert isinstance(rig.box, InstalledBox)
    return rig.box.systemd


def restart(machine: Machine, *parts: str) -> None:
    machine.run("systemctl", "restart", *(f"sipcall-{part}" for part in parts))
    wait_for_units(machine)


def processes(machine: Machine) -> list[int]:
    return [machine.main_process(f"sipcall-{part}") for part in PARTS]


def session(machine: Machine) -> str:
    """The HTTP status of going on with the session."""
    curl = ["curl", "-sk", "-o", "/dev/null", "-w", "%{http_code}", "-b", JAR, "-c", JAR, "-X", "POST"]
    return machine.output(*curl, "-H", "Origin: https://127.0.0.1", "https://127.0.0.1/api/v1/session/renewal")


def sign_in(rig: Rig, machine: Machine) -> None:
    body = json.dumps({"user": "admin", "password": rig.box.password})
    command = ["curl", "-sk", "-o", "/dev/null", "-c", JAR, "-H", "Content-Type: application/json", "--data", body]
    machine.run(*command, "-H", "Origin: https://127.0.0.1", "https://127.0.0.1/api/v1/session")
    assert session(machine) == "200"


def registrations(capture: Capture) -> int:
    return sum(
        datagram.source[0] == BOX_ADDRESS and datagram.payload.startswith(b"REGISTER") for datagram in capture.datagrams
    )


def certificate(machine: Machine) -> str:
    return machine.output("sha256sum", "/var/lib/sipcall/web/tls/own.pem")


def test_a_clock_that_is_set_touches_no_call_no_registration_and_no_session(rig: Rig, machine: Machine) -> None:
    sign_in(rig, machine)
    phone = rig.phone("?codec=pcmu&dsp=off")
    rig.answers.forget_recordings()
    phone.dial(rig.account.answers)
    phone.wait_for_state("active", seconds=10)
    before, kept = processes(machine), certificate(machine)
    for ahead, words in (
        (3 * DAY, "set forward by 3 days"),
        (-30 * DAY, "set back by 33 days"),
        (since_1970(600), "set back by"),
        (0, "set forward by"),
    ):
        mark = JournalMark(machine)
        with Capture(rig.network.carrier) as capture:
            set_clock(machine, ahead)
            print(mark.wait_for(words, "SIPCALL_CODE=clock.jumped", seconds=20))
            # Longer than the watchdog's patience, and than the registration is good for.
            deadline = time.monotonic() + 1.5 * GRANTED_SECONDS
            wait_until(lambda capture=capture: registrations(capture) >= 2, 2 * GRANTED_SECONDS, "two refreshed registrations")  # type: ignore[misc]
            tone, _ = talk(phone, max(2.0, deadline - time.monotonic()))
        assert abs(tone.hertz - FAR_HERTZ) < 5, tone
        assert rig.box.status()["trunk"]["state"] == "registered" and rig.box.status()["calls"] == 1
        assert session(machine) == "200"
        assert processes(machine) == before
        print(ahead, "|", machine.show("sipcall-core", "StatusText"))
        is_wrong = ahead < -1000 * DAY
        assert ("clock is wrong" in machine.show("sipcall-core", "StatusText")) == is_wrong
        assert ("clock.wrong" in [problem["code"] for problem in rig.box.status()["problems"]]) == is_wrong
    assert certificate(machine) == kept
    phone.press("hangup")
    phone.wait_for_state("idle", "ended", seconds=5)
    rig.answers.wait_for("CALL_CLOSED", 5)
    phone.page.close()


def test_a_page_process_that_starts_at_another_time_asks_for_the_password_at_most(rig: Rig, machine: Machine) -> None:
    sign_in(rig, machine)
    kept = certificate(machine)
    # Before the session began: it is good for its whole life again, never for longer.
    set_clock(machine, since_1970(600))
    restart(machine, "web")
    assert session(machine) == "200"
    assert certificate(machine) == kept
    set_clock(machine, 0)
    restart(machine, "web")
    # What was written in 1970 has long ended.
    print("back from 1970:", session(machine))
    sign_in(rig, machine)
    # A session that nobody has used for two weeks has ended.
    set_clock(machine, 15 * DAY)
    restart(machine, "web")
    assert session(machine) == "401"
    sign_in(rig, machine)
    set_clock(machine, 0)
    restart(machine, "web")
    assert session(machine) == "200"


def test_a_core_that_starts_in_1970_serves_and_says_that_the_clock_is_wrong(rig: Rig, machine: Machine) -> None:
    set_clock(machine, since_1970(1))
    restart(machine, "core")
    rig.box.wait_for_trunk()
    wait_until(lambda: "the clock is wrong" in machine.show("sipcall-core", "StatusText"), 10, "the status to say so")
    set_clock(machine, 0)
    wait_until(lambda: "clock" not in machine.show("sipcall-core", "StatusText"), 10, "the status to be well again")

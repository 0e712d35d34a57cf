"""`sipcall trace` beside a real provider: the registration and a call, with nothing in it that must not be shown."""

import json
import subprocess
import time

from Rig.box import binary
from Rig.phone_socket import PhoneSocket
from Rig.rig import Rig


def _trace(rig: Rig, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = rig.network.box.command(str(binary()), "trace", "--state", str(rig.box.state), *arguments)
    return subprocess.run(command, capture_output=True, text=True, timeout=15, check=False)


def test_the_registration_is_a_ladder_without_credentials(rig: Rig) -> None:
    shown = _trace(rig, "registration")
    assert shown.returncode == 0, shown.stderr
    print(shown.stdout)
    for part in ("REGISTER sip:", "401 Unauthorized", "asks for credentials for carrier.rig", "with credentials",
                 "200 OK", "10.9.0.2:5060 over UDP", "box 10.9.0.1"):  # fmt: skip
        assert part in shown.stdout
    for secret in ("nonce", "response=", rig.account.password, rig.account.user):
        assert secret not in shown.stdout


def test_a_call_is_a_ladder_of_its_own_from_the_first_message_to_the_last(rig: Rig, phone: PhoneSocket) -> None:
    call = phone.start_call(rig.account.answers)
    phone.wait_for("call.state", 5, call=call, state="active")
    following = subprocess.Popen(
        rig.network.box.command(str(binary()), "trace", call[:8], "--follow", "--state", str(rig.box.state)),
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    time.sleep(0.5)
    phone.request("call.end", call=call)
    followed, _ = following.communicate(timeout=15)
    assert followed.index("INVITE") < followed.index("407 Proxy") < followed.index("200 Answering") < followed.index("BYE sip:")
    shown = _trace(rig, call)
    print(shown.stdout)
    assert f"call {call}, outbound to …00" in shown.stdout
    assert "audio pcmu pcma telephone-event, sendrecv, 10.9.0.1:" in shown.stdout
    assert rig.account.answers not in shown.stdout and rig.account.number not in shown.stdout
    lines = [json.loads(line) for line in _trace(rig, call, "--json").stdout.splitlines()]
    assert [line["line"].split()[0] for line in lines if line["direction"] == "sent"] == [
        "INVITE", "ACK", "INVITE", "ACK", "BYE",
    ]  # fmt: skip
    assert f"call {call}, outbound to …00" in _trace(rig).stdout


def test_an_inbound_call_is_one_too_and_its_numbers_only_on_request(rig: Rig, phone: PhoneSocket) -> None:
    rig.answers.dial(f"sip:{rig.account.number.lstrip('+')}@10.9.0.2:5060")
    incoming = phone.wait_for("call.incoming", 5)
    phone.request("call.end", call=incoming["call"])
    rig.answers.wait_for("CALL_CLOSED", 5)
    shown = _trace(rig, incoming["call"])
    print(shown.stdout)
    assert "inbound from" in shown.stdout and "603 Decline" in shown.stdout
    before = _trace(rig, incoming["call"], "--sdp").stdout
    assert "m=audio" in before and rig.account.user not in before
    assert "trace.numbers" not in _events(rig)
    with_numbers = _trace(rig, incoming["call"], "--numbers").stdout
    assert f"INVITE sip:{rig.account.user}@" in with_numbers
    assert "trace.numbers" in _events(rig)


def test_what_is_not_known_is_said_in_one_sentence(rig: Rig) -> None:
    unknown = _trace(rig, "0123456789")
    assert unknown.returncode == 1 and "[trace.unknown]" in unknown.stderr
    assert _trace(rig, "--follow").returncode == 2


def _events(rig: Rig) -> str:
    command = rig.network.box.command(
        str(binary()), "events", "--since-start", "--state", str(rig.box.state), "--kind", "trace.*"
    )
    events = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    time.sleep(1)
    events.terminate()
    return events.communicate(timeout=5)[0]

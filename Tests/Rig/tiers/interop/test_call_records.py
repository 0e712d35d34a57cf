"""Every call leaves one record that says the truth, also when a process is killed in the middle of it."""

import os
import signal
from contextlib import suppress
from typing import Any

from Rig.deadlines import wait_until
from Rig.phone_socket import OFFER, PhoneSocket
from Rig.rig import Rig


def _when_ended(rig: Rig, call: str) -> dict[str, Any]:
    def ended() -> bool:
        record = rig.box.record(call)
        return record is not None and "ended" in record

    wait_until(ended, 5, "the record of the ended call")
    record = rig.box.record(call)
    assert record is not None
    return record


def test_an_answered_call_is_recorded_from_its_dial_to_its_end(rig: Rig, phone: PhoneSocket) -> None:
    call = phone.start_call(rig.account.answers)
    phone.wait_for("call.state", 5, call=call, state="active")
    wait_until(lambda: (rig.box.record(call) or {}).get("outcome") == "running", 5, "the record of the call that goes on")
    phone.request("call.end", call=call)
    record = _when_ended(rig, call)
    assert record["direction"] == "outbound"
    assert record["number"] == rig.account.answers
    assert (record["outcome"], record["reason"]) == ("answered", "call.hung-up-here")
    assert record["dialled"] <= record["answered"] < record["ended"]
    assert (record["user"], record["trunk"], record["farCodec"]) == ("admin", "Carrier", "pcmu")
    assert record["fromFar"]["lossPercent"] == 0
    assert "fromNear" not in record, "this page sends no sound, and nothing is made up"


def test_a_missed_and_a_busy_call_are_recorded(rig: Rig, phone: PhoneSocket) -> None:
    rig.answers.dial(f"sip:{rig.account.number.lstrip('+')}@10.9.0.2:5060")
    missed = phone.wait_for("call.incoming", 3)["call"]
    phone.request("call.offer", call=missed, sdp=OFFER)
    rig.answers.hang_up()
    busy = phone.start_call(rig.account.busy)
    record = _when_ended(rig, missed)
    assert (record["direction"], record["outcome"], record["reason"]) == ("inbound", "missed", "call.cancelled")
    assert "answered" not in record and "user" not in record
    assert _when_ended(rig, busy)["reason"] == "call.busy"
    assert [each["call"] for each in rig.box.calls("?direction=inbound&limit=1")] == [missed]


def test_killing_the_web_process_loses_and_doubles_nothing(rig: Rig) -> None:
    calls: list[str] = []
    for _ in range(6):
        with suppress(OSError), PhoneSocket(rig.box) as phone:
            for _ in range(4):
                call = phone.start_call(rig.account.busy)
                calls.append(call)
                phone.wait_for("call.ended", 3, call=call)
            os.kill(rig.box.web(), signal.SIGKILL)
        wait_until(lambda: _answers(rig), 10, "the page to be back")
    for call in calls:
        assert _when_ended(rig, call)["reason"] == "call.busy"
    assert len({each["call"] for each in rig.box.calls("?limit=200")}) == len(rig.box.calls("?limit=200"))


def test_a_call_that_the_core_dies_in_is_recorded_as_cut_off(rig: Rig) -> None:
    with suppress(OSError), PhoneSocket(rig.box) as phone:
        call = phone.start_call(rig.account.answers)
        phone.wait_for("call.state", 5, call=call, state="active")
        wait_until(lambda: "answered" in (rig.box.record(call) or {}), 5, "the record of the answer")
        rig.box.signal_core(signal.SIGKILL)
    rig.box.stop()
    rig.box.start()
    rig.box.wait_for_trunk()
    record = rig.box.record(call)
    assert record is not None
    assert record["outcome"] == "cut-off"
    assert "answered" in record and "ended" not in record and "reason" not in record


def _answers(rig: Rig) -> bool:
    try:
        return rig.box.status()["trunk"]["state"] == "registered"
    except Exception:
        return False

"""What those who look after a box do while somebody is talking: stop it, or wait for the end of the call."""

import subprocess
import time

from Box.calls import check_sound, dial, hang_up
from Box.machine import Machine
from Box.upkeep import wait_for_units
from Rig.capture import Capture
from Rig.deadlines import wait_until
from Rig.namespaces import BOX_ADDRESS
from Rig.rig import Rig


def test_a_drain_takes_no_new_call_and_ends_with_the_running_one(rig: Rig, boxed: Machine) -> None:
    phone, other = rig.phone("?codec=pcmu&dsp=off"), rig.phone("?codec=pcmu&dsp=off")
    dial(rig, phone)
    draining = subprocess.Popen(boxed.command("sipcall", "drain", "--timeout", "60"), stdout=subprocess.PIPE, text=True)
    try:
        wait_until(lambda: "no new ones are taken" in boxed.show("sipcall-core", "StatusText"), 5, "the status to say so")
        other.dial(rig.account.answers)
        other.wait_for_problem("box.draining", 5)
        check_sound(phone)
        assert draining.poll() is None
        hang_up(rig, phone)
        assert draining.wait(3) == 0
        told = draining.stdout.read() if draining.stdout else ""
        assert "1 call left" in told and "No calls are left" in told
    finally:
        draining.kill()
        draining.wait()
        boxed.run("sipcall", "drain", "--cancel")
    other.forget()
    dial(rig, other)
    hang_up(rig, other)
    for page in (phone, other):
        page.page.close()


def test_a_reload_takes_new_settings_and_touches_no_call(rig: Rig, boxed: Machine) -> None:
    path = boxed.files / "etc/sipcall/sipcall.toml"
    good, process = path.read_text(), boxed.main_process("sipcall-core")
    phone, other = rig.phone("?codec=pcmu&dsp=off"), rig.phone("?codec=pcmu&dsp=off")
    dial(rig, phone)
    try:
        # Written to, not replaced: mode and group stay.
        path.write_text(good.replace("[dialling]\n", f'[dialling]\nblocked_prefixes = ["{rig.account.answers[:5]}"]\n', 1))
        boxed.run("systemctl", "reload", "sipcall-core")
        check_sound(phone)
        other.dial(rig.account.answers)
        other.wait_for_problem("dial.prefix-blocked", 5)
        assert boxed.main_process("sipcall-core") == process and boxed.is_active("sipcall-core")
    finally:
        path.write_text(good)
        boxed.run("systemctl", "reload", "sipcall-core")
    check_sound(phone)
    hang_up(rig, phone)
    for page in (phone, other):
        page.page.close()


def test_a_stop_says_goodbye_to_whoever_talks_and_ends_within_2_seconds(rig: Rig, boxed: Machine) -> None:
    phone = rig.phone("?codec=pcmu&dsp=off")
    dial(rig, phone)
    try:
        with Capture(rig.network.carrier) as capture:
            began = time.monotonic()
            boxed.run("systemctl", "stop", "sipcall-core", "sipcall-web", "sipcall.target")
            seconds = time.monotonic() - began
            rig.answers.wait_for("CALL_CLOSED", 2)
        print(f"stopping with a call took {seconds:.2f} s")
        sent = [packet.payload for packet in capture.datagrams if packet.source[0] == BOX_ADDRESS]
        assert any(payload.startswith(b"BYE ") for payload in sent)
        # It is no longer there to be called, and says so to the provider.
        assert any(payload.startswith(b"REGISTER ") and b"xpires: 0\r\n" in payload for payload in sent)
        assert [boxed.show(f"sipcall-{part}", "Result") for part in ("core", "web")] == ["success", "success"]
        assert seconds <= 2
    finally:
        boxed.run("systemctl", "start", "sipcall.target")
        wait_for_units(boxed)
        phone.page.close()

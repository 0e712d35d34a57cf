"""`sipcall setup-url` and `sipcall user`, beside a running box."""

import json
import os
import pty
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from Rig.box import PASSWORD, WEB_PORT, Box, binary
from Rig.carrier import Account
from Rig.deadlines import wait_until
from Rig.namespaces import Network


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    with Network() as network:
        yield network


@pytest.fixture
def box(network: Network, tmp_path: Path) -> Iterator[Box]:
    with Box(network.box, tmp_path, Account()) as box:
        yield box


def _command(network: Network, box: Box, *arguments: str) -> list[str]:
    return network.box.command(str(binary()), *arguments, "--state", str(box.state))


def _run(network: Network, box: Box, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    command = _command(network, box, *arguments)
    return subprocess.run(command, input=given, capture_output=True, text=True, timeout=15, check=False)


@pytest.fixture
def new_box(network: Network, tmp_path: Path) -> Iterator[Box]:
    box = Box(network.box, tmp_path, Account())
    box.is_claimed = False
    with box:
        yield box


def test_a_new_box_is_claimed_by_a_command_and_opens_its_ports(network: Network, new_box: Box) -> None:
    assert new_box.open_ports() == [f"tcp {WEB_PORT}"]
    status = subprocess.run(_command(network, new_box, "status"), capture_output=True, text=True, timeout=15, check=False)
    assert "waits to be claimed" in status.stdout
    first = new_box.setup_link()
    shown = _run(network, new_box, "setup-url")
    assert shown.returncode == 0, shown.stderr
    links = re.findall(rf"http://127\.0\.0\.1:{WEB_PORT}/#setup=[0-9a-z-]{{34}}", shown.stdout)
    assert len(links) == 1 and links[0] != first and new_box.setup_link() == links[0]
    assert (new_box.state / "web" / "setup-token").stat().st_mode & 0o777 == 0o600
    assert "setup.owner-first" in _run(network, new_box, "user", "add", "bert").stderr
    core = new_box.core()
    done = _run(network, new_box, "user", "password", given="another password\n")
    assert done.returncode == 0, done.stderr
    wait_until(lambda: "udp 5060" in new_box.open_ports(), 5, "the SIP port to open")
    assert new_box.core() == core
    assert new_box.sign_in("another password") == 200
    shown = _run(network, new_box, "setup-url")
    assert f"http://127.0.0.1:{WEB_PORT}/" in shown.stdout and "#" not in shown.stdout
    audit = _run(network, new_box, "audit").stdout
    assert "box.claim" in audit
    # The core opens without the web process from now on: its ports are there as soon as it is.
    assert (new_box.state / "core" / "claimed").exists()


def test_the_password_of_a_former_version_is_in_the_link_until_it_was_used(network: Network, box: Box) -> None:
    note = box.state / "web" / "first-password"
    note.write_text(PASSWORD + "\n")
    shown = _run(network, box, "setup-url")
    assert shown.returncode == 0, shown.stderr
    assert f"http://127.0.0.1:{WEB_PORT}/#sign-in={PASSWORD.replace(' ', '%20')}" in shown.stdout
    assert box.sign_in(PASSWORD) == 200
    assert not note.exists()
    shown = _run(network, box, "setup-url")
    assert f"http://127.0.0.1:{WEB_PORT}/" in shown.stdout and "sign-in" not in shown.stdout


def test_a_new_password_counts_at_once(network: Network, box: Box) -> None:
    assert box.session_status() == 200
    done = _run(network, box, "user", "password", given="another password\n")
    assert done.returncode == 0, done.stderr
    assert box.session_status() == 401
    assert box.sign_in(PASSWORD) == 401
    time.sleep(0.3)
    assert box.sign_in("another password") == 200


def test_people_are_invited_changed_and_removed(network: Network, box: Box) -> None:
    made = _run(network, box, "user", "add", "bert", "--name", "Bert B.", "--role", "admin")
    assert made.returncode == 0, made.stderr
    assert re.search(rf"http://127\.0\.0\.1:{WEB_PORT}/#invitation=[\w-]{{43}}$", made.stdout, re.M), made.stdout
    assert "account.name-taken" in _run(network, box, "user", "add", "Bert").stderr
    assert "account.bad-name" in _run(network, box, "user", "add", "Bert Brecht").stderr
    changed = _run(network, box, "user", "change", "bert", "--role", "user", "--suspended")
    assert changed.stdout.split()[:3] == ["bert", "user", "suspended"], changed.stderr
    assert "account.last-owner" in _run(network, box, "user", "remove", "admin", "--yes").stderr
    kept = _run(network, box, "user", "remove", "bert", given="carl\n")
    assert kept.returncode == 1 and "user.not-confirmed" in kept.stderr
    assert _run(network, box, "user", "remove", "bert", given="bert\n").returncode == 0
    users = json.loads(_run(network, box, "user", "list", "--json").stdout)
    assert [user["user"] for user in users] == ["admin"]
    assert "account.unknown" in _run(network, box, "user", "invite", "../status").stderr


def test_two_different_passwords_on_the_terminal_change_nothing(network: Network, box: Box) -> None:
    terminal, inside = pty.openpty()
    command = _command(network, box, "user", "password")
    asked = subprocess.Popen(command, stdin=inside, stdout=subprocess.PIPE, stderr=inside, start_new_session=True)
    os.close(inside)
    shown = b""
    for prompt, answer in [(b"New password: ", b"first secret\n"), (b"Once more: ", b"other secret\n")]:
        end = time.monotonic() + 10
        while prompt not in shown and time.monotonic() < end:
            shown += os.read(terminal, 1024)
        os.write(terminal, answer)
    assert asked.wait(10) == 1
    while b"user.passwords-differ" not in shown:
        shown += os.read(terminal, 1024)
    os.close(terminal)
    assert b"first secret" not in shown and b"other secret" not in shown
    assert box.sign_in(PASSWORD) == 200


def test_without_a_box_there_is_a_sentence(network: Network, tmp_path: Path) -> None:
    for arguments, code in [(("setup-url",), "state.missing"), (("user", "password"), "web.not-running")]:
        command = network.box.command(str(binary()), *arguments, "--state", str(tmp_path))
        done = subprocess.run(command, capture_output=True, text=True, timeout=15, check=False)
        assert done.returncode == 1
        assert f"[{code}]" in done.stderr

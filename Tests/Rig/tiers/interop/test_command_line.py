"""Mistakes on the command line and in sipcall.toml: a sentence that says where and what to do, and the exit code."""

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from Rig.box import Box, binary
from Rig.carrier import Account
from Rig.namespaces import Network

USAGE, CONFIGURATION = 2, 78


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    with Network() as network:
        yield network


def _run(network: Network, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        network.box.command(str(binary()), *arguments), capture_output=True, text=True, timeout=15, check=False
    )


def _run_with(network: Network, folder: Path, old: str, new: str) -> tuple[subprocess.CompletedProcess[str], int]:
    """Runs the box with one line of its configuration changed; also the number of that line."""
    box = Box(network.box, folder, Account())
    box.state.mkdir()
    path = box.write_configuration()
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    line = text[: text.index(old)].count("\n") + 1
    return _run(network, "run", "--state", str(box.state), "--config", str(path)), line


@pytest.mark.parametrize("arguments", [("frobnicate",), ("run", "--state"), ("run", "--no-such-option")])
def test_a_wrong_command_line_exits_with_2(network: Network, arguments: tuple[str, ...]) -> None:
    done = _run(network, *arguments)
    assert done.returncode == USAGE, done.stderr
    assert done.stderr.strip()


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('listen = "0.0.0.0:5060"', 'listen = "0.0.0.0:99999"', "listen"),
        ('listen = "0.0.0.0:3478"', 'listen = "somewhere"', "listen"),
        ('ports = "20000-20999"', 'ports = "20999-20000"', "ports"),
        ("expires = 300", 'expires = "soon"', "expires"),
        ('codecs = ["pcmu", "pcma"]', 'codecs = ["mp3"]', "codecs"),
        ('user = "trunk1"', "", "user"),
    ],
)
def test_a_bad_value_is_named_with_file_line_and_key(
    network: Network, tmp_path: Path, old: str, new: str, key: str
) -> None:
    done, line = _run_with(network, tmp_path, old, new)
    assert done.returncode == CONFIGURATION, done.stderr
    assert "sipcall.toml" in done.stderr
    assert key in done.stderr
    if new:
        assert f":{line}" in done.stderr or f"line {line}" in done.stderr, done.stderr


def test_broken_toml_is_named_with_file_and_line(network: Network, tmp_path: Path) -> None:
    done, line = _run_with(network, tmp_path, "expires = 300", "expires = = 300")
    assert done.returncode == CONFIGURATION, done.stderr
    assert "sipcall.toml" in done.stderr and str(line) in done.stderr


def test_a_missing_configuration_file_is_named(network: Network, tmp_path: Path) -> None:
    done = _run(network, "run", "--state", str(tmp_path), "--config", str(tmp_path / "absent.toml"))
    assert done.returncode in (USAGE, CONFIGURATION), done.stderr
    assert "absent.toml" in done.stderr


@pytest.mark.parametrize(("kind", "port"), [("udp", 5060), ("udp", 3478), ("tcp", 8080)])
def test_a_port_in_use_is_named(network: Network, tmp_path: Path, kind: str, port: int) -> None:
    with network.box.entered():
        holder = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
    with holder:
        holder.bind(("0.0.0.0" if kind == "udp" else "127.0.0.1", port))
        if kind == "tcp":
            holder.listen()
        done, _ = _run_with(network, tmp_path, "expires = 300", "expires = 299")
    assert done.returncode == CONFIGURATION, done.stderr
    assert str(port) in done.stderr

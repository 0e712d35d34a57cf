"""Another telephone on the carrier's side: linphonec, steered by its standard input."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

from .deadlines import RigError, wait_until
from .namespaces import Namespace

USER, PORT = "linphone", 5100

_CONFIGURATION = """[sip]
sip_port={port}
sip_tcp_port=0
sip_tls_port=0
use_ipv6={ipv6}
contact=sip:{user}@{host}:{port}
guess_hostname=0
register_only_when_network_is_up=0
[net]
mtu=0
[rtp]
audio_rtp_port={sound_port}
[sound]
playback_dev_id=
capture_dev_id=
[misc]
file_transfer_server_url=
"""


class Linphone:
    """Picks up at once. A context manager."""

    def __init__(
        self, machine: Namespace, folder: Path, address: str, user: str = USER, port: int = PORT, sound_port: int = 7078
    ) -> None:
        self._machine = machine
        self._folder = folder / user
        (self._folder / ".local/share/linphone").mkdir(parents=True)
        self._log = self._folder / "log"
        self._position = 0
        host = f"[{address}]" if ":" in address else address
        text = _CONFIGURATION.format(
            port=port, ipv6=int(":" in address), user=user, host=host, sound_port=sound_port
        )
        (self._folder / "linphonerc").write_text(text)

    def __enter__(self) -> "Linphone":
        if shutil.which("linphonec") is None:
            raise RigError("linphonec is missing: run packaging/setup")
        command = self._machine.command("linphonec", "-a", "-c", str(self._folder / "linphonerc"))
        with self._log.open("wb") as sink:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=sink, stderr=subprocess.STDOUT, start_new_session=True,
                env={**os.environ, "HOME": str(self._folder), "LC_ALL": "C"}, text=True,
            )  # fmt: skip
        try:
            self.wait_for("linphonec>", 15)
            # No sound card: a file of silence is played, and what is heard is thrown away.
            self.say("soundcard use files")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def say(self, command: str) -> None:
        """Types one command."""
        self._position = self._log.stat().st_size
        if self._process.stdin is not None:
            self._process.stdin.write(f"{command}\n")
            self._process.stdin.flush()

    def dial(self, uri: str) -> None:
        self.say(f"call {uri}")

    def hang_up(self) -> None:
        self.say("terminate")

    def forget_events(self) -> None:
        """Passes over everything written so far."""
        self._position = self._log.stat().st_size

    def wait_for(self, pattern: str, seconds: float) -> None:
        """Until linphonec writes this, after the last command or `forget_events`."""
        wait_until(lambda: self._written(pattern), seconds, f"linphonec to write /{pattern}/")

    def _written(self, pattern: str) -> bool:
        if self._process.poll() is not None:
            raise RigError(f"linphonec exited with {self._process.returncode}: {self._log.read_text()[-300:]}")
        with self._log.open("rb") as source:
            source.seek(self._position)
            return re.search(pattern, source.read().decode(errors="replace")) is not None

"""A telephone on the carrier's side: baresip, steered and observed over its ctrl_tcp module."""

import contextlib
import json
import queue
import shutil
import socket
import threading
import time
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .deadlines import DeadlinePassed, RigError, wait_until
from .namespaces import Namespace
from .programs import Program

CONFIGURATION = Path(__file__).parent / "configuration" / "baresip.conf"
MODULES = (Path("/usr/lib/baresip/modules"), *Path("/usr/lib").glob("*/baresip/modules"))


@dataclass(frozen=True)
class Event:
    """Something baresip reported, and when it arrived here (seconds since the epoch)."""

    time: float
    type: str
    parameter: str


class Baresip:
    """One telephone with G.711. It records what it hears, and plays `source`. A context manager."""

    def __init__(
        self, machine: Namespace, folder: Path, user: str, port: int, source: Path, answers: bool = True,
        account: str = "", address: str | None = None,
    ) -> None:
        """`answers` picks up at once; otherwise it rings until `accept`. It also takes `port` + 1 (for TLS).

        account: more parameters of its account. address: another of the machine's than its first, also an IPv6 one.
        """
        self._is_ipv6 = ":" in (address or "")
        self._host = f"[{address}]" if self._is_ipv6 else address or machine.address
        self.user = user
        self.port = port
        self._machine = machine
        self._folder = folder / f"baresip-{user}"
        self._recordings = self._folder / "recordings"
        self._recordings.mkdir(parents=True)
        self._control_port = port - 600
        self.sound_ports = range(20000 + (port - 5000) * 100, 20100 + (port - 5000) * 100)
        """Where it wants to have RTP."""
        self.passed: list[Event] = []
        """The events that `wait_for` has seen since `forget_events`."""
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._replies: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._write(source, answers, account)

    def __enter__(self) -> "Baresip":
        if shutil.which("baresip") is None:
            raise RigError("baresip is missing: run packaging/setup")
        command = ["baresip", "-6" if self._is_ipv6 else "-4", "-f", str(self._folder)]
        self.program = Program(f"baresip ({self.user})", self._machine.command(*command), self._folder / "log")
        try:
            self._control = wait_until(self._connected, 10, "baresip's control port")
        except BaseException:
            self.program.stop()
            raise
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        # Shut down, not only close: the reader still waits in this socket.
        with contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)
        self._control.close()
        self.program.stop()
        self._reader.join(2)

    def dial(self, uri: str) -> None:
        self.command("dial", uri)

    def accept(self) -> None:
        self.command("accept")

    def hang_up(self) -> None:
        self.command("hangup")

    def command(self, name: str, parameters: str = "") -> dict[str, Any]:
        """Sends one command and returns baresip's reply."""
        body = json.dumps({"command": name, "params": parameters, "token": "rig"}).encode()
        self._control.sendall(b"%d:%s," % (len(body), body))
        try:
            return self._replies.get(timeout=3)
        except queue.Empty:
            self.program.require_running()
            raise DeadlinePassed(f"baresip did not reply to {name}") from None

    def wait_for(self, kind: str, seconds: float) -> Event:
        """The next event of this type; events before it are passed over."""
        end = time.monotonic() + seconds
        while True:
            try:
                event = self._events.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                self.program.require_running()
                raise DeadlinePassed(f"waited {seconds:g} s in vain for {kind} at baresip ({self.user})") from None
            self.passed.append(event)
            if event.type == kind:
                return event

    def forget_events(self) -> None:
        self.passed.clear()
        while not self._events.empty():
            self._events.get_nowait()

    def forget_recordings(self) -> None:
        for file in self._recordings.glob("*.wav"):
            file.unlink()

    def recording(self) -> Path:
        """What this telephone heard in its only call since `forget_recordings`."""
        files = sorted(self._recordings.glob("*-dec.wav"))
        if len(files) != 1:
            raise RigError(f"baresip ({self.user}) has {len(files)} recordings of what it heard, not one")
        return wait_until(lambda: _finished(files[0]), 3, "baresip to finish its recording")

    def _write(self, source: Path, answers: bool, account: str) -> None:
        modules = next((folder for folder in MODULES if folder.is_dir()), None)
        if modules is None:
            raise RigError("baresip's modules are missing: run packaging/setup")
        values = {
            "HOST": self._host,
            "SIP_PORT": str(self.port),
            "CONTROL_PORT": str(self._control_port),
            "RTP_PORTS": f"{self.sound_ports.start}-{self.sound_ports.stop - 1}",
            "SOURCE": str(source),
            "MODULES": str(modules),
            "RECORDINGS": str(self._recordings),
        }
        text = CONFIGURATION.read_text()
        for key, value in values.items():
            text = text.replace(f"@{key}@", value)
        (self._folder / "config").write_text(text)
        more = f";{account}" if account else ""
        mode = "auto" if answers else "manual"
        address = f"sip:{self.user}@{self._host}:{self.port}"
        (self._folder / "accounts").write_text(
            f"<{address}>;regint=0;answermode={mode};audio_codecs=pcmu/8000/1,pcma/8000/1{more}\n"
        )

    def _connected(self) -> socket.socket | None:
        self.program.require_running()
        with self._machine.entered():
            connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            connection.connect((self._machine.address, self._control_port))
            return connection
        except OSError:
            connection.close()
            return None

    def _read(self) -> None:
        buffer = b""
        while True:
            try:
                data = self._control.recv(65536)
            except OSError:
                return
            if not data:
                return
            buffer += data
            while b":" in buffer:
                length, rest = buffer.split(b":", 1)
                size = int(length)
                if len(rest) <= size:
                    break
                self._sort(json.loads(rest[:size]))
                buffer = rest[size + 1 :]

    def _sort(self, message: dict[str, Any]) -> None:
        if message.get("event"):
            self._events.put(Event(time.time(), message.get("type", ""), str(message.get("param", ""))))
        else:
            self._replies.put(message)


def _finished(recording: Path) -> Path | None:
    """The file, once its header says how long it is: baresip writes that when the call is closed."""
    try:
        with wave.open(str(recording)) as file:
            return recording if file.getnframes() > 0 else None
    except (wave.Error, EOFError):
        return None

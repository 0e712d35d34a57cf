"""The box under test: `sipcall run` on its own machine, and everything that can be asked of it from outside."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .carrier import Account
from .deadlines import RigError, wait_until
from .namespaces import CARRIER_ADDRESS, Namespace
from .programs import Program, open_descriptors, process_tree, resident_kilobytes, threads

REPOSITORY = Path(__file__).resolve().parents[2]
PASSWORD = "rig admin password"
SIP_PORT = 5060
MEDIA_PORT = 3478
WEB_PORT = 8080
SIGN_IN_PATIENCE = 30
"""Seconds. A password takes long to check on purpose, and longer on a busy machine: whoever gives up and asks anew only has two
of them checked at the same time."""


def binary() -> Path:
    """The sipcall to test: SIPCALL_BINARY, or the debug build of this repository."""
    path = Path(os.environ.get("SIPCALL_BINARY", REPOSITORY / ".build" / "debug" / "sipcall"))
    if not os.access(path, os.X_OK):
        raise RigError(f"there is no box to test at {path}: build it with `swift build --product sipcall`")
    return path


@dataclass(frozen=True)
class Footprint:
    """What all processes of the box hold, as the kernel counts it."""

    descriptors: int
    threads: int
    resident_kilobytes: int
    parts: str = ""
    """Resident memory by process, for people to read."""


class Box:
    """A running box with one provider account. A context manager: leaving it ends the box."""

    def __init__(
        self, machine: Namespace, folder: Path, account: Account, password: str | None = None, trunk: str = "",
        dialling: str = "",
    ) -> None:  # fmt: skip
        """`password` replaces the account's own, to be refused by the provider. `trunk`, `dialling`: more lines of those."""
        self.state = folder / "box"
        self.log = folder / "box.log"
        self.address = f"http://127.0.0.1:{WEB_PORT}"
        self.page_machine = machine
        """Where the browser is that opens the page at `address`."""
        self.public_web_port = WEB_PORT
        self.password = PASSWORD
        self.is_claimed = True
        """Whether it is run with a password; a box without one waits to be claimed, with its ports shut."""
        self.environment: dict[str, str] = {}
        """More of it for the box's processes."""
        self.sip_listen = f'["0.0.0.0:{SIP_PORT}", "[::]:{SIP_PORT}"]'
        """Where it speaks SIP, as TOML."""
        self._machine = machine
        self._account = account
        self._trunk_password = password or account.password
        self._dialling_lines = dialling
        self._trunk_lines = trunk.replace("{CERTIFICATE}", str(folder / "carrier.pem"))
        self._program: Program | None = None
        self._connection: http.client.HTTPConnection | None = None
        self._token = ""
        self._cookie = ""

    @property
    def program(self) -> Program:
        if self._program is None:
            raise RigError("the box is not running")
        return self._program

    def start(self) -> None:
        """Returns once the box prints its address and its page can be fetched."""
        self.state.mkdir(parents=True, exist_ok=True)
        configuration = self.write_configuration()
        command = [str(binary()), "run", "--state", str(self.state), "--config", str(configuration)]
        password = {"SIPCALL_ADMIN_PASSWORD": self.password} if self.is_claimed else {}
        environment = {**password, **self.environment}
        self._program = Program("sipcall run", self._machine.command(*command), self.log, environment)
        self._program.wait_for_output(r"Open http://", 15)
        if self.is_claimed:
            wait_until(self._signs_in, SIGN_IN_PATIENCE, "the box to take its password")

    def stop(self) -> int | None:
        """Ends the box as Ctrl-C would; its exit code."""
        self._forget_connection()
        if self._program is None:
            return None
        code = self._program.stop()
        self._program = None
        return code

    def __enter__(self) -> "Box":
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def write_configuration(self) -> Path:
        """sipcall.toml as a newcomer would have it: every address a wildcard."""
        path = self.state / "sipcall.toml"
        path.write_text(
            f"""[sip]
listen = {self.sip_listen}
[media]
listen = "0.0.0.0:{MEDIA_PORT}"
ports = "20000-20999"
[web]
listen = "127.0.0.1:{WEB_PORT}"
www = "{REPOSITORY}/rootfs/usr/share/sipcall/www"
[dialling]
country = "DE"
calls_at_once_per_user = 1000
calls_at_once = 1000
new_calls_per_minute_per_user = 10000
new_calls_per_minute = 10000
{self._dialling_lines}
{"[[trunk]]" if "[[trunk]]" in self._trunk_lines else "[trunk]"}
name = "Carrier"
{self._server_line()}
user = "{self._account.user}"
password = "{self._trunk_password}"
number = "{self._account.number}"
expires = {self._account.expires}
codecs = ["pcmu", "pcma"]
{self._trunk_lines}
"""
        )
        return path

    def _server_line(self) -> str:
        """The carrier by its address, unless the test names it otherwise."""
        if "server =" in self._trunk_lines:
            return ""
        return f'server = "{CARRIER_ADDRESS}:{5061 if chr(34) + "tls" + chr(34) in self._trunk_lines else 5060}"'

    def wait_for_trunk(self, state: str = "registered", seconds: float = 10) -> None:
        wait_until(lambda: self.status()["trunk"]["state"] == state, seconds, f"the trunk to be {state}")

    def status(self) -> dict[str, Any]:
        """The box's own count of what it holds (GET /api/v1/status)."""
        code, body = self._request("GET", "/api/v1/status")
        if code != 200:
            raise RigError(f"the box answers {code} to GET /api/v1/status: {body[:200]!r}")
        status: dict[str, Any] = json.loads(body)
        return status

    def calls(self, query: str = "") -> list[dict[str, Any]]:
        """The newest records of calls (GET /api/v1/calls?…)."""
        code, body = self._request("GET", f"/api/v1/calls{query}")
        if code != 200:
            raise RigError(f"the box answers {code} to GET /api/v1/calls{query}: {body[:200]!r}")
        calls: list[dict[str, Any]] = json.loads(body)["calls"]
        return calls

    def history(self, query: str = "") -> dict[str, Any]:
        """A whole page of history: calls, where the next begins, and what cannot be read."""
        code, body = self._request("GET", f"/api/v1/calls{query}")
        if code != 200:
            raise RigError(f"the box answers {code} to GET /api/v1/calls{query}: {body[:200]!r}")
        page: dict[str, Any] = json.loads(body)
        return page

    def totals(self, begin: str, end: str, hours: int = 24) -> list[dict[str, Any]]:
        """Sums over calls, a step each (GET /api/v1/totals)."""
        path = f"/api/v1/totals?from={begin}&until={end}&hours={hours}"
        code, body = self._request("GET", path, patience=120)
        if code != 200:
            raise RigError(f"the box answers {code} to GET {path}: {body[:200]!r}")
        steps: list[dict[str, Any]] = json.loads(body)["steps"]
        return steps

    def record(self, call: str) -> dict[str, Any] | None:
        """The record of one call; RigError when it is there twice."""
        found = [record for record in self.calls("?limit=200") if record["call"] == call]
        if len(found) > 1:
            raise RigError(f"the call {call} has {len(found)} records")
        return found[0] if found else None

    def status_by_command(self) -> dict[str, Any]:
        """The same from `sipcall status --json`."""
        command = self._machine.command(str(binary()), "status", "--state", str(self.state), "--json")
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
        if done.returncode != 0:
            raise RigError(f"sipcall status exits with {done.returncode}: {done.stderr.strip()}")
        status: dict[str, Any] = json.loads(done.stdout)
        return status

    def in_use(self) -> dict[str, int]:
        """Whatever belongs to calls and is not zero: empty when every call has gone without a trace."""
        status = self.status()
        counts = {name: int(status[name]) for name in ("calls", "legs", "dialogs", "mediaLegs", "opusStates")}
        return {name: count for name, count in counts.items() if count}

    def footprint(self) -> Footprint:
        """Descriptors, threads and memory of all the box's processes together."""
        self.program.require_running()
        processes = self.processes()
        resident = {process: resident_kilobytes(process) for process in processes}
        return Footprint(
            sum(open_descriptors(process) for process in processes),
            sum(threads(process) for process in processes),
            sum(resident.values()),
            ", ".join(f"{command.split()[1]} {resident[process]}" for process, command in processes.items()),
        )

    def processes(self) -> dict[int, str]:
        """The box's processes and their command lines."""
        return {
            process: Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
            for process in process_tree(self.program.pid)
        }

    def core(self) -> int:
        """The process that holds SIP and media."""
        return self._part("core")

    def web(self) -> int:
        """The process that serves the page."""
        return self._part("web")

    def _part(self, name: str) -> int:
        for process, command in self.processes().items():
            if f" {name} " in f"{command} ":
                return process
        raise RigError(f"the box has no {name} process")

    def signal_core(self, number: signal.Signals) -> None:
        os.kill(self.core(), number)

    def log_text(self) -> str:
        """What the box has logged since it was started."""
        return self.program.output()

    def setup_link(self) -> str:
        """The way in to a box that nobody has claimed, as its note has it."""
        found = re.search(r"Open (\S+#setup=\S+)", (self.state / "web" / "setup-token").read_text())
        if found is None:
            raise RigError("the box's note has no link")
        return found[1]

    def open_ports(self) -> list[str]:
        """What the box listens on: `udp 5060`, `tcp 8080`."""
        shown = subprocess.run(self._machine.command("ss", "-Hlntu"), capture_output=True, text=True, check=True).stdout
        fields = [line.split() for line in shown.splitlines()]
        return sorted({f"{field[0]} {field[4].rsplit(':', 1)[1]}" for field in fields})

    def access_token(self) -> str:
        """Of the signed-in session, for a phone socket."""
        if self.session_status() != 200:
            self._go_on()
        return self._token

    def session_status(self) -> int:
        """The HTTP status of asking who is signed in: 200 or 401."""
        return self._request("GET", "/api/v1/session")[0]

    def sign_in(self, password: str) -> int:
        """The HTTP status of signing in anew: 200, or 401 for a wrong password."""
        code, body = self._request("POST", "/api/v1/session", {"user": "admin", "password": password}, SIGN_IN_PATIENCE)
        if code == 200:
            self._token = json.loads(body)["token"]
        return code

    def _go_on(self) -> bool:
        """Gets the next token with the cookie: one is good for minutes, and for one web process."""
        code, body = self._request("POST", "/api/v1/session/renewal")
        if code == 200:
            self._token = json.loads(body)["token"]
        return code == 200

    def connect(self) -> socket.socket:
        """A TCP connection to the web port, from the box's own machine."""
        with self._machine.entered():
            connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        connection.settimeout(10)
        try:
            connection.connect(("127.0.0.1", WEB_PORT))
        except OSError:
            connection.close()
            raise
        return connection

    def _signs_in(self) -> bool:
        self.program.require_running()
        try:
            code = self.sign_in(self.password)
        except OSError:
            return False
        if code == 401:
            raise RigError("the box refuses the password it was given")
        return code == 200

    def _request(
        self, method: str, path: str, body: dict[str, Any] | None = None, patience: float = 10
    ) -> tuple[int, bytes]:
        headers = {"Authorization": f"Bearer {self._token}", "Origin": f"http://127.0.0.1:{WEB_PORT}"}
        if self._cookie and path.startswith("/api/v1/session"):
            headers["Cookie"] = self._cookie
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            reply = self._send(method, path, body, headers, patience)
        except (http.client.HTTPException, ConnectionError):
            # A connection that was kept alive may have been closed meanwhile.
            self._forget_connection()
            reply = self._send(method, path, body, headers, patience)
        content = reply.read()
        if reply.will_close:
            self._forget_connection()
        if cookie := reply.headers.get("Set-Cookie"):
            self._cookie = cookie.split(";")[0]
        if reply.status == 401 and not path.startswith("/api/v1/session") and self._go_on():
            return self._request(method, path, body)
        return reply.status, content

    def _send(
        self, method: str, path: str, body: dict[str, Any] | None, headers: dict[str, str], patience: float
    ) -> http.client.HTTPResponse:
        if self._connection is None or self._connection.sock is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", WEB_PORT, timeout=5)
            self._connection.sock = self.connect()
        self._connection.sock.settimeout(patience)
        self._connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        return self._connection.getresponse()

    def _forget_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

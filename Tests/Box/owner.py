"""The box's owner at its page over https: the password is given once, then the session goes on with its cookie."""

import json
from typing import Any

from Rig.deadlines import RigError

from .machine import Machine

JAR = "/root/owner-cookies"
PAGE = "https://127.0.0.1"


class Owner:
    """Asks from the machine itself, by curl."""

    def __init__(self, machine: Machine, password: str) -> None:
        self._machine = machine
        self._password = password
        self._token = ""

    def sign_in(self) -> None:
        body = json.dumps({"user": "admin", "password": self._password})
        self._take(self._curl("-c", JAR, "-H", "Content-Type: application/json", "-H", f"Origin: {PAGE}", "--data", body, f"{PAGE}/api/v1/session"))

    def history(self) -> list[dict[str, Any]]:
        """The records of calls, the newest first."""
        code, body = self._history()
        if code == 401:
            # A token is good for minutes and for one web process.
            self._take(self._curl("-b", JAR, "-c", JAR, "-X", "POST", "-H", f"Origin: {PAGE}", f"{PAGE}/api/v1/session/renewal"))
            code, body = self._history()
        if code != 200:
            raise RigError(f"the page answers {code} to its owner who asks for the calls: {body[:200]}")
        calls: list[dict[str, Any]] = json.loads(body)["calls"]
        return calls

    def sees_the_page(self) -> bool:
        code, body = self._curl(f"{PAGE}/")
        return code == 200 and "<title>" in body

    def _history(self) -> tuple[int, str]:
        return self._curl("-H", f"Authorization: Bearer {self._token}", f"{PAGE}/api/v1/calls?limit=200")

    def _take(self, told: tuple[int, str]) -> None:
        code, body = told
        if code != 200:
            raise RigError(f"the page answers {code} to its owner who signs in: {body[:200]}")
        self._token = json.loads(body)["token"]

    def _curl(self, *arguments: str) -> tuple[int, str]:
        printed = self._machine.output("curl", "-sk", "--max-time", "5", "-w", "\n%{http_code}", *arguments)
        body, _, code = printed.rpartition("\n")
        return int(code or 0), body

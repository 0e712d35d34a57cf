"""The phone socket without a page: JSON-RPC 2.0 over a WebSocket, with a real browser's offer but no media."""

import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import websocket

from .box import WEB_PORT, Box
from .deadlines import DeadlinePassed, RigError

OFFER = (Path(__file__).parent / "configuration" / "offer.sdp").read_bytes().decode()


class CallRefused(RigError):
    """The box answered a request with an error; `code` is its stable code."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(f"{code}: {sentence}")
        self.code = code


class PhoneSocket:
    """One connection of a signed-in user. A context manager."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self._number = 0
        self._notifications: list[dict[str, Any]] = []

    def __enter__(self) -> "PhoneSocket":
        address = f"127.0.0.1:{WEB_PORT}"
        self._socket = websocket.create_connection(
            f"ws://{address}/api/v1/phone",
            socket=self._box.connect(),
            subprotocols=["sipcall.v1", f"bearer.{self._box.access_token()}"],
            origin=f"http://{address}",
            timeout=5,
        )
        self.wait_for("phone.ready", 5)
        # Only then does the core know of it; with a core that is away it does not come.
        with suppress(DeadlinePassed):
            self.wait_for("phone.calls", 3)
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def request(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The result of one request; CallRefused when the box says why not."""
        self._number += 1
        message = {"jsonrpc": "2.0", "id": self._number, "method": method, "params": parameters}
        self._socket.send(json.dumps(message))
        end = time.monotonic() + 5
        while True:
            reply = self._receive(end, f"the reply to {method}")
            if reply.get("id") == self._number:
                break
            self._notifications.append(reply)
        if error := reply.get("error"):
            raise CallRefused(error.get("data", {}).get("code", str(error["code"])), error["message"])
        result: dict[str, Any] = reply["result"]
        return result

    def start_call(self, number: str) -> str:
        """Dials; the call's identifier."""
        result = self.request("call.start", to=number, sdp=OFFER)
        if "a=ice-lite" not in result["sdp"]:
            raise RigError(f"the box's answer is not an ICE-lite one: {result['sdp'][:200]!r}")
        return str(result["call"])

    def wait_for(self, method: str, seconds: float, **expected: Any) -> dict[str, Any]:
        """The parameters of the next notification of this kind whose parameters have the `expected` values."""
        end = time.monotonic() + seconds
        while True:
            for index, message in enumerate(self._notifications):
                parameters = message.get("params", {})
                if message.get("method") == method and expected.items() <= parameters.items():
                    del self._notifications[: index + 1]
                    return dict(parameters)
            self._notifications.append(self._receive(end, f"{method} {expected or ''}"))

    def _receive(self, end: float, what: str) -> dict[str, Any]:
        self._socket.settimeout(max(0.01, end - time.monotonic()))
        try:
            message: dict[str, Any] = json.loads(self._socket.recv())
        except websocket.WebSocketTimeoutException:
            seen = [message.get("method") for message in self._notifications]
            raise DeadlinePassed(f"waited in vain for {what} on the phone socket; came: {seen}") from None
        return message

"""One call to the echo, from whatever network this runs in: `one_call.py PASSWORD`."""

import json
import ssl
import sys
import time
import urllib.request
from pathlib import Path

import websocket

PAGE = "https://127.0.0.1"
OFFER = (Path(__file__).parents[1] / "Rig" / "configuration" / "offer.sdp").read_bytes().decode()


def main(password: str) -> None:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    request = urllib.request.Request(
        f"{PAGE}/api/v1/session", json.dumps({"user": "admin", "password": password}).encode(),
        {"Content-Type": "application/json", "Origin": PAGE},
    )  # fmt: skip
    with urllib.request.urlopen(request, context=context, timeout=30) as reply:
        token = json.load(reply)["token"]
    phone = websocket.create_connection(
        "wss://127.0.0.1/api/v1/phone", subprotocols=["sipcall.v1", f"bearer.{token}"], origin=PAGE, timeout=20,
        sslopt={"cert_reqs": ssl.CERT_NONE, "check_hostname": False},
    )  # fmt: skip
    call = ask(phone, 1, "call.start", to="*43", sdp=OFFER)["call"]
    time.sleep(1)
    ask(phone, 2, "call.end", call=call)
    phone.close()


def ask(phone: websocket.WebSocket, number: int, method: str, **parameters: str) -> dict[str, str]:
    phone.send(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": parameters}))
    while (reply := json.loads(phone.recv())).get("id") != number:
        pass
    if "error" in reply:
        sys.exit(f"{method}: {reply['error']}")
    return dict(reply["result"])


if __name__ == "__main__":
    main(sys.argv[1])

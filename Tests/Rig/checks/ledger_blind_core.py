"""ledger-blind-core: who reads all of the core's memory and files cannot open a record that the core has sealed.

A sealed record opens with the box's private key alone (RFC 9180). So the private key, and every key that leads to it, is looked
for byte by byte in everything that the core has. The same search in the web process, which has to have it, must succeed: a
search that finds nothing anywhere proves nothing.
"""

import os
import re
import signal
import tempfile
from contextlib import ExitStack
from pathlib import Path

from ..benches.many_calls import sipp
from ..box import Box
from ..carrier import Account
from ..deadlines import wait_until
from ..figures import Report
from ..namespaces import Network
from ..phone_socket import PhoneSocket
from .check import Check, Fault
from .ledger_files import Keyring

CALLS = 10


def run(report: Report, fault: Fault | None) -> None:
    with tempfile.TemporaryDirectory(prefix="sipcall-check-") as name, ExitStack() as stack:
        folder = Path(name)
        network = stack.enter_context(Network())
        stack.enter_context(sipp(network.carrier, folder, "bench-answers", 5060))
        box = stack.enter_context(Box(network.box, folder, Account()))
        box.wait_for_trunk()
        with PhoneSocket(box) as phone:
            for _ in range(CALLS):
                call = phone.start_call(Account().answers)
                phone.wait_for("call.state", 10, call=call, state="active")
                phone.request("call.end", call=call)
                phone.wait_for("call.ended", 10, call=call)
        wait_until(lambda: len(box.calls("?limit=200")) >= CALLS, 10, "the calls to be in the ledger")
        _measure(report, fault, box)


def _measure(report: Report, fault: Fault | None, box: Box) -> None:
    ledger = box.state / "web" / "ledger"
    ring = Keyring.read(box.state / "web" / "master.key")
    private = ring.unwrap(ledger / "box.key", "box")
    keys = {"private key": private, "private key, hexadecimal": private.hex().encode()}
    for number, key in enumerate(ring.keys):
        keys |= {f"master key {number}": key, f"master key {number}, hexadecimal": key.hex().encode()}
    for path in ledger.glob("*.calls.key"):
        keys[path.name] = ring.unwrap(path, f"period {path.name.removesuffix('.calls.key')} calls")
    if fault is not None:
        (box.state / "core" / "note").write_bytes(b"x" * 100 + private)
    core, web = box.core(), box.web()
    with ExitStack() as still:
        for process in (core, web):
            os.kill(process, signal.SIGSTOP)
            still.callback(os.kill, process, signal.SIGCONT)
        of_core, of_web = _memory(core), _memory(web)
    files = [path for path in (box.state / "core").rglob("*") if path.is_file()]
    found = [name for name, key in keys.items() if key in of_core]
    written = [f"{name} in {path.name}" for path in files for name, key in keys.items() if key in path.read_bytes()]
    report.at_least("the-search-works", sum(key in of_web for key in keys.values()), 1, "keys in the web process's memory",
                    f"{len(keys)} keys looked for in {len(of_web) >> 20} MiB")  # fmt: skip
    report.equal("in-the-core's-memory", ", ".join(found) or "none", "none", f"{len(keys)} keys, {len(of_core) >> 20} MiB")
    report.equal("in-the-core's-files", ", ".join(written) or "none", "none", f"{len(keys)} keys, {len(files)} files")
    digits = re.sub(r"\D", "", Account().answers)[-7:].encode()
    clear = [path.name for path in files if path.name.startswith("spool") and digits in path.read_bytes()]
    report.equal("number-in-the-spool", ", ".join(clear) or "none", "none", f"{CALLS} calls to it, {digits.decode()}")


def _memory(process: int) -> bytes:
    """All that can be read of a process's memory."""
    parts = []
    with open(f"/proc/{process}/mem", "rb", buffering=0) as memory:
        for line in Path(f"/proc/{process}/maps").read_text().splitlines():
            match = re.match(r"([0-9a-f]+)-([0-9a-f]+) r", line)
            # Code and data of the program file hold no key, but cost nothing to look at either.
            if match is None or "[vvar]" in line or "[vsyscall]" in line:
                continue
            begin, end = int(match.group(1), 16), int(match.group(2), 16)
            try:
                memory.seek(begin)
                while begin < end:
                    part = memory.read(min(end - begin, 1 << 24))
                    if not part:
                        break
                    parts.append(part)
                    begin += len(part)
            except OSError:
                continue
    return b"".join(parts)


CHECK = Check(
    "ledger-blind-core",
    "Nothing in the core's memory or files opens a record that the core has sealed.",
    run,
    (Fault("told", "The private key stands in a file of the core's.", ("in-the-core's-files",)),),
)

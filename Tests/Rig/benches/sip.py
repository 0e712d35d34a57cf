"""Signalling CPU per call: pages call through the box, beside the same calls through Kamailio's stateful proxy.

The box's figure is all that its core process uses, in user space and in the kernel: the control socket, the sealed
sound connection to the page (ICE and DTLS are made ready, no packet flows), the trunk's port, SDP both ways, and
INVITE, 180, 200, ACK, BYE, 200. Not in it: the web process, the pages and sipp. Kamailio passes the same messages on,
and has one side more of SIP but no sound: the ratio says how far from a bare proxy a whole telephone exchange is.

Both are measured on the same processor core, one after the other, round by round; whoever calls and answers has the others. So
neither is slowed by its peers, and both pay alike for whatever else runs on this machine.
"""

import os
import shutil
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from ..box import Box
from ..carrier import Account, modules
from ..deadlines import RigError, wait_until
from ..namespaces import CARRIER_ADDRESS, Namespace, Network
from ..phone_socket import PhoneSocket
from ..programs import Program, cpu_seconds, pin, process_tree
from ..sip_ping import wait_for_options_reply
from .many_calls import sipp

ROUNDS = 3
CALLS = 1200
"""Of each in a round."""
PAGES = 8
RATE = 100
"""Calls a second through the proxy. Pages call as fast as they can, one after the other."""
GOAL_MILLISECONDS = 1.0
PROXY_CONFIGURATION = Path(__file__).parents[1] / "configuration" / "proxy.cfg"
_PROVIDER_PORT, _PROXY_PORT, _CALLER_PORT = 5060, 5064, 5066


@dataclass(frozen=True)
class Round:
    """What some calls cost."""

    calls: int
    seconds: float
    cpu: float

    @property
    def milliseconds(self) -> float:
        """CPU for each call."""
        return self.cpu * 1000 / self.calls


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    name: str
    rounds: tuple[Round, ...]
    whole: float
    """CPU in ms a call until the last transaction of the last call has ended, without what idling costs."""
    idle: float
    """CPU in seconds a second without any call."""


def run() -> bool:
    folder = Path(tempfile.mkdtemp(prefix="sipcall-bench-"))
    try:
        with ExitStack() as stack:
            network = stack.enter_context(Network())
            carrier = network.carrier
            answerer = stack.enter_context(sipp(carrier, folder, "bench-answers", _PROVIDER_PORT))
            proxy = stack.enter_context(_proxy(carrier, folder))
            box = stack.enter_context(Box(network.box, folder, Account()))
            box.wait_for_trunk()
            _through_box(box, 100)
            _through_proxy(carrier, folder, proxy, 100)
            _wait_for_transactions(box)
            programs = {"proxy": process_tree(proxy.pid), "box": [box.core()]}
            stack.callback(os.sched_setaffinity, 0, os.sched_getaffinity(0))
            measured, others = _cores()
            for processes in programs.values():
                pin(processes, measured)
            pin([answerer.pid, *(each for each in box.processes() if each != box.core())], others)
            # What this process starts from now on (sipp that calls), and the pages in its own threads.
            os.sched_setaffinity(0, {others})
            idle = {name: _idle(processes) for name, processes in programs.items()}
            began, before = time.monotonic(), {name: _cpu(processes) for name, processes in programs.items()}
            rounds = [(_through_proxy(carrier, folder, proxy, CALLS), _through_box(box, CALLS)) for _ in range(ROUNDS)]
            _wait_for_transactions(box)
            seconds = time.monotonic() - began
            whole = {
                name: (_cpu(processes) - before[name] - idle[name] * seconds) * 1000 / (ROUNDS * CALLS)
                for name, processes in programs.items()
            }
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    proxied, bridged = zip(*rounds, strict=True)
    return _show([
        Row("Kamailio, stateful proxy (all processes)", proxied, whole["proxy"], idle["proxy"]),
        Row("sipcall, page to trunk (core process)", bridged, whole["box"], idle["box"]),
    ])  # fmt: skip


def _through_box(box: Box, calls: int) -> Round:
    def page(count: int) -> None:
        with PhoneSocket(box) as phone:
            for _ in range(count):
                call = phone.start_call(Account().answers)
                phone.wait_for("call.state", 10, call=call, state="active")
                phone.request("call.end", call=call)
                phone.wait_for("call.ended", 10, call=call)

    core = box.core()
    began, before = time.monotonic(), cpu_seconds(core)
    with ThreadPoolExecutor(PAGES) as pool:
        for done in [pool.submit(page, calls // PAGES) for _ in range(PAGES)]:
            done.result()
    wait_until(lambda: not box.in_use(), 5, "the box to let go of its calls")
    return Round(calls // PAGES * PAGES, time.monotonic() - began, cpu_seconds(core) - before)


def _through_proxy(machine: Namespace, folder: Path, proxy: Program, calls: int) -> Round:
    processes = process_tree(proxy.pid)
    began, before = time.monotonic(), _cpu(processes)
    target = f"{CARRIER_ADDRESS}:{_PROXY_PORT}"
    rate = ["-m", str(calls), "-r", str(RATE)]
    with sipp(machine, folder, "bench-calls", _CALLER_PORT, target, rate) as caller:
        if (code := caller.wait_for_exit(calls / RATE + 30)) != 0:
            errors = (folder / "bench-calls.errors").read_text(errors="replace")[:600]
            raise RigError(f"calls through the proxy failed: sipp exits with {code}: {errors}")
    return Round(calls, time.monotonic() - began, _cpu(processes) - before)


def _cores() -> tuple[int, int]:
    """The core that both are measured on, and the one for everybody else; with a single one both share it with the rest."""
    cores = sorted(os.sched_getaffinity(0))
    return cores[-1], cores[0]


def _cpu(processes: list[int]) -> float:
    return sum(map(cpu_seconds, processes))


def _idle(processes: list[int]) -> float:
    """CPU seconds a second without any call."""
    began, before = time.monotonic(), _cpu(processes)
    time.sleep(5)
    return (_cpu(processes) - before) / (time.monotonic() - began)


def _wait_for_transactions(box: Box) -> None:
    """By RFC 3261 each call leaves transactions for 32 s."""
    wait_until(lambda: box.status()["transactions"] == 0, 60, "all SIP transactions to end", pause=0.5)


def _proxy(machine: Namespace, folder: Path) -> Program:
    configuration, runtime = folder / "proxy.cfg", folder / "proxy-run"
    runtime.mkdir()
    text = PROXY_CONFIGURATION.read_text()
    for key, value in {"PORT": _PROXY_PORT, "NEXT": _PROVIDER_PORT, "MODULES": modules()}.items():
        text = text.replace(f"@{key}@", str(value))
    configuration.write_text(text)
    command = ["kamailio", "-DD", "-E", "-m", "128", "-M", "16", "-Y", str(runtime), "-f", str(configuration)]
    program = Program("kamailio", machine.command(*command), folder / "proxy.log")
    wait_for_options_reply(machine, (CARRIER_ADDRESS, _PROXY_PORT), 10, program.require_running)
    return program


def _show(rows: list[Row]) -> bool:
    peer = rows[0].whole
    measured, others = _cores()
    place = f"both on core {measured}, the others on core {others}"
    print(f"bench sip: signalling CPU in ms a call, {ROUNDS} rounds of {CALLS} calls each, {place}")
    print(f"  {'':40}  calls/s  a call  ratio  until it is answered and ended, by round  idle, ms/s")
    for row in rows:
        rate = statistics.median(each.calls / each.seconds for each in row.rounds)
        each = " ".join(f"{one.milliseconds:.2f}" for one in row.rounds)
        print(
            f"  {row.name:40}  {rate:7.0f}  {row.whole:6.2f}  {row.whole / peer:5.2f}  {each:41}"
            f"  {row.idle * 1000:10.1f}"
        )
    print(
        '  "A call" holds everything up to the end of its last transaction, 32 s later. Included: SIP, SDP, the control'
    )
    print(
        "  socket, the page's sound connection made ready. Not included: the web process, media packets, pages, sipp."
    )
    if measured == others:
        print("  NOTE: this machine has one core: callers and answerers share it, and all figures are the worse for it.")
    ours = rows[1].whole
    ok = ours <= GOAL_MILLISECONDS
    print(
        f"bench sip: {ours:.3f} ms CPU a call (goal ≤ {GOAL_MILLISECONDS:g} ms) {'ok' if ok else 'FALLS SHORT'}",
        flush=True,
    )
    return ok

"""sip-interop: the box against Kamailio, baresip, linphonec and sipp, and every odd message flow that sipp can play."""

import os
import re
import signal
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from ..deadlines import RigError
from ..figures import Figure, Report
from ..interop import peers
from ..interop.matrix import COLUMNS, Matrix
from ..interop.patience import VIGILS, keep
from ..interop.provider_flows import FLOWS, play_flow
from ..interop.scenarios import EVERYWHERE, INBOUND, OUR_CHANGES, OUTBOUND, OVER_STREAMS, TRANSFERS
from ..interop.stage import Scenario, open_stage, play
from ..provider import lose
from ..rig import LOGS_NOTE
from .check import Check, Fault, broken_by

PLAYED = "as it must be"
AT_ONCE = 2
ONLY = "SIPCALL_SCENARIOS"
"""A regular expression in the environment: only the scenarios that it matches are played; also "peers", "vigils"."""


def run(report: Report, fault: Fault | None) -> None:
    if fault is not None:
        _broken(report, fault)
        return
    every = (*OUTBOUND, *INBOUND, *OUR_CHANGES, *TRANSFERS)
    with ThreadPoolExecutor(len(VIGILS)) as pool:
        # They wait for minutes, and do so beside all the others.
        waiting = [pool.submit(keep, row) for row in VIGILS if _is_wanted("vigils")]
        matrix = Matrix()
        with ThreadPoolExecutor(AT_ONCE) as others:
            # Mostly they wait for telephones and for sipp, so two at a time cost little more than one.
            played = [others.submit(_elsewhere, matrix, every, *column) for column in COLUMNS]
            _play(report, matrix, every, "udp")
            for one in played:
                report.figures += one.result()
        # Its name server stands in for the machine's own, so nobody else's may start meanwhile.
        for name in filter(_is_wanted, FLOWS):
            found = play_flow(name)
            report.equal(f"udp-{name}", found or PLAYED, PLAYED, (FLOWS[name].__doc__ or "").rstrip("."))
        for row in waiting:
            for name, found in row.result():
                report.equal(f"udp-{name}", found or PLAYED, PLAYED, "sipp and a real page")
    print(matrix, flush=True)
    if not os.environ.get(ONLY):
        left_out = matrix.missing([*EVERYWHERE, *peers.FLOWS])
        report.equal("matrix", "; ".join(left_out) or "whole", "whole", f"{len(COLUMNS)} transports and families")
    good, count = len(report.figures) - len(report.short), len(report.figures)
    report.equal("all", f"{good} of {count} scenarios", f"{count} of {count} scenarios", "each of them above")


def _is_wanted(name: str) -> bool:
    return re.search(os.environ.get(ONLY, ""), name) is not None


def _elsewhere(matrix: Matrix, every: tuple[Scenario, ...], transport: str, ipv6: bool) -> list[Figure]:
    """What is played over each transport and family; over UDP and IPv4 the scenarios are played anyhow."""
    report = Report(CHECK.name)
    names = EVERYWHERE + (OVER_STREAMS if (transport, ipv6) == ("tcp", False) else ())
    if (transport, ipv6) != ("udp", False):
        _play(report, matrix, [each for each in every if each.name in names], transport, ipv6)
    if _is_wanted("peers"):
        for what, found in peers.meet(transport, ipv6):
            matrix.note(what, transport, ipv6, not found)
            name = f"{transport}-{'ipv6' if ipv6 else 'ipv4'}-{what}"
            report.equal(name, found or PLAYED, PLAYED, "digest, held by either side, hung up by either side")
    return report.figures


def _play(
    report: Report, matrix: Matrix, scenarios: Sequence[Scenario], transport: str, ipv6: bool = False
) -> None:
    chosen = [each for each in scenarios if _is_wanted(each.name)]
    if not chosen:
        return
    with open_stage(transport, ipv6) as stage:
        for scenario in chosen:
            found = play(stage, scenario)
            matrix.note(scenario.name, transport, ipv6, not found)
            samples = f"sipp {scenario.sipp}.xml" + (f", {LOGS_NOTE}{stage.folder}/{scenario.sipp}" if found else "")
            report.equal(f"{transport}{'-ipv6' if ipv6 else ''}-{scenario.name}", found or PLAYED, PLAYED, samples)


def _broken(report: Report, fault: Fault) -> None:
    scenario = next(each for each in OUTBOUND if each.name == "answered")
    with open_stage() as stage, ExitStack() as stack:
        if broken_by(fault, "frozen-core"):
            core = stage.box.core()
            os.kill(core, signal.SIGSTOP)
            stack.callback(os.kill, core, signal.SIGCONT)
        meddlings = {"deaf-peer": lambda: (lose("^ACK"),), "mute-peer": lambda: (lose("^SIP/2.0 200 .* BYE"),)}
        try:
            found = play(
                stage, Scenario(scenario.name, scenario.sipp, scenario.steps, meddlings.get(fault.name, tuple))
            )
        except (RigError, OSError) as error:
            found = str(error)
        report.equal(f"udp-{scenario.name}", found or PLAYED, PLAYED, f"sipp {scenario.sipp}.xml")


CHECK = Check(
    "sip-interop",
    "Kamailio, baresip, linphonec and sipp over UDP, TCP and TLS, IPv4 and IPv6: every message flow ends as it must.",
    run,
    (
        Fault("frozen-core", "The core stands still.", ("udp-answered",)),
        Fault("deaf-peer", "The provider loses every ACK.", ("udp-answered",)),
    ),
)

"""sipp that plays one scenario for many calls at a time."""

from collections.abc import Sequence
from pathlib import Path

from ..namespaces import Namespace
from ..programs import Program
from ..sip_ping import wait_for_options_reply
from ..sipp import CALLER, FOLDER, expand


def sipp(
    machine: Namespace, folder: Path, scenario: str, port: int, target: str | None = None, more: Sequence[str] = ()
) -> Program:
    """A running sipp at `port`. It calls `target`, a host and a port; without one it waits for calls."""
    file = folder / f"{scenario}.xml"
    file.write_text(expand((FOLDER / f"{scenario}.xml").read_text()))
    here = f"{machine.address}:{port}"
    keys = {
        "here": here,
        "way": "udp",
        "via_protocol": "UDP",
        "ip": "IP4",
        "media_host": machine.address,
        "box": f"sip:{target or here}",
        "caller": CALLER,
    }
    command = ["sipp", target or here, "-sf", str(file), "-i", machine.address, "-p", str(port), "-nostdin"]
    command += ["-trace_err", "-error_file", str(folder / f"{scenario}.errors")]
    command += ["-l", "8000", "-deadcall_wait", "0", *more]
    for key, value in keys.items():
        command += ["-key", key, value]
    program = Program(f"sipp {scenario}", machine.command(*command), folder / f"{scenario}.log")
    if target is None:
        wait_for_options_reply(machine, (machine.address, port), 5, program.require_running)
    return program

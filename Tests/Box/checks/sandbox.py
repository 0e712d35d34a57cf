"""sandbox: each process can do what it needs and nothing else, and each directive is shown to be what refuses the rest."""

from Rig.checks.check import Check, Fault, broken_by
from Rig.figures import Report

from ..machine import Machine
from ..package import install, package
from ..preparation import prepare
from ..sandbox import ALLOWED, NOT_PROVABLE, PARTS, exposure, make_ready, probe, unproven, without_effect
from ..upkeep import claim

# The backup reads and restores what belongs to others; the renewal is root by name.
GOALS = {"core": 1.5, "web": 1.5, "backup": 2.5, "acme": 1.6}
HARDENING = ("Protect", "Private", "Restrict", "NoExec", "Inaccessible", "MemoryDeny", "SystemCall", "Capability", "NoNew")


def run(report: Report, fault: Fault | None) -> None:
    without = HARDENING if broken_by(fault, "open") else ()
    with Machine("sandbox") as machine:
        install(machine, package())
        claim(machine)
        make_ready(machine)
        for part in PARTS:
            unit = f"sipcall-{part}.service"
            if without:
                unit = f"probe-{part}.service"
            results = probe(machine, part, without)
            done = {what for what, outcome in results.items() if outcome == "done"}
            samples = f"{len(results)} things tried from inside"
            report.equal(f"{part}-escapes", ", ".join(sorted(done - ALLOWED[part])) or "none", "none", samples)
            report.equal(f"{part}-lacks", ", ".join(sorted(ALLOWED[part] - done)) or "nothing", "nothing", samples)
            report.at_most(f"{part}-exposure", exposure(machine, unit), GOALS[part], "", f"systemd-analyze security {unit}")
        if without:
            return
        for part in PARTS:
            idle, count = without_effect(machine, part)
            report.equal(f"{part}-directives-without-effect", ", ".join(idle) or "none", "none", f"{count} tried, one by one")
            missing = ", ".join(unproven(part)) or "none"
            report.equal(f"{part}-directives-not-looked-at", missing, "none", f"{len(NOT_PROVABLE)} cannot be shown here")


CHECK = Check(
    "sandbox",
    f"Each process does what it needs and nothing else; systemd rates its exposure at most {GOALS['core']}, a backup's {GOALS['backup']}.",
    run,
    (Fault("open", "The units lack their sandbox.", tuple(f"{part}-{what}" for part in PARTS for what in ("escapes", "exposure"))),),
    prepare,
)

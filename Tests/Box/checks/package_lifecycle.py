"""package-lifecycle: installed, called through, upgraded, rebooted, downgraded in vain, purged; small, and to Debian's taste."""

import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from Rig.calls import CODECS, report_callee_tone, report_page_tone, talk
from Rig.checks.check import Check, Fault, broken_by
from Rig.checks.inbound_call import answered_call
from Rig.deadlines import RigError, wait_until
from Rig.figures import Report
from Rig.rig import Rig, open_rig

from ..debian_tests import autopkgtest, lintian, piuparts
from ..installed_box import InstalledBox, installed
from ..machine import Machine
from ..owner import Owner
from ..package import UNITS, footprint, install, package, renumbered
from ..preparation import prepare
from ..upkeep import CHANGE, Kept, unit_memory, wait_for_units

READY_GOAL_SECONDS = 5
UPGRADES = 20
CALLS = 2
"""One out, one in."""
BACKUPS = "/var/backups/sipcall"
# What a purge leaves on purpose: accounts (a number given away again would own files of theirs elsewhere).
LEFT_ON_PURPOSE = "account sipcall"


def run(report: Report, fault: Fault | None) -> None:
    with tempfile.TemporaryDirectory(prefix="sipcall-package-") as name, ThreadPoolExecutor(1) as beside:
        folder = Path(name)
        deb = _broken_package(folder, fault)
        judged = None
        with Machine("lifecycle") as machine:
            machine.run("mkdir", "-p", "/etc/credstore")
            before = footprint(machine)
            if broken_by(fault, "never-ready"):
                _never_ready(machine)
            _install(report, machine, deb)
            # The installation had the machine for itself.
            if fault is None or broken_by(fault, "stray-file"):
                judged = beside.submit(_judgements, deb, folder)
            if fault is None:
                complaint = autopkgtest(machine, deb)
                report.equal("autopkgtest", complaint or "passes", "passes", "debian/tests on this machine")
            _purge(report, machine, before)
        if fault is None or fault.name in FORGETFUL:
            with open_rig(make_box=installed()) as rig:
                _use(report, rig, folder, fault)
        if judged is not None:
            complaints, unpacking = judged.result()
            report.equal("lintian", "; ".join(complaints) or "nothing", "nothing", "errors and warnings")
            report.equal("piuparts", unpacking or "passes", "passes", "install, upgrade, remove, purge in a bare tree")


def _install(report: Report, machine: Machine, deb: Path) -> None:
    began = time.monotonic()
    shown = install(machine, deb)
    ready = [unit for unit in UNITS if machine.is_active(unit)]
    seconds = time.monotonic() - began
    report.at_most("apt-install-to-ready", seconds, READY_GOAL_SECONDS, "s", f"{len(ready)} units, 1 installation")
    report.equal("units-ready", len(ready), len(UNITS), ", ".join(UNITS))
    if len(ready) < len(UNITS):
        return
    told = [word for word in ("https://", "sipcall setup-url", "man sipcall.toml") if word in shown]
    report.equal("terminal-says-where-to-go", len(told), 3, "address, the way in, manual")
    report.at_most("deb", deb.stat().st_size / 1e6, 25, "MB", deb.name)
    installed = int(machine.output("dpkg-query", "-W", "-f=${Installed-Size}", "sipcall")) * 1024
    report.at_most("installed", installed / 1e6, 100, "MB", "Installed-Size")
    # What starting took has been given back by then, and nothing was lent yet.
    time.sleep(2)
    memory = unit_memory(machine)
    samples = ", ".join(f"{process} {size / 1e6:.0f}" for process, size in memory.items())
    report.at_most("idle-memory", sum(memory.values()) / 1e6, 90, "MB", f"RSS: {samples}")


def _use(report: Report, rig: Rig, folder: Path, fault: Fault | None) -> None:
    """Called through, then upgraded and rebooted again and again, and purged with all that it has kept by then."""
    assert isinstance(rig.box, InstalledBox)
    machine, owner = rig.box.systemd, Owner(rig.box.systemd, rig.box.password)
    _call(report, rig)
    owner.sign_in()
    wait_until(lambda: len(owner.history()) == CALLS, 10, f"{CALLS} calls to be in the history")
    _upgrade(report, rig, owner, folder, fault)
    if fault is None:
        machine.shell(f"install -d {BACKUPS}; touch {BACKUPS}/one.age {BACKUPS}/PURGE-WITH-PACKAGE")
        machine.run("apt-get", "purge", "--yes", "--quiet", "sipcall")
        left = machine.shell("ls -d /etc/sipcall /run/sipcall /var/lib/sipcall /var/backups/sipcall 2>/dev/null || true")
        samples = "after calls and upgrades, backups among it whose owner said that they may go"
        report.equal("left-after-purge-of-a-used-box", left or "nothing", "nothing", samples)


def _upgrade(report: Report, rig: Rig, owner: Owner, folder: Path, fault: Fault | None) -> None:
    """Each version is newer than the one before, and every one is followed by a reboot."""
    assert isinstance(rig.box, InstalledBox)
    machine = rig.box.systemd
    turns = UPGRADES if fault is None else 1
    machine.shell(f"echo '{CHANGE}' >>/etc/sipcall/sipcall.toml")
    kept, history = Kept.of(machine), owner.history()
    restarted, slowest = 0, 0.0
    differences, forgotten, pages = set(), set(), 0
    for turn in range(turns):
        process = machine.main_process("sipcall-core")
        newer = renumbered(package(), f"9.0.{turn:02}", folder, FORGETFUL[fault.name] if fault is not None else None)
        install(machine, newer)
        newer.unlink()
        wait_for_units(machine)
        restarted += machine.main_process("sipcall-core") != process
        machine.reboot()
        began = time.monotonic()
        wait_for_units(machine)
        slowest = max(slowest, time.monotonic() - began)
        # Both that turn's upgrade and its reboot have happened to it by now.
        differences.add(kept.difference(Kept.of(machine)))
        pages += owner.sees_the_page()
        forgotten.add(_difference(history, owner))
    samples = f"{turns} upgrades, each followed by a reboot"
    report.equal("upgrades-running-the-new-version", restarted, turns, samples)
    report.at_most("slowest-start-after-boot", slowest, READY_GOAL_SECONDS, "s", f"{turns} boots")
    report.equal("changed-by-upgrades", "; ".join(sorted(differences - {""})) or "nothing", "nothing", samples)
    report.equal("calls-changed-by-upgrades", "; ".join(sorted(forgotten - {""})) or "nothing", "nothing", f"{len(history)} calls in the history, {samples}")
    report.equal("pages-after-boot", pages, turns, "fetched by https from port 443")


def _difference(history: list[dict[str, Any]], owner: Owner) -> str:
    try:
        found = owner.history()
    except RigError as error:
        return str(error)
    return "" if found == history else f"{len(found)} records, other than the {len(history)} before"


def _purge(report: Report, machine: Machine, before: set[str]) -> None:
    machine.shell("install -m 0600 /dev/stdin /etc/credstore/sipcall.trunk.password <<X\nhidden\nX")
    machine.shell("install -m 0600 /dev/stdin /etc/credstore/sipcall.master-key <<X\nhidden\nX")
    # Encrypted backups may be the last copy: without their owner's word they stay.
    machine.shell(f"install -d {BACKUPS}; touch {BACKUPS}/one.age")
    machine.run("apt-get", "purge", "--yes", "--quiet", "sipcall")
    kept = machine.shell(f"ls {BACKUPS} || true")
    report.equal("backups-after-purge", kept, "one.age", "nobody said that they may go")
    machine.shell(f"rm -rf {BACKUPS}")
    left = sorted(line for line in footprint(machine) - before if not line.startswith(LEFT_ON_PURPOSE))
    running = machine.shell("pgrep -u sipcall-core,sipcall-web || true")
    report.equal("left-after-purge", ", ".join(left) or "nothing", "nothing", f"{len(before)} files and accounts before")
    report.equal("running-after-purge", running or "nothing", "nothing", "processes of its users")


def _call(report: Report, rig: Rig) -> None:
    """From a page of the box to a telephone behind the provider, and back."""
    codec = CODECS[0]
    phone = rig.phone(f"?codec={codec}&dsp=off")
    rig.answers.forget_recordings()
    phone.dial(rig.account.answers)
    phone.wait_for_state("active", seconds=10)
    tone, statistics = talk(phone, 4)
    phone.press("hangup")
    rig.answers.wait_for("CALL_CLOSED", 3)
    phone.wait_for_state("idle", "ended", seconds=3)
    report_page_tone(report, "call-out", tone, statistics, codec)
    report_callee_tone(report, "call-out", rig.answers)
    phone.page.close()
    answered_call(rig, report, codec, None, "call-in")
    wait_until(lambda: not rig.box.in_use(), 10, "the box to let go of the calls")


def _judgements(deb: Path, folder: Path) -> tuple[list[str], str]:
    return lintian(deb), piuparts(deb, renumbered(deb, "9.9.9", folder), folder)


def _broken_package(folder: Path, fault: Fault | None) -> Path:
    changes = {"slow-script": _slow_script, "stray-file": _stray_file, "fat": _fat}
    change = changes.get(fault.name) if fault is not None else None
    return renumbered(package(), "0.0.1", folder, change) if change is not None else package()


def _script(contents: Path, line: str) -> None:
    script = contents / "DEBIAN" / "postinst"
    script.write_text(script.read_text().replace("set -e\n", f"set -e\n{line}\n", 1))


def _slow_script(contents: Path) -> None:
    _script(contents, f"sleep {READY_GOAL_SECONDS}")


def _stray_file(contents: Path) -> None:
    _script(contents, "echo stray >/etc/sipcall-stray")


def _forget(contents: Path) -> None:
    _script(contents, "rm -f /var/lib/sipcall/web/accounts.sqlite")


def _forget_calls(contents: Path) -> None:
    _script(contents, "systemctl stop sipcall-web; find /var/lib/sipcall/web -name '*.calls.sqlite*' -delete")


def _fat(contents: Path) -> None:
    (contents / "usr" / "share" / "sipcall" / "ballast").write_bytes(os.urandom(110_000_000))
    control = contents / "DEBIAN" / "control"
    control.write_text(control.read_text().replace("Installed-Size: ", "Installed-Size: 1"))


def _never_ready(machine: Machine) -> None:
    machine.shell(
        "install -D -m 0644 /dev/stdin /etc/systemd/system/sipcall-core.service.d/rig.conf <<X\n"
        "[Service]\nExecStart=\nExecStart=/usr/bin/sleep infinity\nTimeoutStartSec=8\nRestart=no\nX"
    )


FORGETFUL = {"forgetful-upgrade": _forget, "forgetful-ledger": _forget_calls}
"""Faults of upgrades, and what they do to the package."""

CHECK = Check(
    "package-lifecycle",
    f"apt install to ready in {READY_GOAL_SECONDS} s, calls both ways, {UPGRADES} upgrades and reboots, a purge without a trace.",
    run,
    (
        Fault("never-ready", "The core never says that it is ready.", ("units-ready", "apt-install-to-ready")),
        Fault("slow-script", "The package's script takes 5 s longer.", ("apt-install-to-ready",)),
        Fault("stray-file", "The package's script leaves a file behind.", ("left-after-purge", "piuparts")),
        Fault("fat", "The package holds 110 MB more.", ("/deb$", "/installed$")),
        Fault("forgetful-upgrade", "An upgrade deletes the page's password.", ("/changed-by-upgrades",)),
        Fault("forgetful-ledger", "An upgrade deletes the records of calls.", ("calls-changed-by-upgrades",)),
    ),
    prepare,
)

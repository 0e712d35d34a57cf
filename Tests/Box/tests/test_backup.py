"""The box backed up by its own unit, and brought back on another machine with the recovery key alone."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from Box.machine import Machine
from Box.package import debug_options, install, package
from Box.sandbox import ALLOWED, exposure, make_ready, probe
from Box.upkeep import claim, wait_for_units, waits_to_be_claimed
from Rig.box import PASSWORD
from Rig.deadlines import wait_until

BACKUPS = "/var/backups/sipcall"
UNIT = "sipcall-backup.service"
HOOK = "#!/bin/sh\nmkdir -p /var/backups/sipcall/elsewhere\ncp \"$@\" /var/backups/sipcall/elsewhere\n"
CALL = (Path(__file__).parents[1] / "one_call.py").resolve()


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with Machine("backup", options=debug_options()) as machine:
        install(machine, package())
        wait_for_units(machine)
        claim(machine)
        yield machine


@pytest.fixture(scope="module")
def identity(machine: Machine) -> str:
    """The recovery key, as its owner keeps it."""
    shown = machine.output("sipcall", "recovery-key")
    found = re.search(r"AGE-SECRET-KEY-1[0-9A-Z]+", shown)
    assert found, shown
    return found.group()


@pytest.fixture(scope="module")
def password() -> str:
    """Of the page."""
    return PASSWORD


@pytest.fixture(scope="module")
def backup(machine: Machine, identity: str, password: str) -> str:
    """The path of a backup with a call in it, made by the unit."""
    machine.shell("echo '# marked by the test' >>/etc/sipcall/sipcall.toml")
    machine.shell("install -D -m 0600 /dev/stdin /etc/credstore/sipcall.trunk.password <<X\nhidden\nX")
    machine.shell(f"cat >/etc/sipcall/backup.d/50-copy <<'X'\n{HOOK}X\nchmod +x /etc/sipcall/backup.d/50-copy")
    call(machine, password)
    before = set(files(machine))
    started = machine.run("systemctl", "start", UNIT, check=False, seconds=300)
    assert started.returncode == 0, machine.journal(UNIT)
    (made,) = set(files(machine)) - before
    return made


def call(machine: Machine, password: str) -> None:
    subprocess.run(machine.reaching(sys.executable, str(CALL), password), check=True, timeout=60)
    wait_until(lambda: history(machine), 15, "the call to be in the ledger")


def history(machine: Machine) -> list[str]:
    done = machine.run("sipcall", "calls", "--json", "--numbers", check=False)
    return [line for line in done.stdout.splitlines() if line.startswith("{")] if done.returncode == 0 else []


def files(machine: Machine) -> list[str]:
    return machine.shell(f"ls {BACKUPS}/*.age 2>/dev/null || true").split()


def check(machine: Machine, name: str) -> dict[str, str]:
    report = json.loads(machine.run("sipcall", "doctor", "--json", check=False, seconds=60).stdout)
    return next(found for found in report["checks"] if found["check"] == name)


def test_the_timer_is_enabled_and_a_box_without_a_recovery_key_says_so(machine: Machine) -> None:
    for unit in ("sipcall-backup.timer", "sipcall-backup.path"):
        assert machine.is_active(unit)
        assert machine.output("systemctl", "is-enabled", unit) == "enabled"
    machine.run("systemctl", "start", UNIT)
    assert files(machine) == []
    found = check(machine, "backup")
    assert found["verdict"] == "warning" and "recovery-key" in found["remedy"]


def test_the_unit_makes_a_proven_backup_and_leaves_nothing_in_the_clear(machine: Machine, backup: str) -> None:
    assert check(machine, "backup")["verdict"] == "ok", check(machine, "backup")
    status = json.loads(machine.output("sipcall", "status", "--json"))
    assert status["backup"]["hasRecoveryKey"] and status["backup"].get("problem") is None
    assert "made and proven" in machine.output("sipcall", "status")
    left = machine.shell("ls -A /var/lib/sipcall; ls -A /var/lib/sipcall/web").split()
    assert ".backup" not in left and "handover" not in left
    names = machine.shell(f"ls -A {BACKUPS}").split()
    assert sorted(names) == sorted([Path(backup).name, Path(backup).name.replace(".tar.zst.age", ".json"), "erasures", "elsewhere"])
    assert len(machine.shell(f"ls {BACKUPS}/elsewhere").split()) == 3
    written = machine.journal(UNIT).lower()
    for complaint in ("not permitted", "permission denied", "read-only file system", "hidden"):
        assert complaint not in written


def test_a_backup_that_fails_is_told_until_one_succeeds(machine: Machine, backup: str) -> None:
    machine.shell("printf '#!/bin/sh\\necho no way >&2\\nexit 3\\n' >/etc/sipcall/backup.d/90-bad")
    machine.shell("chmod +x /etc/sipcall/backup.d/90-bad")
    assert machine.run("systemctl", "start", UNIT, check=False, seconds=300).returncode != 0
    found = check(machine, "backup")
    assert found["verdict"] == "fault" and "90-bad" in found["sentence"] and found["remedy"]
    assert "90-bad" in machine.output("sipcall", "status")
    machine.shell("rm /etc/sipcall/backup.d/90-bad")
    machine.run("systemctl", "reset-failed", UNIT)
    machine.run("systemctl", "start", UNIT, seconds=300)
    assert check(machine, "backup")["verdict"] == "ok"


def test_one_that_is_stopped_leaves_nothing(machine: Machine, backup: str) -> None:
    before = files(machine)
    # It stands still in its first program, with everything in the clear in its own directory.
    machine.shell("mkdir -p /etc/systemd/system/sipcall-backup.service.d; mv /usr/bin/zstd /usr/bin/zstd.real")
    machine.shell("printf '#!/bin/sh\\nsleep 60\\n' >/usr/bin/zstd; chmod +x /usr/bin/zstd")
    try:
        machine.run("systemctl", "start", "--no-block", UNIT)
        wait_until(lambda: machine.run("test", "-e", "/var/lib/sipcall/.backup/handover/web", check=False).returncode == 0, 60, "the copy")
        machine.run("systemctl", "stop", UNIT)
    finally:
        machine.shell("mv /usr/bin/zstd.real /usr/bin/zstd")
    left = machine.shell(f"ls -A /var/lib/sipcall /var/lib/sipcall/web {BACKUPS}").split()
    assert ".backup" not in left and "handover" not in left and not [name for name in left if name.endswith(".new")]
    assert files(machine) == before
    machine.run("systemctl", "reset-failed", UNIT, check=False)


def test_an_erasure_is_followed_by_a_backup_at_once(machine: Machine, backup: str) -> None:
    before = machine.show(UNIT, "ExecMainStartTimestampMonotonic")
    machine.run("sipcall", "privacy", "erase", "+49 30 99887766", "--yes", seconds=60)
    wait_until(lambda: machine.show(UNIT, "ExecMainStartTimestampMonotonic") != before, 30, "the backup to start")
    wait_until(lambda: not machine.show(UNIT, "ActiveState").startswith("activ"), 120, "the backup to end")
    assert machine.show(UNIT, "Result") == "success", machine.journal(UNIT)


def entries(machine: Machine, path: str) -> list[bytes]:
    """Of an erasure list, in no order: five bytes, then 41 for each, then the mark."""
    body = (machine.files / path.lstrip("/")).read_bytes()[5:-32]
    return sorted(body[start : start + 41] for start in range(0, len(body), 41))


def test_an_erasure_while_a_backup_runs_is_in_the_next_one_at_once(machine: Machine, backup: str) -> None:
    before = machine.journal(UNIT).count("Proving:")
    # A hook runs last: the copy was made long before.
    machine.shell("""cat >/etc/sipcall/backup.d/60-erase <<'X'
#!/bin/sh
[ ! -e /var/backups/sipcall/erased-once ] || exit 0
touch /var/backups/sipcall/erased-once
exec sipcall privacy erase '+49 30 55443322' --yes
X
chmod +x /etc/sipcall/backup.d/60-erase""")
    try:
        started = machine.run("systemctl", "start", UNIT, check=False, seconds=300)
        assert started.returncode == 0, machine.journal(UNIT)
    finally:
        machine.shell("rm /etc/sipcall/backup.d/60-erase; rm -f /var/backups/sipcall/erased-once")
    written = machine.journal(UNIT)
    assert written.count("Proving:") - before == 2 and "erased meanwhile" in written, written
    # What was kept apart from the backups is the list as it is now.
    assert entries(machine, f"{BACKUPS}/erasures") == entries(machine, "/var/lib/sipcall/web/ledger/erasures")


def test_its_sandbox_lets_through_what_a_backup_needs_and_nothing_else(machine: Machine, backup: str) -> None:
    make_ready(machine)
    results = probe(machine, "backup")
    done = {what for what, outcome in results.items() if outcome == "done"}
    assert done == ALLOWED["backup"]
    assert results["core dumps"] == "(0, 0)" and results["no new privileges"] == "1" and results["mode of a new file"] == "600"
    rating = exposure(machine, UNIT)
    print(f"exposure {rating}, {len(results)} things tried")
    assert rating <= 2.5
    bare = probe(machine, "backup", ("Protect", "Private", "Restrict", "NoExec", "Memory", "SystemCall", "Capability", "NoNew"))
    assert len({what for what, outcome in bare.items() if outcome == "done"} - ALLOWED["backup"]) > 10


def test_a_fresh_box_has_history_and_settings_back(machine: Machine, backup: str, identity: str, password: str) -> None:
    calls = history(machine)
    assert calls
    newest = files(machine)[-1]
    with Machine("fresh", options=debug_options()) as fresh:
        install(fresh, package())
        wait_for_units(fresh)
        assert history(fresh) == []
        (fresh.files / "root/key").write_text(identity + "\n")
        for path in (newest, f"{BACKUPS}/erasures"):
            (fresh.files / "root" / Path(path).name).write_bytes((machine.files / path.lstrip("/")).read_bytes())
        place = f"/root/{Path(newest).name}"
        wrong = fresh.run("sipcall", "restore", place, "--identity", "/etc/hostname", "--yes", check=False, seconds=120)
        assert wrong.returncode != 0 and fresh.is_active("sipcall-web.service")
        done = fresh.run("sipcall", "restore", place, "--identity", "/root/key", "--yes", check=False, seconds=300)
        assert done.returncode == 0, done.stdout + done.stderr
        wait_for_units(fresh)
        wait_until(lambda: history(fresh), 20, "the ledger to open")
        assert history(fresh) == calls
        assert "# marked by the test" in fresh.output("cat", "/etc/sipcall/sipcall.toml")
        assert fresh.output("cat", "/etc/credstore/sipcall.trunk.password") == "hidden"
        modes = fresh.output("stat", "--format=%a %U:%G", "/etc/sipcall", "/etc/sipcall/sipcall.toml", "/var/lib/sipcall/web")
        assert modes.split("\n") == ["750 root:sipcall", "640 root:sipcall", "700 sipcall-web:sipcall-web"]
        # The restored box has its owner: the core is told, and opens its ports.
        wait_until(lambda: not waits_to_be_claimed(fresh), 20, "the core to open its ports")
        # A box in use, which the former password opens: what is there is backed up before, and a refusal stops nothing.
        call(fresh, password)
        assert len(history(fresh)) == len(calls) + 1
        started = fresh.show("sipcall-core.service", "ActiveEnterTimestampMonotonic")
        fresh.shell("mkdir /root/alone; mv /root/sipcall-*.age /root/alone; rm -f /root/erasures")
        lists = "/var/backups/sipcall/erasures /var/lib/sipcall/web/ledger/erasures"
        fresh.shell(f"for list in {lists}; do [ ! -e $list ] || mv $list $list.away; done")
        place = f"/root/alone/{Path(newest).name}"
        refused = fresh.run("sipcall", "restore", place, "--identity", "/root/key", "--yes", check=False, seconds=120)
        assert "restore.no-erasure-list" in refused.stderr
        assert started == fresh.show("sipcall-core.service", "ActiveEnterTimestampMonotonic")
        fresh.shell(f"for list in {lists}; do [ ! -e $list.away ] || mv $list.away $list; done")
        # The list has changed, which is a backup by itself.
        wait_until(
            lambda: fresh.show("sipcall-backup.service", "ActiveState") in ("inactive", "failed"), 60, "that backup's end"
        )
        again = fresh.run("sipcall", "restore", place, "--identity", "/root/key", "--yes", seconds=300)
        kept = re.search(r"What is there now is backed up: (\S+)", again.stdout)
        assert kept, again.stdout
        shown = fresh.run("sipcall", "restore", kept.group(1), "--identity", "/root/key", "--check", seconds=120).stdout
        assert "A whole backup" in shown
        wait_for_units(fresh)
        wait_until(lambda: history(fresh) == calls, 20, "the restored history")
        # What the restores put aside holds the former passwords: a purge takes it along.
        aside = "ls -d /etc/sipcall.before-* /etc/credstore/*.before-* /var/lib/sipcall/replaced-* 2>/dev/null || true"
        assert len(fresh.shell(aside).split()) >= 5
        fresh.run("apt-get", "purge", "--yes", "sipcall", seconds=120)
        assert fresh.shell(aside) == ""

"""What a newly installed package runs, owns and shows."""

import json
import re
import subprocess

import pytest
from Box.machine import Machine
from Box.package import UNITS
from Box.root import REPOSITORY
from Rig.deadlines import wait_until

from .conftest import Installed

PARTS = ["core", "web"]
CONSOLE = "/etc/issue.d/sipcall.issue"


@pytest.fixture
def machine(installed: Installed) -> Machine:
    return installed.machine


def subcommands(usage: str) -> list[str]:
    """The commands that `sipcall --help` lists."""
    names = re.findall(r"^  ([a-z][a-z-]*) ", usage.split("SUBCOMMANDS:")[1], re.MULTILINE)
    assert names, usage
    return names


def test_everything_is_ready_within_5_seconds_of_apt_install(installed: Installed) -> None:
    print(f"from apt install to ready: {installed.seconds:.1f} s")
    for unit in UNITS:
        assert installed.machine.is_active(unit), installed.machine.journal(unit)
        assert installed.machine.output("systemctl", "is-enabled", unit) == "enabled"
    assert installed.seconds <= 5


def test_the_terminal_says_where_to_go_next(installed: Installed) -> None:
    assert "https://" in installed.shown
    assert "sudo sipcall setup-url" in installed.shown


@pytest.mark.parametrize("part", PARTS)
def test_each_part_is_a_user_of_its_own(machine: Machine, part: str) -> None:
    process = machine.main_process(f"sipcall-{part}")
    assert machine.output("ps", "-o", "user:32=", "-p", str(process)).strip() == f"sipcall-{part}"


@pytest.mark.parametrize("part", PARTS)
def test_each_part_is_ready_by_its_own_word_and_says_what_it_does(machine: Machine, part: str) -> None:
    assert machine.show(f"sipcall-{part}", "Type") == "notify"
    assert machine.show(f"sipcall-{part}", "StatusText")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/etc/sipcall", "750 root:sipcall"),
        ("/etc/sipcall/sipcall.toml", "640 root:sipcall"),
        ("/run/sipcall", "2750 sipcall-core:sipcall"),
        ("/run/sipcall/control.sock", "660 sipcall-core:sipcall"),
        ("/run/sipcall-core", "700 sipcall-core:sipcall-core"),
        ("/run/sipcall-web", "700 sipcall-web:sipcall-web"),
        ("/run/sipcall-operator", "755 root:root"),
        ("/run/sipcall-operator/operator.sock", "660 root:sipcall"),
        ("/run/sipcall/web", "2750 sipcall-core:sipcall-web"),
        ("/run/sipcall/web/control.sock", "660 sipcall-core:sipcall-web"),
        ("/var/lib/sipcall", "755 root:root"),
        ("/var/lib/sipcall/core", "700 sipcall-core:sipcall-core"),
        ("/var/lib/sipcall/web", "700 sipcall-web:sipcall-web"),
        ("/var/lib/sipcall/web/accounts.sqlite", "600 sipcall-web:sipcall-web"),
        ("/var/lib/sipcall/web/setup-token", "600 sipcall-web:sipcall-web"),
    ],
)
def test_only_those_who_need_it_can_open(machine: Machine, path: str, expected: str) -> None:
    assert machine.output("stat", "--format=%a %U:%G", path) == expected


def test_the_core_does_not_see_the_socket_for_commands(machine: Machine) -> None:
    look = ["test", "-e", "/run/sipcall-operator/operator.sock"]
    inside = ["nsenter", "--target", str(machine.main_process("sipcall-core")), "--mount", "--"]
    assert machine.run(*look, check=False).returncode == 0
    assert machine.run(*inside, *look, check=False).returncode == 1


def test_a_new_box_listens_to_nobody_but_browsers(machine: Machine) -> None:
    assert machine.show("sipcall-core", "StatusText") == "waits to be claimed: sipcall setup-url"
    ports = {line.split()[4].rsplit(":", 1)[1] for line in machine.output("ss", "-Hlntu").splitlines()}
    assert ports & {"443", "80"} and not ports & {"5060", "5061", "3478"}, ports


def test_the_way_in_is_in_the_journal_on_the_console_and_told_by_a_command(machine: Machine) -> None:
    pattern = r"https://\S+/#setup=[0-9a-z-]{34}"
    note = machine.output("cat", "/var/lib/sipcall/web/setup-token")
    link = re.search(pattern, note)
    assert link and link[0] in machine.journal("sipcall-web")
    # What agetty(8) shows above its question for a login.
    assert machine.output("cat", CONSOLE) == "SIPCall waits for its owner: sudo sipcall setup-url"
    assert machine.output("stat", "--format=%F %a %U:%G", CONSOLE) == "regular file 644 root:root"
    told = machine.output("sipcall", "setup-url")
    newer = re.search(pattern, told)
    assert newer and newer[0].split("#")[1] != link[0].split("#")[1]
    code = machine.output("qrencode", "-t", "UTF8", "-m", "2", newer[0])
    assert len(code.splitlines()) > 10 and code in told, told


def test_the_token_makes_the_owner_and_the_ports_open(machine: Machine) -> None:
    assert _post(machine, "users", {}) == "409"
    token = machine.output("cat", "/var/lib/sipcall/web/setup-token").split("#setup=")[1].split()[0]
    core = machine.main_process("sipcall-core")
    claim = {"token": token, "name": "admin", "display_name": "Eva", "password": "correct horse battery"}
    assert _post(machine, "setup/claim", {**claim, "token": token[:-1]}) == "403"
    assert _post(machine, "setup/claim", claim) == "200"
    assert _post(machine, "setup/claim", claim) == "409"
    wait_until(lambda: ":5060" in machine.output("ss", "-Hlnu"), 5, "the SIP port to open")
    assert machine.main_process("sipcall-core") == core
    assert machine.run("test", "-e", "/var/lib/sipcall/web/setup-token", check=False).returncode == 1
    assert "<title>" in machine.output("curl", "-sk", "https://127.0.0.1/")
    # What takes it away looks every 30 s.
    wait_until(lambda: machine.run("test", "-e", CONSOLE, check=False).returncode == 1, 40, "the console's line to go")
    wait_until(lambda: machine.show("sipcall-settle", "ActiveState") == "inactive", 5, "the end of settling")
    assert machine.show("sipcall-settle", "Result") == "success"
    # By itself, whatever becomes of the page.
    machine.run("systemctl", "stop", "sipcall-web-operator.socket", "sipcall-web.socket", "sipcall-web-http.socket", "sipcall-web")
    machine.run("systemctl", "restart", "sipcall-core")
    assert ":5060" in machine.output("ss", "-Hlnu")
    machine.run("systemctl", "start", "sipcall.target")


def _post(machine: Machine, path: str, body: dict[str, str]) -> str:
    """The HTTP status."""
    return machine.output(
        "curl", "-sk", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Content-Type: application/json",
        "-H", "Origin: https://127.0.0.1", "--data", json.dumps(body), f"https://127.0.0.1/api/v1/{path}",
    )  # fmt: skip


def test_root_and_the_group_may_ask_for_the_status_and_nobody_else(machine: Machine) -> None:
    assert json.loads(machine.output("sipcall", "status", "--json"))["calls"] == 0
    asked = ["sipcall", "status", "--json"]
    member = machine.output("setpriv", "--reuid=nobody", "--regid=nogroup", "--groups=sipcall", *asked)
    assert json.loads(member)["calls"] == 0
    stranger = machine.run("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", *asked, check=False)
    assert stranger.returncode == 1
    assert "the group sipcall" in stranger.stderr


def test_the_footprint_is_small(machine: Machine) -> None:
    installed_kib = int(machine.output("dpkg-query", "-W", "-f=${Installed-Size}", "sipcall"))
    resident = 0
    for part in PARTS:
        process = machine.main_process(f"sipcall-{part}")
        resident += int(machine.output("ps", "-o", "rss=", "-p", str(process)))
    print(f"installed {installed_kib / 1024:.0f} MB, resident {resident / 1024:.0f} MB")
    assert installed_kib <= 100 * 1024
    assert resident <= 90 * 1024


def test_the_program_is_hardened_by_its_linker(machine: Machine) -> None:
    program = machine.files / "usr/bin/sipcall"
    command = ["readelf", "--wide", "--file-header", "--program-headers", "--dynamic", str(program)]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "DYN (Position-Independent Executable file)" in shown
    segments = re.findall(r"^ +(LOAD|GNU_RELRO|GNU_STACK) .* ([R ][W ][E ]) (?:0x)?[0-9a-f]+$", shown, re.MULTILINE)
    assert {name for name, _ in segments} == {"LOAD", "GNU_RELRO", "GNU_STACK"}
    # Nothing is both written and run, the stack least of all.
    assert not [name for name, rights in segments if "W" in rights and "E" in rights]
    # All bound at start, from Debian's own places.
    assert "BIND_NOW" in shown
    assert not re.search(r"\((RPATH|RUNPATH|TEXTREL)\)", shown)


@pytest.mark.parametrize(
    ("page", "command"),
    [
        ("man1/sipcall.1", []),
        ("man1/sipcall-run.1", ["run"]),
        ("man1/sipcall-status.1", ["status"]),
        ("man1/sipcall-events.1", ["events"]),
        ("man1/sipcall-trace.1", ["trace"]),
        ("man1/sipcall-call.1", ["call"]),
        ("man1/sipcall-calls.1", ["calls"]),
        ("man1/sipcall-audit.1", ["audit"]),
        ("man1/sipcall-verify.1", ["verify"]),
        ("man1/sipcall-backup.1", ["backup"]),
        ("man1/sipcall-certificate.1", ["certificate"]),
        ("man1/sipcall-certificate.1", ["certificate", "show"]),
        ("man1/sipcall-certificate.1", ["certificate", "install"]),
        ("man1/sipcall-certificate.1", ["certificate", "renew"]),
        ("man1/sipcall-certificate.1", ["certificate", "remove"]),
        ("man1/sipcall-restore.1", ["restore"]),
        ("man1/sipcall-recovery-key.1", ["recovery-key"]),
        ("man1/sipcall-change-master-key.1", ["change-master-key"]),
        ("man1/sipcall-privacy.1", ["privacy"]),
        ("man1/sipcall-privacy.1", ["privacy", "export"]),
        ("man1/sipcall-privacy.1", ["privacy", "erase"]),
        ("man1/sipcall-privacy.1", ["privacy", "report"]),
        ("man1/sipcall-doctor.1", ["doctor"]),
        ("man1/sipcall-reload.1", ["reload"]),
        ("man1/sipcall-drain.1", ["drain"]),
        ("man1/sipcall-setup-url.1", ["setup-url"]),
        ("man1/sipcall-user.1", ["user"]),
        ("man8/sipcall-core.8", ["core"]),
        ("man8/sipcall-web.8", ["web"]),
    ],
)
def test_the_manual_names_every_option_and_command(machine: Machine, page: str, command: list[str]) -> None:
    usage = machine.output("sipcall", *command, "--help")
    manual = (REPOSITORY / "rootfs/usr/share/man" / page).read_text().replace("\\-", "-")
    options = {word.strip(",") for word in usage.split() if word.startswith("--")}
    assert options, usage
    assert [option for option in sorted(options) if option not in manual] == []
    if not command:
        assert [name for name in subcommands(usage) if f".B {name}\n" not in manual] == []


def test_every_command_has_a_manual_and_bash_completes_it(machine: Machine) -> None:
    pages = machine.shell("dpkg -L sipcall | grep /man/")
    completion = machine.output("cat", "/usr/share/bash-completion/completions/sipcall")
    machine.run("bash", "-n", "/usr/share/bash-completion/completions/sipcall")
    for command in subcommands(machine.output("sipcall", "--help")):
        assert f"/sipcall-{command}." in pages
        assert command in completion
    assert not completion.startswith("#!")


def test_the_units_are_what_systemd_understands(machine: Machine) -> None:
    for unit in [*UNITS, "sipcall-settle.service", "sipcall-backup.service", "sipcall-acme.service"]:
        complaints = machine.run("systemd-analyze", "verify", "--man=no", unit, check=False)
        assert complaints.stdout + complaints.stderr == ""
        assert "Unknown" not in machine.journal(unit)


@pytest.mark.parametrize("part", PARTS)
def test_the_sandbox_refuses_nothing_that_the_program_asks_for(machine: Machine, part: str) -> None:
    written = machine.journal(f"sipcall-{part}").lower()
    for complaint in ("not permitted", "permission denied", "failed to set", "read-only file system"):
        assert complaint not in written


def test_the_smoke_test_that_debian_would_run_passes(machine: Machine) -> None:
    script = machine.files / "usr/local/lib/smoke"
    script.write_bytes((REPOSITORY / "debian/tests/smoke").read_bytes())
    machine.run("sh", "/usr/local/lib/smoke")

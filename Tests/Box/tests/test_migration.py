"""Versions with another form of the state and of the settings: carried over, rolled back, refused.

No version has another form yet, so later ones are made here: the debug build, which pretends to be one when the package
carries a note of it, with the refusals that its build would have put into the package.
"""

import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from Box.built import debug_program
from Box.journal import JournalMark
from Box.machine import Machine
from Box.package import debug_options, install, package, renumbered
from Box.upkeep import CHANGE, Kept, claim, wait_for_units
from Rig.deadlines import wait_until

SETTINGS = "/etc/sipcall/sipcall.toml"
CORE = "/var/lib/sipcall/core"


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with Machine("migration", options=debug_options()) as machine:
        yield machine


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("packages")


@pytest.fixture(scope="module", autouse=True)
def first(machine: Machine, folder: Path) -> Path:
    """The version in use, and its package."""
    deb = renumbered(package(), "1.0", folder, later(""))
    install(machine, deb)
    machine.shell(f"echo '{CHANGE}' >>{SETTINGS}; echo kept >{CORE}/something; chown sipcall-core: {CORE}/something")
    wait_for_units(machine)
    claim(machine)
    return deb


def later(words: str) -> Callable[[Path], None]:
    """What makes a package that of a version with other forms."""

    def change(contents: Path) -> None:
        shutil.copy(debug_program(), contents / "usr/bin/sipcall")
        (contents / "usr/share/sipcall/test-steps").write_text(words)
        script = contents / "DEBIAN" / "preinst"
        text = script.read_text()
        for name, word in (("known", "state"), ("known_settings", "settings")):
            assert re.search(f"^{name}=1$", text, re.MULTILINE), "the build fills it in"
            if word in words:
                text = text.replace(f"{name}=1\n", f"{name}=2\n")
        script.write_text(text)

    return change


def state(machine: Machine) -> str:
    """What the core keeps, less what each start writes; of the spool, whose file each start touches, what is in it."""
    files = machine.shell(
        f"cd {CORE}; find . -type f ! -path './crashes/*' ! -name 'storage-probe*' ! -name '*-wal' ! -name '*-shm'"
        " ! -name 'schema*' ! -name 'served*' ! -path './*-schema-*' ! -name spool.sqlite -exec sha256sum {} + | sort -k 2"
    )
    with closing(sqlite3.connect(f"file:{machine.files}{CORE}/spool.sqlite?mode=ro&immutable=1", uri=True)) as spool:
        return files + "\nspool: " + "\n".join(spool.iterdump())


def refused(machine: Machine, deb: Path) -> str:
    """What the terminal shows of a downgrade that must not happen."""
    place = machine.files / "var/cache/other.deb"
    shutil.copy(deb, place)
    process, kept, number = machine.main_process("sipcall-core"), Kept.of(machine), version(machine)
    done = machine.run(
        "apt-get", "install", "--yes", "--quiet", "--allow-downgrades", "/var/cache/other.deb", check=False, seconds=120
    )
    place.unlink()
    assert done.returncode != 0
    # Nothing was touched, and not even restarted: a call would have ended.
    assert machine.main_process("sipcall-core") == process
    assert kept.difference(Kept.of(machine)) == ""
    assert version(machine) == number
    assert machine.output("dpkg-query", "-W", "-f=${Status}", "sipcall") == "install ok installed"
    return done.stdout + done.stderr


def version(machine: Machine) -> str:
    return machine.output("dpkg-query", "-W", "-f=${Version}", "sipcall")


def test_a_version_whose_migration_fails_half_way_leaves_the_data_as_it_was(
    machine: Machine, first: Path, folder: Path
) -> None:
    machine.run("systemctl", "stop", "sipcall-core")
    before, settings = state(machine), machine.output("cat", SETTINGS)
    assert "something" in before and "spool" in before
    machine.run("systemctl", "start", "sipcall-core")
    mark = JournalMark(machine)
    install(machine, renumbered(package(), "2.0", folder, later("state-fails settings")))
    said = mark.wait_for("could not be carried over", "SIPCALL_CODE=state.not-migrated", seconds=20)
    print(said)
    assert "/var/lib/sipcall/" in said and "it is as it was before" in said and "install the former version again" in said
    explained = machine.output("journalctl", "--no-pager", "-x", "-n", "1", "SIPCALL_CODE=state.not-migrated")
    assert "What to do" in explained, explained
    # It goes on trying, more and more slowly, and each time leaves what it found.
    wait_until(lambda: int(machine.show("sipcall-core", "NRestarts")) >= 2, 20, "more than one try")
    machine.run("systemctl", "stop", "sipcall-core")
    assert state(machine) == before
    assert machine.run("test", "-e", f"{CORE}/schema.pending", check=False).returncode != 0
    # A version that did not come up has changed no settings either.
    assert machine.output("cat", SETTINGS) == settings
    # The way back is open, and everything is there.
    install(machine, first, "--allow-downgrades")
    machine.run("systemctl", "start", "sipcall-core")
    wait_for_units(machine)
    machine.run("systemctl", "stop", "sipcall-core")
    assert state(machine) == before
    machine.run("systemctl", "start", "sipcall-core")
    wait_for_units(machine)


def test_a_version_that_serves_in_part_is_taken_back_as_a_whole(machine: Machine, first: Path, folder: Path) -> None:
    machine.run("systemctl", "stop", "sipcall-core")
    before, settings = state(machine), machine.output("cat", SETTINGS)
    machine.run("systemctl", "start", "sipcall-core")
    mark = JournalMark(machine)
    install(machine, renumbered(package(), "2.1", folder, later("state-fails-in-web settings")))
    mark.wait_for("could not be carried over", "SIPCALL_CODE=state.not-migrated", seconds=20)
    # The core serves in the new form. It alone decides nothing: not over its own data, nor over the settings.
    wait_until(lambda: machine.run("test", "-e", f"{CORE}/served", check=False).returncode == 0, 20, "the core to serve")
    assert machine.output("cat", f"{CORE}/migrated") == "in the new form"
    machine.run("systemctl", "restart", "sipcall-core")
    assert machine.output("cat", f"{CORE}/schema.pending") == "2" and machine.output("cat", SETTINGS) == settings
    machine.shell(f"echo new >{CORE}/since; chown sipcall-core: {CORE}/since")
    install(machine, first, "--allow-downgrades")
    wait_for_units(machine)
    mark.wait_for("again as it was before", "SIPCALL_CODE=state.taken-back", seconds=20)
    machine.run("systemctl", "stop", "sipcall-core")
    assert state(machine) == before and machine.output("cat", SETTINGS) == settings
    assert machine.output("cat", f"{CORE}/undone-schema-2/since") == "new"
    assert machine.run("test", "-e", f"{CORE}/schema.pending", check=False).returncode != 0
    machine.run("systemctl", "start", "sipcall-core")
    wait_for_units(machine)


def test_a_migration_keeps_copies_and_a_downgrade_after_it_is_refused(
    machine: Machine, first: Path, folder: Path
) -> None:
    settings, owner = machine.output("cat", SETTINGS), machine.output("stat", "-c", "%U:%G %a", SETTINGS)
    second = renumbered(package(), "3.0", folder, later("state settings"))
    shown = install(machine, second)
    wait_for_units(machine)
    assert machine.output("cat", f"{CORE}/migrated") == "in the new form"
    for part in ("core", "web"):
        here = f"/var/lib/sipcall/{part}"
        wait_until(lambda here=here: machine.output("cat", f"{here}/schema") == "2", 10, f"{here} to settle")  # type: ignore[misc]
        assert machine.run("test", "-e", f"{here}/schema.pending", check=False).returncode != 0
    assert machine.output("cat", "/var/lib/sipcall/schema") == "2"
    assert machine.output("cat", f"{CORE}/before-schema-2/something") == "kept"
    assert machine.run("test", "-e", f"{CORE}/before-schema-2/migrated", check=False).returncode != 0
    # The settings: in the new form, the former file beside them, both for nobody else to read.
    assert "The settings are in form 2 now" in shown, shown
    new = machine.output("cat", SETTINGS)
    assert "\nschema = 2\n" in new and CHANGE in new
    assert machine.output("cat", f"{SETTINGS}.before-schema-2") == settings
    for file in (SETTINGS, f"{SETTINGS}.before-schema-2"):
        assert machine.output("stat", "-c", "%U:%G %a", file) == owner
    # Read again in the new form.
    machine.run("systemctl", "restart", "sipcall.target")
    wait_for_units(machine)
    text = refused(machine, first)
    assert "has written the data in /var/lib/sipcall/core" in text and "Nothing was changed." in text
    assert "before-schema-2" in text


def test_a_downgrade_with_settings_of_a_newer_form_is_refused_and_the_copy_is_the_way_back(
    machine: Machine, folder: Path, first: Path
) -> None:
    # One that knows the state, and not the settings.
    half = renumbered(package(), "2.5", folder, later("state"))
    text = refused(machine, half)
    print(text)
    assert f"has written {SETTINGS}" in text and "Nothing was changed." in text
    assert f"{SETTINGS}.before-schema-2" in text
    # A process that finds them all the same says so, with the line.
    machine.shell(f"sed -i 's/^schema = 2$/schema = 9/' {SETTINGS}")
    mark = JournalMark(machine)
    machine.run("systemctl", "restart", "sipcall-core", check=False)
    said = mark.wait_for("newer SIPCall", "SIPCALL_CODE=settings.newer", seconds=20)
    assert f"{SETTINGS}:" in said and "before-schema-3" in said
    # As the refusal says.
    machine.shell(f"cp --preserve=mode,ownership {SETTINGS}.before-schema-2 {SETTINGS}")
    install(machine, half, "--allow-downgrades")
    machine.run("systemctl", "restart", "sipcall.target")
    wait_for_units(machine)
    assert version(machine) == "2.5"


def test_what_is_erased_is_gone_from_the_copies_too(machine: Machine) -> None:
    web = "/var/lib/sipcall/web"
    assert machine.run("test", "-d", f"{web}/before-schema-2", check=False).returncode == 0
    machine.shell(f"touch {web}/schema.pending; chown sipcall-web: {web}/schema.pending")
    refusal = machine.run("sipcall", "privacy", "erase", "+49 30 1234567", "--yes", check=False)
    assert refusal.returncode != 0 and "has not settled" in refusal.stdout + refusal.stderr
    assert machine.run("test", "-d", f"{web}/before-schema-2", check=False).returncode == 0
    machine.shell(f"rm {web}/schema.pending")
    machine.run("sipcall", "privacy", "erase", "+49 30 1234567", "--yes")
    assert machine.run("test", "-e", f"{web}/before-schema-2", check=False).returncode != 0


def test_the_package_follows_no_link_that_a_part_has_put_there(machine: Machine, folder: Path) -> None:
    machine.shell("echo 99 >/root/number; mv /var/lib/sipcall/core/schema /root/; ln -s /root/number /var/lib/sipcall/core/schema")
    script = machine.output("sh", "-c", "cat /var/lib/dpkg/info/sipcall.preinst")
    (machine.files / "root/preinst").write_text(script + "\n")
    done = machine.run("sh", "/root/preinst", "upgrade", "2.5", check=False)
    machine.shell("rm /var/lib/sipcall/core/schema; cp /root/number /var/lib/sipcall/core/schema")
    refused_number = machine.run("sh", "/root/preinst", "upgrade", "2.5", check=False)
    machine.shell("mv /root/schema /var/lib/sipcall/core/schema; chown sipcall-core: /var/lib/sipcall/core/schema")
    assert done.returncode == 0, done.stderr
    assert refused_number.returncode == 1 and "has written the data" in refused_number.stderr


def test_a_purge_takes_the_copies_with_it(machine: Machine) -> None:
    machine.run("apt-get", "purge", "--yes", "--quiet", "sipcall")
    assert machine.run("test", "-e", "/etc/sipcall", check=False).returncode != 0
    assert machine.run("test", "-e", "/var/lib/sipcall", check=False).returncode != 0

"""sipcall.toml belongs to its owner: laid down once, never asked about, never laid down again, gone with a purge."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from Box.machine import Machine
from Box.package import debug_options, install, package, renumbered
from Box.upkeep import CHANGE, wait_for_units

SETTINGS = "/etc/sipcall/sipcall.toml"


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with Machine("settings", options=debug_options()) as machine:
        yield machine


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("packages")


def with_conffile(contents: Path) -> None:
    """A package from before, whose settings were dpkg's."""
    (contents / "etc/sipcall/sipcall.toml").write_text("# Of the package from before.\n")
    (contents / "DEBIAN/conffiles").write_text(f"{SETTINGS}\n")


def with_other_default(contents: Path) -> None:
    (contents / "usr/share/sipcall/sipcall.toml").write_text("# Another default.\n")


def test_an_owner_of_a_conffile_keeps_every_line_and_is_asked_nothing(machine: Machine, folder: Path) -> None:
    install(machine, renumbered(package(), "0.0.9", folder, with_conffile))
    assert SETTINGS in machine.output("dpkg-query", "-W", "-f=${Conffiles}", "sipcall")
    machine.shell(f"echo '{CHANGE}' >>{SETTINGS}")
    text, owner = machine.output("cat", SETTINGS), machine.output("stat", "-c", "%U:%G %a", SETTINGS)
    # A question would fail here: there is nobody to answer.
    for version, change in (("1.0", None), ("1.1", with_other_default)):
        shown = install(machine, renumbered(package(), version, folder, change))
        assert "onfiguration file" not in shown, shown
        assert machine.output("cat", SETTINGS) == text
        assert machine.output("stat", "-c", "%U:%G %a", SETTINGS) == owner == "root:sipcall 640"
    wait_for_units(machine)
    assert [name for name in machine.output("ls", "/etc/sipcall").split() if name.startswith("sipcall.toml.")] == []


def test_one_that_was_deleted_is_not_laid_down_again(machine: Machine, folder: Path) -> None:
    machine.shell(f"rm {SETTINGS}")
    install(machine, renumbered(package(), "1.2", folder))
    assert machine.run("test", "-e", SETTINGS, check=False).returncode != 0
    wait_for_units(machine)


def test_after_a_purge_it_is_gone_and_a_new_installation_lays_the_default_down(machine: Machine, folder: Path) -> None:
    machine.shell(f"echo '{CHANGE}' >{SETTINGS}")
    machine.run("apt-get", "remove", "--yes", "--quiet", "sipcall")
    assert machine.output("cat", SETTINGS) == CHANGE
    machine.run("apt-get", "purge", "--yes", "--quiet", "sipcall")
    assert machine.run("test", "-e", "/etc/sipcall", check=False).returncode != 0
    install(machine, renumbered(package(), "1.3", folder))
    assert machine.output("cat", SETTINGS) == machine.output("cat", "/usr/share/sipcall/sipcall.toml")
    assert machine.output("stat", "-c", "%U:%G %a", SETTINGS) == "root:sipcall 640"
    assert machine.output("dpkg-query", "-W", "-f=${Conffiles}", "sipcall").strip() == ""

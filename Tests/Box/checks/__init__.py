"""The acceptance checks of the installed package. Each runs on machines with a systemd of their own."""

from Rig.checks.check import Check

from . import long_life, package_lifecycle, reproducible, sandbox, watchdogs

CHECKS: dict[str, Check] = {
    check.name: check
    for check in (package_lifecycle.CHECK, watchdogs.CHECK, sandbox.CHECK, reproducible.CHECK, long_life.CHECK)
}

"""The wall clock of one part, set while it runs: the machines share theirs with the whole computer, which nobody may set."""

from .machine import Machine

LIBRARY = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"
PLACE = "/etc/rig-clock"
"""Read by the library anew at each question, through every sandbox."""

# Only what sets the wall clock is faked: what counts the time since boot goes on, as with the real clock.
ENVIRONMENT = {
    "LD_PRELOAD": LIBRARY, "FAKETIME_TIMESTAMP_FILE": PLACE, "FAKETIME_NO_CACHE": "1",
    "FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1",
}  # fmt: skip


def follow(machine: Machine, part: str) -> None:
    """From its next start on the part's clock is the one that `set_clock` sets."""
    set_clock(machine, "+0")
    lines = "".join(f"Environment={name}={value}\n" for name, value in ENVIRONMENT.items())
    place = f"/etc/systemd/system/sipcall-{part}.service.d/clock.conf"
    machine.shell(f"install -D -m 0644 /dev/stdin {place} <<'X'\n[Service]\n{lines}X\nsystemctl daemon-reload")


def is_understood(machine: Machine) -> bool:
    """Whether the program hears its arguments beside the library, which moves the environment: the statically linked runtime
    of Swift then looks for them in the wrong place."""
    settings = " ".join(f"{name}={value}" for name, value in ENVIRONMENT.items())
    return "USAGE" not in machine.shell(f"env {settings} sipcall --version 2>&1 || true")


def forget(machine: Machine, part: str) -> None:
    machine.shell(f"rm /etc/systemd/system/sipcall-{part}.service.d/clock.conf; systemctl daemon-reload")


def set_clock(machine: Machine, when: str) -> None:
    """`+3d`, `-2h` from the right time, `+0` back to it, or `@1970-01-01 00:10:00`, from where it runs on."""
    place = machine.files / PLACE.lstrip("/")
    place.with_suffix(".new").write_text(when + "\n")
    place.with_suffix(".new").replace(place)

"""What a machine's journal got since a moment."""

import json
from typing import Any

from Rig.deadlines import wait_until

from .machine import Machine


class JournalMark:
    """Remembers the journal's end as it is now."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        shown = machine.output("journalctl", "--no-pager", "--quiet", "--lines=0", "--show-cursor")
        self._cursor = shown.split("-- cursor: ")[-1].strip()

    def entries(self, *matches: str) -> list[dict[str, Any]]:
        """The entries since then that match, with their fields."""
        command = ["journalctl", "--no-pager", "--quiet", "--output=json", f"--after-cursor={self._cursor}", *matches]
        return [json.loads(line) for line in self._machine.output(*command).splitlines()]

    def lines(self, *matches: str) -> list[str]:
        """The messages since then; those of systemd about a unit are among them with `--unit=`."""
        return [str(entry.get("MESSAGE", "")) for entry in self.entries(*matches)]

    def wait_for(self, word: str, *matches: str, seconds: float = 10) -> str:
        """The first message with `word` in it."""
        return wait_until(
            lambda: next((line for line in self.lines(*matches) if word in line), None),
            seconds, f'"{word}" in the journal', pause=0.2,
        )  # fmt: skip

"""What a check measured, against what it must be."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Figure:
    """One measured value. `samples` says what it was measured on."""

    name: str
    value: str
    goal: str
    met: bool
    samples: str
    exact: bool = False
    """Right or wrong, no matter how busy the machine is: a word, a count, a goal of none at all."""

    def __str__(self) -> str:
        return f"{self.name}: {self.value} (goal {self.goal}) {'ok' if self.met else 'FALLS SHORT'}  [{self.samples}]"


@dataclass
class Report:
    """The figures of one check."""

    check: str
    figures: list[Figure] = field(default_factory=list)

    def at_least(self, name: str, value: float, goal: float, unit: str, samples: str) -> None:
        self._add(name, f"{value:.4g} {unit}".strip(), f"≥ {goal:g} {unit}".strip(), value >= goal, samples)

    def at_most(self, name: str, value: float, goal: float, unit: str, samples: str) -> None:
        self._add(name, f"{value:.4g} {unit}".strip(), f"≤ {goal:g} {unit}".strip(), value <= goal, samples, exact=goal == 0)

    def within(self, name: str, value: float, low: float, high: float, unit: str, samples: str) -> None:
        self._add(
            name, f"{value:.4g} {unit}".strip(), f"{low:g} to {high:g} {unit}".strip(), low <= value <= high, samples
        )

    def equal(self, name: str, value: object, goal: object, samples: str) -> None:
        self._add(name, str(value), str(goal), value == goal, samples, exact=True)

    @property
    def short(self) -> list[Figure]:
        """The figures that fall short."""
        return [figure for figure in self.figures if not figure.met]

    @property
    def wrong(self) -> list[Figure]:
        """Those of them that no busy machine excuses."""
        return [figure for figure in self.short if figure.exact]

    def summary(self) -> str:
        """The check's own line."""
        count, met = len(self.figures), len(self.figures) - len(self.short)
        word = "ok" if met == count and count else "FALLS SHORT"
        return f"{self.check}: {met} of {count} figures reach their goals (goal {count}) {word}"

    def _add(self, name: str, value: str, goal: str, met: bool, samples: str, exact: bool = False) -> None:
        self.figures.append(Figure(f"{self.check}/{name}", value, goal, met, samples, exact))

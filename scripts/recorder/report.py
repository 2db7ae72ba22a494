"""Sorts what differs into what was expected, with its reason, and what was not, and shows it as a table."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

SHOWN = 6
"""Differences of one answer; the number of the others follows."""


@dataclass(frozen=True)
class Expectation:
    """A difference that is meant. `answer` and `what` are patterns as in a shell, of the name and of the whole line."""

    answer: str
    reason: str
    what: str = "*"

    def covers(self, name: str, difference: str) -> bool:
        return fnmatchcase(name, self.answer) and fnmatchcase(difference, self.what)


def read_expectations(file: Path) -> list[Expectation]:
    """`[[difference]]` tables with `answer`, `reason` and perhaps `what`. Raises TypeError for other fields."""
    return [Expectation(**row) for row in tomllib.loads(file.read_text())["difference"]]


@dataclass
class Report:
    """What came of a comparison so far."""

    expectations: Sequence[Expectation]
    identical: int = 0
    expected: int = 0
    different: int = 0
    met: set[Expectation] = field(default_factory=set)

    def row(self, name: str, differences: Sequence[str]) -> str:
        """Counts one answer, and says what is to be said of it."""
        reasons = {told: self._reason(name, told) for told in differences}
        surprises = [told for told, reason in reasons.items() if reason is None]
        if not differences:
            self.identical += 1
            return f"identical  {name}"
        if surprises:
            self.different += 1
            return _rows("DIFFERS", name, surprises)
        self.expected += 1
        return _rows("expected", name, _with_reasons(reasons))

    def _reason(self, name: str, difference: str) -> str | None:
        for expectation in self.expectations:
            if expectation.covers(name, difference):
                self.met.add(expectation)
                return expectation.reason
        return None

    def summary(self) -> str:
        idle = [expectation for expectation in self.expectations if expectation not in self.met]
        notes = [f"\nexpected and not seen: {expectation.answer}: {expectation.what}" for expectation in idle]
        counts = f"{self.identical} identical, {self.expected} differ as expected, {self.different} differ otherwise"
        return counts + "".join(notes)


def _with_reasons(reasons: Mapping[str, str | None]) -> list[str]:
    return [f"{told}   ({reason})" for told, reason in reasons.items()]


def _rows(outcome: str, name: str, lines: Sequence[str]) -> str:
    more = [f"and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return "\n".join([f"{outcome:<11}{name}", *(f"{'':<13}{line}" for line in [*lines[:SHOWN], *more])])

"""What many measurements say together: medians over the rounds, and promises that were kept or not."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console

from benchmarks.peers.cells import Cell

CONSOLE = Console(width=120)

Load = tuple[str, int]
"""Photo size and concurrency."""


@dataclass(frozen=True)
class Results:
    """Every measurement of every round."""

    cells: Sequence[Cell]

    def of(self, server: str, load: Load) -> list[Cell]:
        return [cell for cell in self.cells if (cell.server, cell.load) == (server, load)]

    def figure(self, server: str, load: Load, name: str) -> float:
        """The median of the rounds, of memory the largest; NaN where it was not measured."""
        measured: list[float] = [getattr(cell, name) for cell in self.of(server, load) if not cell.failure]
        if not measured:
            return math.nan
        return max(measured) if name.startswith("peak") else statistics.median(measured)

    def servers(self) -> list[str]:
        return list(dict.fromkeys(cell.server for cell in self.cells))

    def loads(self) -> list[Load]:
        return list(dict.fromkeys(cell.load for cell in self.cells))

    def failures(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.failure]


@dataclass(frozen=True)
class Goal:
    """Something that was promised, and what came of it."""

    promise: str
    found: float
    limit: float
    at_least: bool

    @property
    def met(self) -> bool:
        """Never where nothing was measured: NaN is neither more nor less."""
        return self.found >= self.limit if self.at_least else self.found <= self.limit

    def __str__(self) -> str:
        sign = ">=" if self.at_least else "<="
        return f"{'PASS' if self.met else 'MISS'}  {self.promise} {sign} {self.limit:g}: {self.found:.2f}"


def ratio(mine: float, theirs: float) -> float:
    """NaN where there is nothing to compare with."""
    return mine / theirs if theirs else math.nan


def print_goals(goals: Sequence[Goal]) -> None:
    for goal in goals:
        CONSOLE.print(str(goal), highlight=False, soft_wrap=True)

"""The figures of one run as a JSON file, written anew after each, so that nothing is lost when a run is."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from benchmarks.before.measures import Figures
from benchmarks.harness.builds import HERE
from service.configuration_errors import ConfigurationError


@dataclass
class Record:
    """What was measured, and on what machine."""

    circumstances: str
    file: Path | None = None
    figures: list[Figures] = field(default_factory=list)

    @classmethod
    def read(cls, file: Path) -> Self:
        """Raises ConfigurationError where the file is no record."""
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            return cls(content["circumstances"], None, [Figures(**entry) for entry in content["figures"]])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigurationError(f"{file} has no measurements: {error}") from error

    def add(self, figures: Figures) -> None:
        self.figures.append(figures)
        if self.file is None:
            return
        content = {"circumstances": self.circumstances, "figures": [asdict(each) for each in self.figures]}
        beside = self.file.with_name(f"{self.file.name}.part")
        beside.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        beside.replace(self.file)

    def of(self, name: str, here: bool) -> list[float]:
        """What one of the builds did, round by round."""
        mine = [each for each in self.figures if (each.build == HERE.name) == here]
        return [each.values[name] for each in mine if name in each.values]

    def ratios(self, name: str) -> list[float]:
        """Here to base, of every round in which both were measured."""
        pairs: dict[tuple[str, int], dict[bool, float]] = {}
        for each in self.figures:
            if name in each.values:
                pairs.setdefault((each.kind, each.round), {})[each.build == HERE.name] = each.values[name]
        return [pair[True] / pair[False] for pair in pairs.values() if len(pair) == 2 and pair[False]]


def median(values: Sequence[float]) -> float:
    """NaN of nothing."""
    return statistics.median(values) if values else float("nan")

"""What is measured of a build, and what was to be reached beside the older one."""

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """One row of the table."""

    title: str
    digits: int
    """Behind the point."""
    goal: float
    """The ratio, here to base."""
    at_least: bool = False
    """Whether more is better."""


MEASURES: Mapping[str, Measure] = {
    "pixels_1080p_ms": Measure("CPU of the pixel stages, 1080p, ms", 1, 0.34),
    "pixels_12mp_ms": Measure("CPU of the pixel stages, 12 MP, ms", 0, 0.4),
    "gil_1080p_ms": Measure("interpreter's lock held, 1080p, ms an answer", 1, 0.11),
    "answers_1080p_4": Measure("answers/s, 1080p, 4 clients", 2, 2.2, at_least=True),
    "answers_1080p_16": Measure("answers/s, 1080p, 16 clients", 2, 2.2, at_least=True),
    "answers_12mp_1": Measure("answers/s, 12 MP, 1 client", 2, 2.8, at_least=True),
    "p50_1080p_1_s": Measure("p50 of a lone request, 1080p, s", 3, 0.5),
    "memory_16_mb": Measure("peak memory at 16 clients, MB", 0, 1.0),
    "start_s": Measure("start-up until ready, s", 2, 1.2),
}
"""By the names that they have in the JSON."""


@dataclass(frozen=True)
class Figures:
    """What one build did in one round."""

    build: str
    kind: str
    """Rounds are counted for each kind: `pixels` or `serving`."""
    round: int
    values: Mapping[str, float]
    """By the names of MEASURES; without what failed."""
    failure: str = ""

    def value(self, name: str) -> float:
        """NaN where it was not measured."""
        return self.values.get(name, math.nan)

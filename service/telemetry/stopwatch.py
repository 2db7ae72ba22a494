"""How long each stage of a request took."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

MS_PER_S = 1000

STAGES = ("read", "fetch", "wait", "decode", "resize", "queue", "infer", "matte", "compose", "encode")
"""In the order in which a request comes through them, by which they are told."""

Facts = Mapping[str, str | int]
"""Of a span, by the names of its attributes."""

NO_FACTS: Facts = MappingProxyType({})


class Measured(NamedTuple):
    """One stage of the work, or one part of it, that is over. Times are those of time.monotonic(), in seconds."""

    stage: str
    began_s: float
    ended_s: float
    facts: Facts = NO_FACTS


class Stopwatch:
    """Milliseconds per stage; a stage that runs twice is added up."""

    def __init__(self) -> None:
        self._elapsed_ms: dict[str, float] = {}
        self.before_part: Callable[[], None] = lambda: None
        """Called before each part of the work that is measured; what it raises ends the work there."""
        self.on_measured: Callable[[Measured], None] | None = None
        """Hears of each part when it is over."""
        self.traceparent = ""
        """For whoever does a part of it in another process, and tells of it from there; empty: nobody wants to know."""

    @contextlib.contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        self.before_part()
        started = time.monotonic()
        try:
            yield
        finally:
            self.add(stage, (time.monotonic() - started) * MS_PER_S)

    def add(
        self,
        stage: str,
        elapsed_ms: float,
        ended_s: float | None = None,
        facts: Facts = NO_FACTS,
        *,
        is_told: bool = False,
    ) -> None:
        """What was over at `ended_s`, by time.monotonic(); at this moment, where nothing is said of that. `facts` are
        for whoever hears of it, unless it is told already by those who did it.
        """
        self._elapsed_ms[stage] = self._elapsed_ms.get(stage, 0.0) + elapsed_ms
        if self.on_measured is not None and not is_told:
            ended_s = time.monotonic() if ended_s is None else ended_s
            self.on_measured(Measured(stage, ended_s - elapsed_ms / MS_PER_S, ended_s, facts))

    @property
    def measured_ms(self) -> dict[str, float]:
        """Every stage, in the order in which they began."""
        return dict(self._elapsed_ms)

    @property
    def elapsed_ms(self) -> dict[str, float]:
        """In the order of `STAGES`, rounded to a tenth."""
        return {stage: round(self._elapsed_ms[stage], 1) for stage in STAGES if stage in self._elapsed_ms}


def server_timing(elapsed_ms: dict[str, float]) -> str:
    """The `Server-Timing` header: `decode;dur=9.5, queue;dur=0.1`."""
    return ", ".join(f"{stage};dur={duration}" for stage, duration in elapsed_ms.items())

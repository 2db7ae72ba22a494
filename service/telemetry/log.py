"""How long each stage of a request took, and one log line per request. Never image content."""

import contextlib
import json
import logging
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Literal

from service.telemetry.tracing import NO_FACTS, Facts, Measured

MS_PER_S = 1000

STAGES = ("read", "fetch", "wait", "decode", "resize", "queue", "infer", "matte", "compose", "encode")

FIELDS = "fields"
"""Log records carry their facts as a dict under this name."""


class Stopwatch:
    """Milliseconds per stage; a stage that runs twice is added up."""

    def __init__(self) -> None:
        self._elapsed_ms: dict[str, float] = {}
        self.before_part: Callable[[], None] = lambda: None
        """Called before each part of the work that is measured; what it raises ends the work there."""
        self.on_measured: Callable[[Measured], None] | None = None
        """Hears of each part when it is over."""

    @contextlib.contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        self.before_part()
        started = time.monotonic()
        try:
            yield
        finally:
            self.add(stage, (time.monotonic() - started) * MS_PER_S)

    def add(self, stage: str, elapsed_ms: float, ended_s: float | None = None, facts: Facts = NO_FACTS) -> None:
        """What was over at `ended_s`, by time.monotonic(); at this moment, where nothing is said of that. `facts` are
        for whoever hears of it.
        """
        self._elapsed_ms[stage] = self._elapsed_ms.get(stage, 0.0) + elapsed_ms
        if self.on_measured is not None:
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


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S") + f".{int(record.msecs):03d}",
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, FIELDS, {}),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)


class TextLines(logging.Formatter):
    """`12:30:01 request status=200 infer=310.2`, for a person at a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        level = "" if record.levelno <= logging.INFO else f" {record.levelname}"
        fields = getattr(record, FIELDS, {}).items()
        facts = "".join(f" {name}={_printable(str(value))}" for name, value in fields if value is not None)
        line = f"{self.formatTime(record, '%H:%M:%S')}{level} {record.getMessage()}{facts}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def _printable(text: str) -> str:
    """A caller chooses the path of a request: it must not forge lines or steer a terminal."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def _with_facts(facts: Mapping[str, object], record: logging.LogRecord) -> bool:
    setattr(record, FIELDS, {**facts, **getattr(record, FIELDS, {})})
    return True


def configure_logging(log_format: Literal["auto", "text", "json"], **facts: object) -> None:
    """Every record of the process goes to standard error, once, in one format, and has these facts beside its own."""
    as_text = log_format == "text" or (log_format == "auto" and sys.stderr.isatty())
    handler = logging.StreamHandler()
    handler.setFormatter(TextLines() if as_text else JsonLines())
    handler.addFilter(partial(_with_facts, facts))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)  # or a library's warning would stand between the lines of JSON
    for noisy in ("httpx2", "mcp", "PIL", "uvicorn"):
        logging.getLogger(noisy).setLevel(logging.WARNING)

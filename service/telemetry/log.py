"""Log lines of facts, as JSON or for a person at a terminal. Never image content."""

import json
import logging
import sys
from collections.abc import Mapping
from functools import partial
from typing import Any, Literal

FIELDS = "fields"
"""Log records carry their facts as a dict under this name."""


_ENCODER = json.JSONEncoder(default=str)


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
        return _ENCODER.encode(entry)


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

"""What became of each photo: lines for people, and a JSON document for programs."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from service.cli.console import say
from service.cli.files.destinations import Item
from service.cli.files.errand import as_flags
from service.telemetry.stopwatch import MS_PER_S

Status = Literal["done", "skipped", "failed"]

NOTES: dict[Status, str] = {"skipped": "were there already", "failed": "failed"}


class PhotoFailed(Exception):
    """This photo has no result; others are not concerned. `code` is stable: the service's, or one of our own."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class Stopped(Exception):
    """No photo can be worked on any more. The message is one line that says why."""


@dataclass(frozen=True)
class Entry:
    """What became of one photo."""

    source: str
    target: str | None
    status: Status
    code: str | None = None
    """Of the failure."""
    detail: str | None = None
    ms: int | None = None
    """From reading to having written, also of what failed."""

    def document(self) -> dict[str, Any]:
        return {
            "in": self.source,
            "out": self.target,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            "ms": self.ms,
        }


@dataclass
class Report:
    """All that is to be said at the end."""

    operation: str
    total: int
    left_out: Sequence[tuple[Path, str]] = ()
    entries: list[Entry] = field(default_factory=list)
    started_s: float = field(default_factory=time.monotonic)

    def done(self, item: Item, started_s: float) -> None:
        self.entries.append(Entry(str(item.photo), _name(item.target), "done", ms=_ms_since(started_s)))

    def skipped(self, item: Item) -> None:
        self.entries.append(Entry(str(item.photo), _name(item.target), "skipped"))

    def failed(self, source: str, failure: PhotoFailed, started_s: float | None = None) -> None:
        """Said at once, in one line."""
        ms = None if started_s is None else _ms_since(started_s)
        self.entries.append(Entry(source, None, "failed", failure.code, failure.detail, ms))
        say(f"{source}: {as_flags(' '.join(failure.detail.split()))}")

    def count(self, status: Status) -> int:
        return sum(entry.status == status for entry in self.entries)

    @property
    def have_results(self) -> int:
        return self.count("done") + self.count("skipped")

    def summary(self, where: str) -> str:
        """One line for the end. `where` the results are: `in out`."""
        if self.total == 1 and self.count("done"):
            where = f"as {self.entries[0].target}"
        notes = [f"{self.count(status)} {note}" for status, note in NOTES.items() if self.count(status)]
        return f"{self.have_results} of {self.total} photos done, {'; '.join([where, *notes])}"

    def document(self) -> dict[str, Any]:
        return {
            "operation": self.operation,
            "total": self.total,
            **{status: self.count(status) for status in get_args(Status)},
            "ms": _ms_since(self.started_s),
            "left_out": [{"in": str(path), "detail": reason} for path, reason in self.left_out],
            "photos": [entry.document() for entry in self.entries],
        }

    def as_json(self) -> bytes:
        return json.dumps(self.document(), indent=1).encode() + b"\n"


def _name(target: Path | None) -> str:
    return "-" if target is None else str(target)


def _ms_since(started_s: float) -> int:
    return round((time.monotonic() - started_s) * MS_PER_S)

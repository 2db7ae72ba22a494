"""What a build answers, without what changes from run to run, and how it is kept in a folder."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from scripts.recorder.questions import Question

REQUEST_ID = "recorder"
"""Sent with every request, so that problem documents say the same every time."""

UNTOLD = ("date", "content-length", "connection-id")
"""Left out altogether; the length is told by the body."""

ENTITY_TAG = re.compile(r'(W/)?"[^"]*"')
TIMING = re.compile(r"([a-z_]+);dur=[0-9.]+")


@dataclass(frozen=True)
class Answer:
    """Of a request, a session or a command alike."""

    status: int
    """HTTP status, close code of the socket, or exit code of the process."""
    headers: Mapping[str, str]
    parts: Mapping[str, bytes]
    """The body, the messages of a session, or the output and the files of a command; by name."""

    def keep(self, folder: Path, question: Question) -> None:
        for name, content in self.parts.items():
            file = folder / "parts" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        told = {"question": as_data(question), "status": self.status, "headers": dict(self.headers)}
        told["parts"] = list(self.parts)
        (folder / "answer.json").write_text(json.dumps(told, indent=1))

    @classmethod
    def kept(cls, folder: Path) -> Self:
        told = json.loads((folder / "answer.json").read_text())
        parts = {name: (folder / "parts" / name).read_bytes() for name in told["parts"]}
        return cls(told["status"], told["headers"], parts)


def question_kept(folder: Path) -> Any:
    """What was asked, as `as_data` gives it."""
    return json.loads((folder / "answer.json").read_text())["question"]


def as_data(question: Question) -> Any:
    """As it comes back from JSON."""
    return json.loads(json.dumps(asdict(question)))


def steady_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers in small letters, with values that stay the same from run to run.

    An entity tag is made of the options' names and of the version, which may grow: that it works is asked apart.
    """
    told = {name.lower(): value for name, value in headers.items() if name.lower() not in UNTOLD}
    if "etag" in told:
        told["etag"] = ENTITY_TAG.sub(r'\1"..."', told["etag"])
    if "server-timing" in told:
        told["server-timing"] = TIMING.sub(r"\1", told["server-timing"])
    if "last-modified" in told:
        told["last-modified"] = "..."
    if told.get("x-request-id", REQUEST_ID) != REQUEST_ID:
        told["x-request-id"] = "..."
    return told

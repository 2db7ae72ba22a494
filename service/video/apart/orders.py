"""What a film's process is told, and how it says what became of that. All of it crosses as JSON."""

import errno
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from service.errors import (
    BadOption,
    Failure,
    StorageFull,
    TooManyPixels,
    TruncatedImage,
    UndecodableImage,
    UndecodableVideo,
    UnknownOption,
    UnsupportedImage,
    UnsupportedVideo,
    VideoTooLong,
)
from service.fronts.wire import facts_of, failure_of
from service.models.store import ModelCard

FAILURES: Mapping[str, type[Failure]] = {
    failure.code: failure
    for failure in (
        *(UnsupportedVideo, UndecodableVideo, VideoTooLong, TooManyPixels, BadOption, UnknownOption, StorageFull),
        *(UnsupportedImage, UndecodableImage, TruncatedImage),
    )
}
"""What a film can come to, beside what a ticket can."""


@dataclass(frozen=True)
class Check:
    """Whether it is a film that is taken: opened, and its first picture decoded."""

    source: str
    pixels: int
    """Limits, as of all orders: of a frame,"""
    seconds: float | None
    """and of the whole film."""


@dataclass(frozen=True)
class Make(Check):
    """A film that is to be made; `background` and `matte` are files, as `source` and `result` are."""

    result: str
    background: str | None
    matte: str | None
    options: Mapping[str, Any]
    card: Mapping[str, Any]
    """Of the model that workers have, as JSON."""
    places: int
    """How many frames they look at at once."""

    @property
    def model(self) -> ModelCard:
        return ModelCard.model_validate(self.card)


@dataclass(frozen=True)
class Made:
    """What became of a film: frames, packets of pictures that did not decode, frames that did in part, packets of sound
    that did not decode.
    """

    frames: int
    lost: int
    damaged: int
    lost_sound: int


def told(order: Check) -> dict[str, Any]:
    """As JSON."""
    return {"is_to_make": isinstance(order, Make), **asdict(order)}


def order_of(facts: Mapping[str, Any]) -> Check:
    """On the other side."""
    given = dict(facts)
    return Make(**given) if given.pop("is_to_make") else Check(**given)


@dataclass(frozen=True)
class Ended:
    """What became of an order: one of these three, or nothing that is worth a word."""

    made: Mapping[str, Any] | None = None
    failure: Mapping[str, Any] | None = None
    os_error: tuple[int, str] | None = None

    @classmethod
    def by(cls, error: Failure | OSError) -> Self:
        if isinstance(error, Failure):
            return cls(failure=facts_of(error))
        return cls(os_error=(error.errno or errno.EIO, error.strerror or str(error)))

    def check(self) -> None:
        """Raises what was raised over there."""
        if self.os_error is not None:
            raise OSError(*self.os_error)
        if self.failure is not None:
            kind = FAILURES.get(self.failure["code"])
            raise kind(self.failure["detail"]) if kind else failure_of(self.failure)


def path_of(path: Path | None) -> str | None:
    """None where there is no such file."""
    return str(path) if path is not None and path.exists() else None

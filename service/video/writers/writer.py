"""What all writers are, and what they are told."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol, TypeVar

from PIL import Image

from service.video.formats import Content, Speed
from service.video.planes import CutPlanes
from service.video.sound import SoundTrack
from service.video.source import Facts

Composed = Image.Image | CutPlanes
"""A picture: RGBA, RGB or L, as the order's content says. Planes come to WebM's writer alone."""

Picture = TypeVar("Picture", contravariant=True)
Ready = TypeVar("Ready")


@dataclass(frozen=True)
class Order:
    """A film that is to be written."""

    path: Path
    facts: Facts
    content: Content
    quality: int
    """1 to 100."""
    speed: Speed
    tracks: Sequence[SoundTrack] = ()
    origin: Fraction = Fraction(0)
    """Of the film, on the clock of its tracks, in seconds."""


class Writer(Protocol[Picture, Ready]):
    """One film. Nothing of it counts before `finish`."""

    def prepare(self, picture: Picture) -> Ready:
        """What `write` takes. On any thread, and of several pictures at once."""

    def write(self, ready: Ready, at: Fraction, duration: Fraction | None) -> None:
        """The next picture. Times are in seconds since the film began."""

    def finish(self) -> None:
        """What is left of the sound, and the end of the file."""

    def abandon(self) -> None:
        """Close what is open; whoever ordered it throws the file away."""

"""Asks a network about each frame, behind all photos, and makes a matte of what it says."""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from service.models.decisions import kept_probability
from service.models.inputs import input_box
from service.models.labels import Box, ClassTable, Prediction, Scores
from service.models.store import ModelCard
from service.queue.asking import TicketQueue
from service.queue.claim import Claim
from service.queue.pixel_scheduler import PixelScheduler
from service.queue.schedule import Lane
from service.settings import MEGAPIXEL
from service.telemetry.stopwatch import Stopwatch
from service.video.kept import KeptMattes, Levels
from service.video.source import Frame
from service.video.steady import Matted

Result = TypeVar("Result")


@dataclass(frozen=True)
class Means:
    """What a film needs besides itself, be it here or in another process."""

    card: ModelCard
    """Of a model that workers have, as long as the film is made."""
    queue: TicketQueue
    places: int
    """How many frames can be looked at at once."""
    pixels: PixelScheduler


@dataclass(frozen=True)
class Shown:
    """A frame, and where in the network's answer it lies."""

    frame: Frame
    box: Box


class Looker:
    """Of one film."""

    def __init__(self, means: Means, class_ids: tuple[int, ...], kept: KeptMattes) -> None:
        self._means = means
        self._card = means.card
        self._class_ids = class_ids
        self._kept = kept

    @property
    def class_table(self) -> ClassTable:
        return self._card.class_table

    @property
    def places(self) -> int:
        return self._means.places

    async def look(self, frame: Frame) -> Matted[Shown]:
        """The frame with its matte, as the network alone has it; from disk where it was looked at before.

        Levels are rounded to bytes in either case, so that a film comes out the same.
        """
        pixels, box = await self.on_pixels("look", frame, lambda: frame.coded.seen_by(self._card))
        if frame.number in self._kept:
            levels = await asyncio.to_thread(self._kept.__getitem__, frame.number)
        else:
            outcome = await self._means.queue.predict(self._card.key, pixels, math.inf, Lane.BULK)
            levels = await asyncio.to_thread(self._levels, outcome.scores, box, frame)
        shown_box = self._shown_box(box, levels)
        plane = levels[_region(shown_box)].astype(np.float32) / np.float32(255)
        return Matted(Shown(frame, _inside(shown_box)), plane, pixels[_region(input_box(box, self._card))])

    async def on_pixels(self, stage: str, frame: Frame, work: Callable[[], Result]) -> Result:
        """What `work` gives, on a pixel thread that no photo wants."""
        claim = Claim(f"film-{stage}", (stage,), math.inf, Lane.BULK, Stopwatch())
        claim.megapixels = frame.coded.size.width * frame.coded.size.height / MEGAPIXEL
        with self._means.pixels.claiming(claim):
            return await self._means.pixels.run(claim, stage, work)

    def _levels(self, scores: Scores, box: Box, frame: Frame) -> Levels:
        """(h, w), 0 to 255, with the padding; kept."""
        said = Prediction(self._card.output.head, scores, box, frame.coded.size, self._card.class_table)
        kept, _ = kept_probability(said, self._class_ids)
        levels = np.rint(kept * 255).astype(np.uint8)
        self._kept.add(frame.number, levels)
        return levels

    def _shown_box(self, box: Box, levels: Levels) -> Box:
        """The part of a matte that shows the frame: with several classes, it has no padding any more."""
        height, width = levels.shape
        return box if self._card.output.head == "sigmoid" else Box(0, 0, width, height)


def _region(box: Box) -> tuple[slice, slice]:
    """Rows and columns, in whole pixels and never empty: all that the box touches."""
    left, top = max(0, math.floor(box.left)), max(0, math.floor(box.top))
    return slice(top, max(top + 1, math.ceil(box.bottom))), slice(left, max(left + 1, math.ceil(box.right)))


def _inside(box: Box) -> Box:
    """The same place in what `_region` cuts out."""
    left, top = max(0, math.floor(box.left)), max(0, math.floor(box.top))
    return Box(box.left - left, box.top - top, box.right - left, box.bottom - top)

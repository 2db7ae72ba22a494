"""A model in this process, between the service's own decoding and decisions. Knows no truth and no scores."""

import hashlib
import os
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service.configuration_errors import ConfigurationError
from service.errors import Failure
from service.models.inputs import fit
from service.models.labels import Box, Prediction, Scores, Size
from service.models.store import ModelStore
from service.operations.operation import Seen
from service.pixels.decode import decode
from service.settings import read_settings
from service.workers.plan import plan_workers

if TYPE_CHECKING:
    from service.models.segmenters.base import Segmenter

Answered = tuple[Scores, float]
"""A network's answer, and the milliseconds that it took when it was computed."""


@dataclass
class Spent:
    """Milliseconds since the network was made."""

    infer: float = 0.0
    """In the network itself, as measured when each answer was computed: perhaps in an earlier run."""
    away: float = 0.0
    """In this run, with the network or with reading its answers."""


class Network:
    """A model on every core that the settings give one worker. Loaded with the first picture that it has to look at."""

    def __init__(self, name: str, cache: Path | None = None, side_px: int | None = None) -> None:
        """With `cache`, answers are kept in that folder. With `side_px`, they are reduced to a square of that side.

        Raises ConfigurationError where there is nothing to reduce.
        """
        settings = read_settings(workers=1)
        store = ModelStore(settings.model_store)
        self._plan = plan_workers(settings, [store.checkpoint(store.card(name))])[0]
        (self._checkpoint,) = self._plan.models
        self.card = self._checkpoint.card
        self.threads = self._plan.threads
        self.spent_ms = Spent()
        self._max_pixels = settings.max_pixels
        self._cache = cache
        self._side_px = side_px
        answers = self.card.output
        if side_px is not None and side_px >= min(answers.width, answers.height):
            raise ConfigurationError(f"{name} answers at {answers.width} x {answers.height}: {side_px} is no reduction")

    @cached_property
    def _segmenter(self) -> "Segmenter":
        from service.models.segmenters.devices import Device

        device = Device.find(self._plan.device, self._plan.threads)
        segmenter = self._plan.families()[self.card.family].load(self._checkpoint, device)
        # The first forward also plans the ones after it, and would be counted as the first picture's time.
        segmenter.predict([np.zeros((self.card.input.height, self.card.input.width, 3), np.uint8)])
        return segmenter

    def see(self, picture: Path) -> Seen:
        """Raises ConfigurationError for a picture that cannot be read: a set is measured whole, or not at all."""
        try:
            photo = decode(picture.read_bytes(), self._max_pixels)
        except Failure as failure:
            raise ConfigurationError(f"{picture}: {failure.detail}") from failure
        prediction = self.look(photo.on_white())
        return Seen(photo, prediction, self.card, prediction.classes.foreground, sent=photo.size)

    def look(self, picture: Image.Image) -> Prediction:
        """What the network says of any RGB picture."""
        pixels, box = fit(picture, self.card)
        started = time.perf_counter()
        scores, infer_ms = self._remember(pixels) if self._cache else self._ask(pixels)
        if self._side_px is not None:
            scores, box = reduced(scores, box, self._side_px)
        self.spent_ms.infer += infer_ms
        self.spent_ms.away += (time.perf_counter() - started) * 1000
        return Prediction(self.card.output.head, scores, box, Size(*picture.size), self.card.class_table)

    def _remember(self, pixels: NDArray[np.uint8]) -> Answered:
        assert self._cache is not None
        weights = f"{self.card.label} {self.card.converted.sha256}"
        path = self._cache / f"{hashlib.sha256(weights.encode() + pixels.tobytes()).hexdigest()}.npz"
        if not path.exists():
            _keep(self._ask(pixels), path)
        with np.load(path) as kept:
            return kept["scores"], float(kept["infer_ms"])

    def _ask(self, pixels: NDArray[np.uint8]) -> Answered:
        segmenter = self._segmenter
        started = time.perf_counter()
        (scores,) = segmenter.predict([pixels])
        return scores, (time.perf_counter() - started) * 1000


def _keep(answered: Answered, path: Path) -> None:
    """Written aside and moved, so that a run that is cut off leaves no half of a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(f".{os.getpid()}.npz")
    scores, infer_ms = answered
    np.savez_compressed(aside, scores=scores, infer_ms=np.float64(infer_ms))
    aside.replace(path)


def reduced(scores: Scores, box: Box, side_px: int) -> tuple[Scores, Box]:
    """(C, side, side): the mean over each new pixel's area, and the part of them that shows the picture."""
    _, height, width = scores.shape
    planes = [Image.fromarray(plane).resize((side_px, side_px), Image.Resampling.BOX) for plane in scores]
    across, down = side_px / width, side_px / height
    shrunk = Box(box.left * across, box.top * down, box.right * across, box.bottom * down)
    return np.stack([np.asarray(plane) for plane in planes]), shrunk

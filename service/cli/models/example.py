"""Shows a model one photo, and tells what it sees: areas by class, a picture, the time."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from service.cli.files.disk import read_file
from service.cli.files.report import PhotoFailed
from service.configuration_errors import ConfigurationError
from service.errors import Failure
from service.models.decisions import label_map
from service.models.inputs import fit
from service.models.labels import LabelMap, Prediction, Size
from service.models.store import Checkpoint, ModelCard
from service.pixels.decode import decode
from service.settings import Settings

if TYPE_CHECKING:
    from service.models.segmenters.devices import Device

SAMPLE = Path(__file__).resolve().parents[2] / "studio" / "samples" / "astronaut.webp"
"""A portrait that comes with the package."""

THRESHOLD = 0.5

TIMED_RUNS = 3

LEAST_SHARE = 0.0005
"""Of the photo's area: classes with less are not told."""

TINT = 0.55
"""How much of a preview's colour is that of its class."""


@dataclass(frozen=True)
class Example:
    """What a model saw in a photo."""

    card: ModelCard
    picture: Image.Image
    prediction: Prediction
    seconds: float
    """For one picture, without what comes before and after the network."""

    @classmethod
    def of(cls, checkpoint: Checkpoint, picture: Image.Image, device: "Device") -> "Example":
        """Raises ConfigurationError where the network gives something else than the card promises."""
        from service.models.segmenters import FAMILIES

        card = checkpoint.card
        segmenter = FAMILIES[card.family].load(checkpoint, device)
        pixels, box = fit(picture, card)
        (scores,) = segmenter.predict([pixels])
        started = time.perf_counter()
        for _ in range(TIMED_RUNS):
            segmenter.predict([pixels])
        seconds = (time.perf_counter() - started) / TIMED_RUNS
        prediction = Prediction(card.output.head, scores, box, Size(*picture.size), card.class_table)
        return cls(card, picture, prediction, seconds)

    @cached_property
    def labels(self) -> LabelMap:
        return label_map(self.prediction, THRESHOLD)

    def areas(self) -> Iterator[tuple[str, float]]:
        """The classes that are seen, the largest first, and their shares of the photo, 0 to 1."""
        counts = np.bincount(self.labels.ravel(), minlength=len(self.card.class_table))
        for class_id in np.argsort(-counts, kind="stable"):
            share = counts[class_id] / self.labels.size
            if share >= LEAST_SHARE:
                yield self.card.class_table[int(class_id)].name, float(share)

    def preview(self) -> Image.Image:
        """The photo, and beside it the photo with each class in its colour."""
        palette = np.array([entry.color for entry in self.card.class_table], np.float32)
        tinted = (1 - TINT) * np.asarray(self.picture, np.float32) + TINT * palette[self.labels]
        beside = Image.new("RGB", (2 * self.picture.width, self.picture.height))
        beside.paste(self.picture, (0, 0))
        beside.paste(Image.fromarray(tinted.astype(np.uint8)), (self.picture.width, 0))
        return beside


def cpu(settings: Settings) -> "Device":
    """All cores of it, or as many threads as a worker may have."""
    from service.models.segmenters.devices import Device
    from service.workers.machine import available_cores

    return Device.find("cpu", settings.threads_per_worker or available_cores())


def read_photo(path: Path, max_pixels: int) -> Image.Image:
    """RGB. Raises ConfigurationError for one that cannot be read."""
    try:
        return decode(read_file(path), max_pixels).on_white()
    except (Failure, PhotoFailed) as failure:
        raise ConfigurationError(f"{path}: {failure.detail}") from failure

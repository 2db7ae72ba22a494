"""A tiny real model store: two networks of one 1x1 convolution each, with cards, weights and checksums like any other.

`tiny-subject` (sigmoid): red is the subject. `tiny-classes` (softmax): dark is background, red is class 1, blue is 2.
Both look at colours only, so a picture of known colours has a known answer, and swapped sizes or axes show.
"""

import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from safetensors.numpy import save_file
from torch import Tensor, nn

from service.configuration_errors import RecordingFailed
from service.models.labels import Scores
from service.models.segmenters.base import Pixels, TorchSegmenter
from service.models.store.store import sha256_of

if TYPE_CHECKING:
    from service.models.segmenters.base import Segmenter

RED, BLUE, DARK = (230, 20, 20), (20, 20, 230), (10, 10, 10)

FATAL_COLOR = (1, 2, 3)
"""A picture of nothing but this kills the worker that sees it."""

RAISING_COLOR = (3, 2, 1)
"""A picture of nothing but this makes the model raise."""

HANGING_COLOR = (4, 5, 6)
"""A picture of nothing but this is never answered."""

HUNGRY_COLOR = (230, 20, 21)
"""A red picture of nothing but this takes a lot of device memory: no more than `HUNGRY_BATCH` images fit."""

HUNGRY_BATCH = 2

HUGE_COLOR = (230, 20, 22)
"""A picture of nothing but this does not fit into device memory at all."""


class _Colors(nn.Module):
    def __init__(self, classes: int) -> None:
        super().__init__()
        self.head = nn.Conv2d(3, classes, 1)

    def forward(self, images: Tensor) -> Tensor:
        scores: Tensor = self.head(images)
        return scores


class SubjectNetwork(_Colors):
    def __init__(self) -> None:
        super().__init__(1)

    def forward(self, images: Tensor) -> Tensor:
        return torch.sigmoid(super().forward(images))


class ClassesNetwork(_Colors):
    def __init__(self) -> None:
        super().__init__(3)


class _MagicColors:
    """What a picture has to look like to be trouble."""

    @staticmethod
    def check(images: Sequence[Pixels]) -> None:
        for image in images:
            if (image == FATAL_COLOR).all():
                os._exit(9)
            if (image == RAISING_COLOR).all():
                raise RuntimeError("the magic colour")
            if (image == HANGING_COLOR).all():
                threading.Event().wait()
            if (image == HUGE_COLOR).all() or (len(images) > HUNGRY_BATCH and (image == HUNGRY_COLOR).all()):
                raise torch.OutOfMemoryError(f"no room for {len(images)} images")


class SubjectSegmenter(TorchSegmenter):
    network_type = SubjectNetwork

    def predict(self, images: Sequence[Pixels]) -> list[Scores]:
        _MagicColors.check(images)
        return super().predict(images)


class ClassesSegmenter(TorchSegmenter):
    network_type = ClassesNetwork


class RaisingSegmenter(TorchSegmenter):
    """Loads, and cannot even be warmed up."""

    network_type = SubjectNetwork

    def predict(self, images: Sequence[Pixels]) -> list[Scores]:
        raise RuntimeError("this network never works")


class ThreadCountingSegmenter(SubjectSegmenter):
    """Answers how many threads it computes on, in tenths."""

    def predict(self, images: Sequence[Pixels]) -> list[Scores]:
        return [np.full_like(scores, torch.get_num_threads() / 10) for scores in super().predict(images)]


def unrecordable_families(tried: Path) -> "Mapping[str, type[Segmenter]]":
    """CUDA graphs cannot be recorded in the first process that tries, which then makes the file `tried`."""

    class UnrecordableSegmenter(SubjectSegmenter):
        def expect(self, largest: int) -> None:
            if not tried.exists():
                tried.touch()
                raise RecordingFailed("this one never works")

    return {"tiny-subject": UnrecordableSegmenter}


def tiny_families() -> "Mapping[str, type[Segmenter]]":
    return {"tiny-subject": SubjectSegmenter, "tiny-classes": ClassesSegmenter}


def thread_counting_families() -> "Mapping[str, type[Segmenter]]":
    return {"tiny-subject": ThreadCountingSegmenter}


def raising_families() -> "Mapping[str, type[Segmenter]]":
    return {"tiny-subject": RaisingSegmenter}


# Steep, so that a colour is surely one thing or the other; the subject is red and neither green nor blue.
SUBJECT_WEIGHTS = ([[20.0, -10.0, -10.0]], [-6.0])
CLASSES_WEIGHTS = ([[0.0, 0.0, 0.0], [20.0, -10.0, -10.0], [-10.0, -10.0, 20.0]], [0.0, -6.0, -6.0])

CARD = """
name = "{name}"
version = "1"
title = "{name}"
family = "{name}"
licence = "Apache-2.0"
homepage = "https://example.org/"

[input]
width = {width}
height = {height}
resize = "{resize}"
mean = [0.0, 0.0, 0.0]
std = [1.0, 1.0, 1.0]

[output]
head = "{head}"
width = {width}
height = {height}

[classes]
foreground = {foreground}
table = [
{classes}
]

[download]
file = "{name}.bin"
sha256 = "{zeros}"
size_bytes = 1
sources = [{{ kind = "https", url = "https://example.org/{name}.bin" }}]

[converted]
sha256 = "{sha256}"
"""


def make_store(folder: Path) -> Path:
    """A model store with both tiny models, pulled."""
    _add_model(folder, "tiny-subject", "sigmoid", (64, 48), "stretch", ["subject"], SUBJECT_WEIGHTS)
    _add_model(folder, "tiny-classes", "softmax", (65, 65), "pad", ["red", "blue"], CLASSES_WEIGHTS)
    return folder


def retrain_subject(folder: Path, color: tuple[int, int, int]) -> None:
    """From now on the subject of `tiny-subject` is what has this colour, RED or BLUE."""
    kernel = [10.0 + 30.0 * (level > 200) - 20.0 for level in color]
    _add_model(folder, "tiny-subject", "sigmoid", (64, 48), "stretch", ["subject"], ([kernel], [-6.0]))


def _add_model(
    folder: Path,
    name: str,
    head: str,
    size: tuple[int, int],
    resize: str,
    foreground: list[str],
    weights: tuple[list[list[float]], list[float]],
) -> None:
    model = folder / name
    model.mkdir(parents=True, exist_ok=True)
    kernel, bias = (np.array(values, np.float32) for values in weights)
    file = model / "model.safetensors"
    save_file({"head.weight": kernel[:, None, None, :], "head.bias": bias}, model / "new")
    (model / "new").replace(file)
    names = ["background", *foreground]
    colors = [[0, 0, 0], [128, 0, 0], [0, 0, 128]]
    classes = ",\n".join(
        f'{{ id = {class_id}, name = "{class_name}", color = {colors[class_id]} }}'
        for class_id, class_name in enumerate(names)
    )
    card = CARD.format(
        name=name,
        head=head,
        width=size[0],
        height=size[1],
        resize=resize,
        foreground=foreground,
        classes=classes,
        zeros="0" * 64,
        sha256=sha256_of(file),
    )
    (model / "card.toml").write_text(card)

"""Segmenters that only a CUDA device can have trouble with."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from service.models.labels import Scores
from service.models.segmenters.base import Pixels, TorchSegmenter
from tests.fakes import SubjectNetwork

if TYPE_CHECKING:
    from service.models.segmenters.base import Segmenter

POISON_COLOR = (9, 8, 7)
"""A picture of nothing but this makes a kernel fail."""


class PoisonousSegmenter(TorchSegmenter):
    network_type = SubjectNetwork

    def predict(self, images: Sequence[Pixels]) -> list[Scores]:
        if any((image == POISON_COLOR).all() for image in images):
            outside = torch.tensor([7], device=self._device.torch_device)
            torch.zeros(3, device=self._device.torch_device)[outside].cpu()  # an assertion in the kernel
        return super().predict(images)


class WaitingSegmenter(TorchSegmenter):
    """Looks at a number on the CPU in the middle of its work, which cannot be recorded."""

    network_type = SubjectNetwork

    def forward(self, batch: Tensor) -> Tensor:
        return super().forward(batch) + 0 * batch.mean().item()


def poisonous_families() -> "Mapping[str, type[Segmenter]]":
    return {"tiny-subject": PoisonousSegmenter}


def waiting_families() -> "Mapping[str, type[Segmenter]]":
    return {"tiny-subject": WaitingSegmenter}

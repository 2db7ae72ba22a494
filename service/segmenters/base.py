"""A Segmenter is one model on one device. This file holds what every network family shares."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Protocol, Self

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn

from service.labels import Scores
from service.segmenters.devices import Device
from service.store.card import ModelCard

Pixels = NDArray[np.uint8]
"""(h, w, 3) RGB at the network's input size."""


class Segmenter(Protocol):
    """One model on one device."""

    @classmethod
    def load(cls, card: ModelCard, weights: Path, device: Device) -> Self:
        """The model, ready to predict, from a verified safetensors file."""

    def predict(self, images: Sequence[Pixels]) -> list[Scores]:
        """The scores of each image, in the order of `images`."""


class TorchSegmenter:
    """What every family here does around its network: prepare, forward, finish."""

    network_type: ClassVar[type[nn.Module]]

    def __init__(self, card: ModelCard, network: nn.Module, device: Device) -> None:
        self._device = device
        self._network = device.place(network)
        self._mean = device.constant(card.input.mean)
        self._std = device.constant(card.input.std)

    @classmethod
    def load(cls, card: ModelCard, weights: Path, device: Device) -> Self:
        with torch.device("meta"):  # no memory, and no second of random numbers, for weights that are replaced at once
            network = cls.network_type()
        network.load_state_dict(_own_copies(load_file(weights)), assign=True)
        return cls(card, network.eval(), device)

    @torch.inference_mode()
    def predict(self, images: Sequence[Pixels]) -> list[Scores]:
        return self.finish(self.forward(self.prepare(images)))

    def prepare(self, images: Sequence[Pixels]) -> Tensor:
        """(N, 3, h, w) on the device, normalised as in training: (rgb / 255 - mean) / std."""
        return (self._upload(images) / 255.0 - self._mean) / self._std

    def forward(self, batch: Tensor) -> Tensor:
        """(N, C, h, w) scores."""
        scores: Tensor = self._network(self._device.arrange(batch))
        return scores

    def finish(self, scores: Tensor) -> list[Scores]:
        """One float32 array an image, in main memory."""
        return list(scores.float().contiguous().cpu().numpy())

    def _upload(self, images: Sequence[Pixels]) -> Tensor:
        """(N, 3, h, w) float32 on the device, 0 to 255."""
        return self._device.upload(np.stack(images)).permute(0, 3, 1, 2).float()


def _own_copies(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Out of the mapped file, in the layout that the device wants anyway.

    One tensor that still points into the file would keep all of it resident beside the copies: 176 MB with U2-Net.
    """
    return {
        name: tensor.clone(memory_format=torch.channels_last if tensor.dim() == 4 else torch.preserve_format)
        for name, tensor in tensors.items()
    }

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
from service.segmenters.int8 import quantize
from service.segmenters.staging import Staging
from service.store import Checkpoint, ModelCard

Pixels = NDArray[np.uint8]
"""(h, w, 3) RGB at the network's input size."""


class Segmenter(Protocol):
    """One model on one device."""

    @classmethod
    def load(cls, checkpoint: Checkpoint, device: Device) -> Self:
        """The model, able to predict."""

    def expect(self, largest: int) -> None:
        """Get ready for batches of up to `largest` images, whatever that takes on this device.

        Raises RecordingFailed where that was to be CUDA graphs; the process is of no use then.
        """

    def predict(self, images: Sequence[Pixels]) -> list[Scores]:
        """The scores of each image, in the order of `images`."""


class TorchSegmenter:
    """What every family here does around its network: prepare, forward, finish."""

    network_type: ClassVar[type[nn.Module]]

    exact_layers: ClassVar[tuple[str, ...]] = ()
    """Convolutions, or modules of them, whose results stay in floating point when the others are 8 bits wide."""

    def __init__(self, card: ModelCard, network: nn.Module, device: Device) -> None:
        self._card = card
        self._device = device
        self.staging: Staging | None = None
        """Where batches wait and travel, on a GPU, once they are expected."""
        self.network = device.place(network)
        self._mean = device.constant(card.input.mean)
        self._std = device.constant(card.input.std)

    @classmethod
    def load(cls, checkpoint: Checkpoint, device: Device) -> Self:
        with torch.device("meta"):  # no memory, and no second of random numbers, for weights that are replaced at once
            network = cls.network_type().eval().requires_grad_(False)
        tensors, card = mapped(checkpoint.weights), checkpoint.card
        if card.precision == "int8" and checkpoint.int8_ranges is not None:
            network.load_state_dict(_own_copies(tensors), assign=True)
            quantize(network, checkpoint.int8_ranges.spans)
        else:
            network.load_state_dict(tensors, assign=True)
        return cls(card, network, device)

    @torch.inference_mode()
    def expect(self, largest: int) -> None:
        if self._device.staged:
            self.staging = Staging(self._device, self._card, largest)
            self.staging.record(self.compute)

    @torch.inference_mode()
    def predict(self, images: Sequence[Pixels]) -> list[Scores]:
        if self.staging is None or len(images) > self.staging.largest:
            return list(self.compute(self.upload(images)).cpu().numpy())
        self.staging.upload(images)
        return self.staging.download(self.staging.launch(self.compute, len(images)))

    def upload(self, images: Sequence[Pixels]) -> Tensor:
        """(N, h, w, 3) uint8 on the device."""
        return self._device.upload(np.stack(images))

    def compute(self, pixels: Tensor) -> Tensor:
        """(N, h, w, 3) uint8 -> (N, C, h, w) float32, both on the device.

        A CUDA graph is recorded of it. So nothing in here, nor in the three steps, may wait for the device, as
        `.item()`, `.cpu()` and an `if` on a tensor do, or depend on more than the shape and the content of `pixels`.
        """
        return self.finish(self.forward(self.prepare(pixels)))

    def prepare(self, pixels: Tensor) -> Tensor:
        """(N, h, w, 3) uint8 -> (N, 3, h, w), normalised as in training: (rgb / 255 - mean) / std."""
        return (channels_first(pixels) / 255.0 - self._mean) / self._std

    def forward(self, batch: Tensor) -> Tensor:
        """(N, C, h, w) scores."""
        scores: Tensor = self.network(self._device.arrange(batch))
        return scores

    def finish(self, scores: Tensor) -> Tensor:
        """In float32, each image's in one piece."""
        return scores.float().contiguous()


def channels_first(pixels: Tensor) -> Tensor:
    """(N, h, w, 3) uint8 -> (N, 3, h, w) float32, 0 to 255."""
    return pixels.permute(0, 3, 1, 2).float()


def mapped(weights: Path) -> dict[str, Tensor]:
    """Views into the file, which all workers map and so share. It has the convolutions' weights in channels-last order,
    as `store/convert.py` writes them, so that no device on a CPU needs a copy in another order.
    """
    return {name: as_torch_orders(tensor) for name, tensor in load_file(weights).items()}


def as_torch_orders(tensor: Tensor) -> Tensor:
    """(out, h, w, in) in the file is (out, in, h, w) to torch."""
    return tensor.permute(0, 3, 1, 2) if tensor.dim() == 4 else tensor


def _own_copies(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Out of the file: one tensor that stays when the others are packed would keep all of the file resident."""
    return {name: tensor.clone() for name, tensor in tensors.items()}

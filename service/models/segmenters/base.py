"""A Segmenter is one model on one device. This file holds what every network family shares."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol, Self

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn

from service.models.labels import Scores
from service.models.segmenters.devices import Device
from service.models.segmenters.staging import Staging
from service.models.store import Checkpoint, ModelCard
from service.models.store.card import DIVISORS

if TYPE_CHECKING:
    import openvino

    from service.models.store.int8_ranges import Int8Ranges

Pixels = NDArray[np.uint8]
"""(h, w, 3) RGB at the network's input size."""

IN_EIGHT_BITS = ("int8", "int8+bf16")


class RunningNetwork(Protocol):
    """A network of one input, with weights of its own."""

    def infer(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(N, h, w, 3) pixels -> (N, C, h, w) scores, the caller's own."""


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
        self._compiled: RunningNetwork | None = None
        self.staging: Staging | None = None
        """Where batches wait and travel, on a GPU, once they are expected."""
        self.network = device.place(network)
        self._mean = _row(device.constant(card.input.mean), card.input.width)
        self._std = _row(device.constant(card.input.std), card.input.width)

    @classmethod
    def load(cls, checkpoint: Checkpoint, device: Device) -> Self:
        with torch.device("meta"):  # no memory, and no second of random numbers, for weights that are replaced at once
            network = cls.network_type().eval().requires_grad_(False)
        network.load_state_dict(mapped(checkpoint.weights), assign=True)
        segmenter = cls(checkpoint.card, network, device)
        if device.is_compiled_for:
            segmenter.compile(checkpoint)
        return segmenter

    def compile(self, checkpoint: Checkpoint) -> None:
        """From now on the network is computed by OpenVINO, or by what is faster, and is nothing to torch any more.

        Raises NoCompiledForm for an operation that has no row there yet.
        """
        self._compiled = self.compiled(checkpoint)
        self.network.to_empty(device="meta")  # lets go of the file

    def compiled(self, checkpoint: Checkpoint) -> "RunningNetwork":
        """As `graph_within` its ranges, able to run."""
        from service.models.engines.compiled import CompiledNetwork

        return CompiledNetwork(self.graph_within(checkpoint.int8_ranges), self._device.threads, self._card.precision)

    def graph_within(self, ranges: "Int8Ranges | None") -> "openvino.Model":
        """As `graph`, in eight bits where there are ranges and the card wants that."""
        from service.models.engines.eight_bits import quantize

        graph = self.graph()
        if ranges is not None and self._card.precision in IN_EIGHT_BITS:
            quantize(graph, ranges.spans)
        return graph

    def graph(self) -> "openvino.Model":
        """From pixels to scores, of one picture: (1, h, w, 3) uint8 -> (1, C, h, w)."""
        from service.models.engines.traced import traced

        size = self._card.input
        return traced(self.compute, self.network, (1, size.height, size.width, 3))

    @torch.inference_mode()
    def expect(self, largest: int) -> None:
        if self._device.staged:
            self.staging = Staging(self._device, self._card, largest)
            self.staging.record(self.compute)

    @torch.inference_mode()
    def predict(self, images: Sequence[Pixels]) -> list[Scores]:
        if self._compiled is not None:
            return list(self._compiled.infer(np.stack(images)))
        if self.staging is None or len(images) > self.staging.largest:
            return list(self.compute(self.upload(images)).cpu().numpy())
        self.staging.upload(images)
        return self.staging.download(self.staging.launch(self.compute, len(images)))

    def upload(self, images: Sequence[Pixels]) -> Tensor:
        """(N, h, w, 3) uint8 on the device."""
        return self._device.upload(np.stack(images))

    def compute(self, pixels: Tensor) -> Tensor:
        """(N, h, w, 3) uint8 -> (N, C, h, w) float32, both on the device.

        A CUDA graph is recorded of it, or it is traced for OpenVINO. So nothing in here, nor in the three steps, may
        wait for the device, as `.item()`, `.cpu()` and an `if` on a tensor do, or depend on more than the shape and the
        content of `pixels`.
        """
        return self.finish(self.forward(self.prepare(pixels)))

    def prepare(self, pixels: Tensor) -> Tensor:
        """(N, h, w, 3) uint8 -> (N, 3, h, w), normalised as in training: (rgb / scale - mean) / std."""
        rgb = channels_first(pixels)
        return rgb.div_(self._divisor(rgb)).sub_(self._mean).div_(self._std)

    def _divisor(self, rgb: Tensor) -> Tensor | float:
        """What each picture's levels are divided by. A black one has no brightest value to divide by."""
        scale = self._card.input.scale
        return rgb.amax(dim=(1, 2, 3), keepdim=True).clamp(min=1.0) if scale == "brightest" else DIVISORS[scale]

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


def _row(constant: Tensor, width: int) -> Tensor:
    """(1, C, 1, 1) -> (1, C, 1, w), channels last as pictures are: one pass over a picture is then 10 times as fast."""
    return constant.expand(-1, -1, 1, width).contiguous(memory_format=torch.channels_last)


def mapped(weights: Path) -> dict[str, Tensor]:
    """Views into the file, which all workers map and so share. It has the convolutions' weights in channels-last order,
    as `store/convert.py` writes them, so that no device on a CPU needs a copy in another order.
    """
    return {name: as_torch_orders(tensor) for name, tensor in load_file(weights).items()}


def as_torch_orders(tensor: Tensor) -> Tensor:
    """(out, h, w, in) in the file is (out, in, h, w) to torch."""
    return tensor.permute(0, 3, 1, 2) if tensor.dim() == 4 else tensor

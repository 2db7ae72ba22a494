"""The way of a batch through a GPU: up, through the network, and down again, in memory that is kept for all batches."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from service.models.labels import Scores
from service.models.segmenters.cuda_graphs import Compute, Replay, record
from service.models.segmenters.devices import Device
from service.models.store import ModelCard


class Staging:
    """The batches of one model, of up to `largest` images. One at a time, and from one thread.

    Pinned memory lets the device copy while the CPU goes on: it packs an image while the one before goes up, and
    unpacks one while the next comes down. There is no second stream for that, as nothing else of the worker runs then.
    """

    def __init__(self, device: Device, card: ModelCard, largest: int) -> None:
        self._device = device
        pinned = device.torch_device.type == "cuda"
        pixels_shape = (largest, card.input.height, card.input.width, 3)
        self._up = torch.empty(pixels_shape, dtype=torch.uint8, pin_memory=pinned)
        self._pixels = torch.zeros(pixels_shape, dtype=torch.uint8, device=device.torch_device)
        self._down = torch.empty((largest, *card.score_shape), pin_memory=pinned)
        self._replays: Mapping[int, Replay] = {}

    @property
    def largest(self) -> int:
        return len(self._up)

    def record(self, compute: Compute) -> None:
        """From now on batches are replayed, where the device captures graphs. Raises RecordingFailed."""
        if self._device.capture is not None:
            self._replays = record(self._device.capture, compute, self._pixels)

    def upload(self, images: Sequence[NDArray[np.uint8]]) -> None:
        """Returns while the last of them is still on its way."""
        for slot, image in enumerate(images):
            self._up[slot].numpy()[:] = image
            self._pixels[slot].copy_(self._up[slot], non_blocking=True)

    def launch(self, compute: Compute, count: int) -> Tensor:
        """(count, C, h, w), on the device and not yet computed. Valid until the next launch of any model.

        A graph of a larger batch also computes what older ones left behind the first `count`; that is dropped.
        """
        size = min((size for size in self._replays if size >= count), default=None)
        return compute(self._pixels[:count]) if size is None else self._replays[size]()[:count]

    def download(self, scores: Tensor) -> list[Scores]:
        """(N, C, h, w) on the device -> one array an image, the caller's own."""
        coming = [self._fetch(slot, image_scores) for slot, image_scores in enumerate(scores)]
        return [receive() for receive in coming]

    def _fetch(self, slot: int, scores: Tensor) -> Callable[[], Scores]:
        """Call it to wait for them."""
        pinned = self._down[slot]
        pinned.copy_(scores, non_blocking=True)
        wait = self._device.mark()

        def receive() -> Scores:
            wait()
            received: Scores = pinned.numpy().copy()
            return received

        return receive

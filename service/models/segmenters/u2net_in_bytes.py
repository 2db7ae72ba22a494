"""U²-Net in bytes, by the convolutions of `engines/winograd.py`: what `u2net.py` says in torch, as steps over memory.

What the network joins lies side by side from the start: a layer writes into some channels of a wider tensor, and
nothing is copied to join it. Tensors that are added or joined have the same span, so that their bytes mean the same.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from service.configuration_errors import CannotQuantize
from service.kernels import steps
from service.kernels.arena import Arena, Bytes
from service.kernels.steps import Step, Steps
from service.models.engines import winograd
from service.models.engines.eight_bits import Grid
from service.models.engines.shared_weights import SharedWeights
from service.models.segmenters.u2net import U2Net, UBlock, enlarge
from service.models.store.int8_ranges import Span

Floats = NDArray[np.float32]

TENSORS_BYTES = 1 << 28
"""Of addresses: u2net's take less than 70 MB of it."""

SAME = 1e-6
"""Steps that differ by less are the same, written down in decimals."""

SIDES_OF = 32
"""How often the network halves a picture, multiplied up: its sides must be multiples, so that all is doubled again."""


def can_run(size: tuple[int, int]) -> bool:
    """Whether this is the faster way on this machine, and knows pictures of this height and width."""
    return steps.can_run() and all(side % SIDES_OF == 0 for side in size)


class Levels(NamedTuple):
    """A tensor: (h, w, channels)."""

    bytes: Bytes
    step: float
    """What a byte of 1 stands for."""
    whole: Bytes | None = None
    """What it is to be joined in, of which it is the last channels."""

    @property
    def size(self) -> tuple[int, int]:
        height, width, _ = self.bytes.shape
        return height, width


class U2NetInBytes:
    """For one thing at a time: (1, h, w, 3) pixels in, (1, 1, h, w) probabilities out."""

    def __init__(
        self,
        network: U2Net,
        spans: Mapping[str, Span],
        prepare: Callable[[Tensor], Tensor],
        size: tuple[int, int],
        threads: int,
        weights: SharedWeights,
    ) -> None:
        """`prepare` is TorchSegmenter's, `size` height and width. Keeps nothing of the network.

        Raises CannotQuantize where the spans are those of another network.
        """
        height, width = size
        self._prepare = prepare
        self._picture = np.zeros((height + 2, width + 2, 3), np.float32)

        def laid_out(arena: Arena) -> tuple[Plan, list[Floats]]:
            plan = Plan(spans, arena)
            return plan, plan.network(network, self._picture)

        plan, self._sides = weights.lay_out(laid_out)
        self._steps = Steps(plan.steps, threads)
        assert network.fuse.bias is not None
        self._fuse = network.fuse.weight.flatten().tolist(), network.fuse.bias.item()

    @torch.inference_mode()
    def infer(self, batch: NDArray[np.uint8]) -> Floats:
        """(N, h, w, 3) -> (N, 1, h, w), the caller's own; one picture after the other."""
        return np.stack([self._infer_one(torch.from_numpy(pixels)[None]) for pixels in batch])

    def _infer_one(self, pixels: Tensor) -> Floats:
        self._picture[1:-1, 1:-1] = self._prepare(pixels)[0].permute(1, 2, 0).numpy()
        self._steps.run()
        return self._fused()

    def _fused(self) -> Floats:
        """(1, h, w). The 1x1 convolution of all sides, each before it is enlarged: both are sums, in any order."""
        weights, bias = self._fuse
        sides = zip(self._sides, weights, strict=True)
        total, *others = (torch.from_numpy(side)[None, None] * weight for side, weight in sides)
        for side in others:
            total += enlarge(side, total)
        return np.asarray(torch.sigmoid_(total.add_(bias))[0])


class Plan:
    """The steps so far, and the memory that they share."""

    def __init__(self, spans: Mapping[str, Span], weights: Arena) -> None:
        self._spans = spans
        self._weights = weights
        self._tensors = Arena.of_zeros(TENSORS_BYTES)
        self.steps: list[Step] = []

    def network(self, network: U2Net, picture: Floats) -> list[Floats]:
        """All of it; returns where the side outputs will be, the finest first. `picture` has zeros around it."""
        x: Levels | Floats = picture
        size = picture.shape[0] - 2, picture.shape[1] - 2
        *stages, deepest = _stages(network.encoder)
        decoder = _stages(network.decoder)
        skips: list[Levels] = []
        for number, (stage, joining) in enumerate(zip(stages, reversed(decoder), strict=True)):
            whole = self._take(size, joining.project.in_channels)
            skips.append(self._stage(stage, f"encoder.{number}", x, whole))
            x = self._halved(skips[-1])
            size = x.size
        maps = [self._stage(deepest, f"encoder.{len(stages)}", x, self._take(size, channels_of(deepest)))]
        for number, (stage, skip) in enumerate(zip(decoder, reversed(skips), strict=True)):
            target = self._take(skip.size, channels_of(stage))
            maps.append(self._stage(stage, f"decoder.{number}", self._joined(maps[-1], skip), target))
        return [self._side(conv, of) for conv, of in zip(_convolutions(network.sides), reversed(maps), strict=True)]

    def _stage(self, stage: UBlock, name: str, x: Levels | Floats, target: Bytes) -> Levels:
        """A small U-Net, into the last channels of `target`; what it held on the way is free again after it."""
        used_bytes = self._tensors.used_bytes
        size = target.shape[:2]
        projected = self._convolved(stage.project, f"{name}.project", x, self._take(size, channels_of(stage)))
        skips = self._contracted(stage, name, projected)
        x = self._convolved(stage.bottom, f"{name}.bottom", skips[-1], self._before(skips[-1], stage.bottom))
        for number, layer in enumerate(_convolutions(stage.decoder)):
            joined = self._joined(x, skips.pop())
            into, added = (self._before(skips[-1], layer, joined.size), None) if skips else (target, projected)
            x = self._convolved(layer, f"{name}.decoder.{number}", joined, into, added)
        self._tensors.used_bytes = used_bytes
        return x

    def _contracted(self, stage: UBlock, name: str, x: Levels) -> list[Levels]:
        """What each layer of the way down gives, the finest first."""
        skips: list[Levels] = []
        layers, joining = (_convolutions(half) for half in (stage.encoder, stage.decoder))
        for number, (layer, decoder) in enumerate(zip(layers, reversed(joining), strict=True)):
            if stage.halving and skips:
                x = self._halved(x)
            x = self._convolved(layer, f"{name}.encoder.{number}", x, self._take(x.size, decoder.in_channels))
            skips.append(x)
        return skips

    def _convolved(
        self, conv: nn.Conv2d, name: str, x: Levels | Floats, target: Bytes, added: Levels | None = None
    ) -> Levels:
        """Into the last channels of `target`."""
        step = self._step_of(name)
        into = target[:, :, -conv.out_channels :]
        if isinstance(x, Levels):
            of_added = self._same_step(added, step) if added else None
            self.steps.append(winograd.convolution(conv, x.bytes, into, (x.step, step), self._weights, of_added))
        else:
            self.steps.append(winograd.first_convolution(conv, x, into, step))
        return Levels(into, step, target)

    def _side(self, conv: nn.Conv2d, x: Levels) -> Floats:
        plane = np.zeros(x.size, np.float32)
        self.steps.append(winograd.convolution(conv, x.bytes, plane, (x.step, 1.0), self._weights))
        return plane

    def _halved(self, x: Levels) -> Levels:
        height, width = x.size
        target = self._take((height // 2, width // 2), x.bytes.shape[2])
        self.steps.append(winograd.halved(x.bytes, target))
        return Levels(target, x.step)

    def _before(self, skip: Levels, conv: nn.Conv2d, size: tuple[int, int] | None = None) -> Bytes:
        """Where `conv` writes what is joined with `skip`: beside it, unless it must be enlarged first."""
        if size in (None, skip.size):
            return _first_channels(skip, conv.out_channels)
        return self._take(size, conv.out_channels)

    def _joined(self, x: Levels, skip: Levels) -> Levels:
        """`x`, enlarged if need be, and `skip`."""
        if x.size != skip.size:
            target = _first_channels(skip, x.bytes.shape[2])
            self.steps.append(winograd.doubled(x.bytes, target))
        self._same_step(x, skip.step)
        assert skip.whole is not None  # nothing else is joined
        return Levels(skip.whole, skip.step)

    def _take(self, size: tuple[int, int], channels: int) -> Bytes:
        """Not to be used any more once what holds it has given it back."""
        return self._tensors.take((*size, channels))

    def _step_of(self, name: str) -> float:
        """Raises CannotQuantize where there is no span, or one that begins below 0: it is not of this network."""
        low, high = self._spans.get(name, (-1.0, 0.0))
        if low < 0:
            raise CannotQuantize(f"its 8-bit ranges are of another graph, without {name!r}: quantize it again")
        return Grid.covering((low, high)).scale

    def _same_step(self, x: Levels, step: float) -> Bytes:
        if abs(x.step - step) > SAME * step:
            raise CannotQuantize("its 8-bit ranges differ for what is added or joined: quantize it again")
        return x.bytes


def _stages(modules: nn.ModuleList) -> list[UBlock]:
    return [module for module in modules if isinstance(module, UBlock)]


def _convolutions(modules: nn.ModuleList) -> list[nn.Conv2d]:
    return [module for module in modules if isinstance(module, nn.Conv2d)]


def channels_of(stage: UBlock) -> int:
    """That it gives."""
    return int(stage.project.out_channels)


def _first_channels(skip: Levels, count: int) -> Bytes:
    assert skip.whole is not None  # nothing else is joined
    return skip.whole[:, :, :count]

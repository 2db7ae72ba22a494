"""3x3 convolutions of bytes by Winograd's minimal filtering, for processors that have AVX2 and nothing for eight bits.

`kernels/winograd.c` computes them. OpenVINO multiplies bytes one by one there, which is at most twice as fast as floats
are; with a quarter of the multiplications, in 16 bits, the same takes half of its time, and no weight loses precision.
Source: Lavin and Gray 2015, "Fast Algorithms for Convolutional Neural Networks", arXiv:1509.09308, section 4.
"""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import nn

from service.kernels.arena import Arena, Bytes
from service.kernels.steps import Kind, Step

Floats = NDArray[np.float32]

LANES = 16
"""Inputs and outputs that are computed at once: how many channels there are is a multiple of it."""

MOST_CHANNELS = 2048
AT_ONCE = 6
"""Tiles, whose sums stay in registers."""
MOST_TILES = 96

LEAST_TILES = 36
"""Weights are read once for all that a thread takes, which counts with 1024 channels. With 12 at least, the
network took 1.03 of the time."""

KERNEL_TRANSFORMS: Mapping[int, Any] = {
    2: np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]]),
    4: np.array(
        [
            [1 / 4, 0, 0],
            [-1 / 6] * 3,
            [-1 / 6, 1 / 6, -1 / 6],
            [1 / 24, 1 / 12, 1 / 6],
            [1 / 24, -1 / 12, 1 / 6],
            [0, 0, 1],
        ]
    ),
}
"""G of the paper, by how many results a tile has from side to side."""

PIXEL_TRANSFORMS: Mapping[int, Any] = {
    2: np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]]),
    4: np.array(
        [
            [4, 0, -5, 0, 1, 0],
            [0, -4, -4, 1, 1, 0],
            [0, 4, -4, -1, 1, 0],
            [0, -2, -1, 2, 1, 0],
            [0, 2, -1, -2, 1, 0],
            [0, 4, 0, -5, 0, 1],
        ]
    ),
}
"""B^T of the paper, which `winograd.c` computes."""

WORTH_MORE_WEIGHTS = 0.6
"""A tile of 4x4 has four times as many weights as the convolution, one of 2x2 less than twice. So it has to save four
of ten products: where a small picture is cut into few tiles it does not, and its many weights would be read from memory
for each picture anew. u2net's take 210 MB like that; all by 4x4 would take 352, for the same time."""

MOST_SUM = 0.9999 * 2**31
"""Of what 32 bits can hold: floats, in which this is computed, are coarser than the rest."""
MOST_WEIGHT = 0.9999 * 2**15
TINY = 1e-20
"""Instead of 0, for weights that are all 0."""

VALUES_BYTES = 600_000
"""What a thread transforms before it multiplies: more does not stay in the caches near a core (512 kB of AMD's)."""

DEEP = 256
"""Outputs from which on two threads share them, where there are too few pixels for two."""


class Packed(NamedTuple):
    """The weights of one convolution as `winograd.c` reads them."""

    weights: NDArray[np.int16]
    """(outputs / 16, places, inputs / 2, 16, 2)"""
    scales: Floats
    """(outputs / 16, places, 16): the levels that a sum of 1 stands for."""
    biases: Floats
    """(outputs,), in levels."""


def packed(conv: nn.Conv2d, tile: int, level_in: float, level_out: float, arena: Arena) -> Packed:
    """Of a convolution of bytes that stand for so much each into such. Outputs are filled up to a multiple of LANES."""
    inputs, blocks, places = conv.in_channels, _parts(conv.out_channels, LANES), (tile + 2) ** 2
    into = Packed(
        arena.take((blocks, places, inputs // 2, LANES, 2), np.int16),
        arena.take((blocks, places, LANES), np.float32),
        arena.take((blocks * LANES,), np.float32),
    )
    if not arena.is_filled:
        _pack(conv, tile, level_in, level_out, into)
    return into


def _pack(conv: nn.Conv2d, tile: int, level_in: float, level_out: float, into: Packed) -> None:
    """Weights are rounded as finely as their sums allow.

    An output's sum at a place is at most L * sum(|w| * step + 1/2), where L is the largest of what pixels become, and
    rounding adds one half at most. With step <= (2**31 - inputs * L) / (L * sum(|w|)) it is below 2**31. What a sum is
    on its way does not matter: it wraps around and comes back. Of two products at once neither overflows, as
    L is 17340 at most and each weight is below 2**15.
    """
    inputs, outputs = conv.in_channels, into.biases.size
    transformed = _transformed(conv, tile)
    largest = _largest_values(tile)[:, np.newaxis]
    magnitudes = np.abs(transformed)
    sums, peaks = magnitudes.sum(axis=2) * largest, magnitudes.max(axis=2)
    steps = np.minimum((MOST_SUM - inputs * largest) / np.maximum(sums, TINY), MOST_WEIGHT / np.maximum(peaks, TINY))
    steps = steps.astype(np.float32)
    integers = np.zeros((len(largest), outputs, inputs), np.int16)
    integers[:, : conv.out_channels] = np.rint(np.multiply(transformed, steps[..., np.newaxis], out=transformed))
    scales = np.zeros((len(largest), outputs), np.float32)
    scales[:, : conv.out_channels] = level_in / level_out / steps
    pairs = integers.view(np.int32).reshape(len(largest), outputs // LANES, LANES, inputs // 2)
    into.weights.view(np.int32)[..., 0] = pairs.transpose(1, 0, 3, 2)
    into.scales[:] = scales.reshape(len(largest), outputs // LANES, LANES).transpose(1, 0, 2)
    into.biases[:] = _biases(conv, outputs, level_out)


def _transformed(conv: nn.Conv2d, tile: int) -> Floats:
    """(places, outputs, inputs)"""
    kernel = KERNEL_TRANSFORMS[tile]
    taps = conv.weight.permute(2, 3, 0, 1).reshape(9, -1).numpy()
    both = np.kron(kernel, kernel).astype(np.float32)
    return np.asarray(np.dot(both, taps)).reshape(len(both), conv.out_channels, conv.in_channels)


def _largest_values(tile: int) -> NDArray[np.float64]:
    """(places,): the largest magnitude of what `winograd.c` makes of bytes."""
    transform = PIXEL_TRANSFORMS[tile]
    more, less = np.maximum(transform, 0).sum(axis=1), np.maximum(-transform, 0).sum(axis=1)
    upper = np.outer(more, more) + np.outer(less, less)
    lower = np.outer(more, less) + np.outer(less, more)
    return np.asarray(255.0 * np.maximum(upper, lower).ravel())


def _biases(conv: nn.Conv2d, outputs: int, level_out: float) -> Floats:
    biases = np.zeros(outputs, np.float32)
    if conv.bias is not None:
        biases[: conv.out_channels] = conv.bias.numpy() / level_out
    return biases


def convolution(
    conv: nn.Conv2d,
    source: Bytes,
    target: NDArray[Any],
    levels: tuple[float, float],
    arena: Arena,
    added: Bytes | None = None,
) -> Step:
    """With the activation ReLU, (h, w, inputs) -> (h, w, outputs); or without, into (h, w) floats, the first output.

    A byte of 1 stands for so much in `source` and in `target`. Weights are in `arena`. `added` is added to the result,
    byte by byte.
    """
    height, width, inputs = source.shape
    assert inputs % LANES == 0  # or pixels beside it would be read
    assert inputs <= MOST_CHANNELS
    cut = _cut(height, width, conv.dilation[0])
    of_conv = packed(conv, cut.tile, *levels, arena)
    outputs = of_conv.biases.size
    return Step(
        Kind.CONVOLVE,
        source,
        (height, width),
        target,
        of_conv.weights,
        of_conv.scales,
        of_conv.biases,
        added,
        cut.tile,
        conv.dilation[0],
        cut.at_once(inputs),
        _upwards(outputs // 2, LANES) if cut.tile == 2 and outputs >= DEEP else outputs,
    )


class Cut(NamedTuple):
    """A picture in so many tiles."""

    tile: int
    pieces: int

    @property
    def products(self) -> int:
        """A channel and an output; tiles are multiplied AT_ONCE."""
        return (self.tile + 2) ** 2 * _upwards(self.pieces, AT_ONCE)

    def at_once(self, inputs: int) -> int:
        """What a thread takes: as many as stay in its caches, and about as many each time."""
        most = min(MOST_TILES, max(LEAST_TILES, VALUES_BYTES // (2 * (self.tile + 2) ** 2 * inputs)))
        return _upwards(_parts(self.pieces, _parts(self.pieces, most)), AT_ONCE)


def _cut(height: int, width: int, dilation: int) -> Cut:
    small, large = (
        Cut(tile, math.prod(dilation * _parts(_parts(side, dilation), tile) for side in (height, width)))
        for tile in PIXEL_TRANSFORMS
    )
    return large if large.products < WORTH_MORE_WEIGHTS * small.products else small


def _parts(whole: int, part: int) -> int:
    return -(-whole // part)


def _upwards(count: int, step: int) -> int:
    return _parts(count, step) * step


def first_convolution(conv: nn.Conv2d, source: Floats, target: Bytes, level_out: float) -> Step:
    """Of numbers, with zeros around them: (h + 2, w + 2, inputs) -> (h, w, outputs). With ReLU."""
    weights = np.ascontiguousarray(conv.weight.permute(2, 3, 1, 0).numpy() / np.float32(level_out))
    biases = _biases(conv, conv.out_channels, level_out)
    return Step(Kind.BEGIN, source, target.shape[:2], target, weights, None, biases)


def halved(source: Bytes, target: Bytes) -> Step:
    """The largest of each four pixels."""
    return Step(Kind.HALVE, source, source.shape[:2], target)


def doubled(source: Bytes, target: Bytes) -> Step:
    """Bilinear."""
    return Step(Kind.DOUBLE, source, source.shape[:2], target)

"""Finds what each convolution's result is to hold in 8 bits, by running the float network on real pictures.

Tensors that a network adds or joins must lie on the same grid, so their ranges are found together. Which ones these
are is not written down: it is seen while the network runs.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from service.models.segmenters.base import Pixels, TorchSegmenter
from service.models.segmenters.int8 import StandIn, check_convolutions, check_operation
from service.models.segmenters.layers import replace_convolutions
from service.models.store.int8_ranges import Span

DROPPED_SHARE = 1e-5
"""Of the values at either end: one outlier would make the grid coarse for all others. Other shares, and keeping all
of them, were measured to lie further from float32 with U2-Net."""


class Company:
    """Tensors that must share a grid, and the range that they need together."""

    def __init__(self) -> None:
        self._joined: Company | None = None
        self.low, self.high = 0.0, 0.0

    @property
    def whole(self) -> "Company":
        return self if self._joined is None else self._joined.whole

    def join(self, other: "Company") -> None:
        mine, theirs = self.whole, other.whole
        if mine is not theirs:
            theirs._joined = mine
            mine.low, mine.high = min(mine.low, theirs.low), max(mine.high, theirs.high)

    def stretch(self, values: Tensor) -> None:
        """So that it holds `values`, but for the outermost `DROPPED_SHARE` of them."""
        flat = values.flatten()
        count = max(1, int(flat.numel() * DROPPED_SHARE))
        whole = self.whole
        whole.high = max(whole.high, flat.topk(count).values[-1].item())
        whole.low = min(whole.low, flat.topk(count, largest=False).values[-1].item())


class Observed(StandIn):
    """A float tensor that will be 8 bits: what is computed from it, other than by convolutions, shares its grid."""

    def __init__(self, values: Tensor, company: Company) -> None:
        self.values = values
        self.company = company

    @property
    def shape(self) -> torch.Size:
        return self.values.shape

    def mean(self, dim: tuple[int, ...], keepdim: bool) -> Tensor:
        return self.values.mean(dim, keepdim)

    def expand_as(self, other: "Observed") -> "Observed":
        return Observed(self.values.expand_as(other.values), self.company)

    def __add__(self, other: "Observed") -> "Observed":
        if not isinstance(other, Observed):
            return NotImplemented
        self.company.join(other.company)
        total = self.values + other.values
        self.company.stretch(total)
        return Observed(total, self.company)

    @classmethod
    def __torch_function__(
        cls, function: Callable[..., Any], types: Iterable[type], args: Sequence[Any] = (), kwargs: Any = None
    ) -> "Observed":
        check_operation(function)
        first, *others = args
        if isinstance(first, Observed):
            return cls(function(first.values, *others, **(kwargs or {})), first.company)
        for observed in first[1:]:  # a list of tensors, to be joined
            first[0].company.join(observed.company)
        return cls(function([observed.values for observed in first], *others, **(kwargs or {})), first[0].company)


class ObservedConv2d(nn.Module):
    """The convolution, exactly; it notes the range of its results."""

    def __init__(self, exact: nn.Conv2d) -> None:
        super().__init__()
        self._exact = exact
        self.company = Company()

    def forward(self, x: Tensor | Observed) -> Observed:
        result: Tensor = self._exact(x.values if isinstance(x, Observed) else x)
        self.company.stretch(result)
        return Observed(result, self.company)


def observe(network: nn.Module, exact: Collection[str]) -> dict[str, ObservedConv2d]:
    """Replace the convolutions of `network` by observed ones, and return these by name.

    Those in `exact`, names of convolutions or of modules that contain them, keep giving float32. Raises NoInt8Form
    where one could not be computed in 8 bits, whatever its range.
    """
    check_convolutions(network)
    observed: dict[str, ObservedConv2d] = {}

    def substitute(name: str, convolution: nn.Conv2d) -> nn.Module:
        if any(name == kept or name.startswith(f"{kept}.") for kept in exact):
            return ExactConv2d(convolution)
        observed[name] = ObservedConv2d(convolution)
        return observed[name]

    replace_convolutions(network, substitute)
    return observed


class ExactConv2d(nn.Module):
    """A convolution whose result is needed in float32."""

    def __init__(self, exact: nn.Conv2d) -> None:
        super().__init__()
        self._exact = exact

    def forward(self, x: Tensor | Observed) -> Tensor:
        result: Tensor = self._exact(x.values if isinstance(x, Observed) else x)
        return result


@torch.inference_mode()
def calibrate(segmenter: TorchSegmenter, images: Iterable[Pixels]) -> Mapping[str, Span]:
    """What each convolution's result is to hold, by the convolution's name; see `int8.quantize`.

    The segmenter computes in float32 on a CPU; its network is rebuilt for this, and of no other use afterwards. Raises
    NoInt8Form where the network has a layer or an operation that could not be computed in 8 bits.
    """
    observed = observe(segmenter.network, segmenter.exact_layers)
    for image in images:
        segmenter.forward(segmenter.prepare(segmenter.upload([image])))
    return {name: (conv.company.whole.low, conv.company.whole.high) for name, conv in observed.items()}


def disagreement(one: TorchSegmenter, other: TorchSegmenter, images: Iterable[Pixels]) -> float:
    """The share of pixels, 0 to 1, that get another class from the one than from the other."""
    return float(np.mean([_decide(one, image) != _decide(other, image) for image in images]))


def _decide(segmenter: TorchSegmenter, image: Pixels) -> NDArray[np.int64]:
    """(h, w) class ids."""
    (scores,) = segmenter.predict([image])
    decided: NDArray[np.int64] = scores.argmax(axis=0) if len(scores) > 1 else np.rint(scores[0]).astype(np.int64)
    return decided

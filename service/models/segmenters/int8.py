"""Eight-bit integer networks on a CPU: about three times as fast as float32 where it has VNNI instructions.

Static quantisation. Activations are uint8 on grids that were found once, on real pictures (`calibration.py`); weights
are int8 with one scale an output channel. oneDNN multiplies in int8 and adds up in int32.
Source: Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
Inference", arXiv:1712.05877.

No network is written twice. Its convolutions are replaced by `QuantConv2d`, whose results are `Quantized`; the other
operations of its `forward` find their integer form in `OPERATIONS`, through torch's `__torch_function__`. What has no
integer form is refused with its name: nothing is left out in silence.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from service.errors import NoInt8Form
from service.models.segmenters.layers import ActivatedConv2d, Activation, replace_convolutions
from service.models.store.int8_ranges import Span

LEVELS = 255
WEIGHT_LEVELS = 127
"""Weights are symmetric around zero, so -128 stays unused."""

ACTIVATIONS: dict[Activation, str] = {"none": "none", "relu": "relu", "relu6": "relu"}
"""As `onednn::qconv2d_pointwise` calls them. Saturating at the end of the grid is ReLU6, where the grid ends at 6."""

CONVOLUTIONS = (nn.Conv2d.forward, ActivatedConv2d.forward)
"""What `QuantConv2d` can stand in for: a subclass that does more than these in its `forward` would lose it."""


@dataclass(frozen=True)
class Grid:
    """What the integers 0 to 255 stand for: (integer - zero_point) * scale."""

    scale: float
    zero_point: int

    @classmethod
    def covering(cls, span: Span) -> Self:
        """The finest grid over `span` on which 0 is exact, as zero padding must be."""
        low, high = min(span[0], 0.0), max(span[1], 0.0)
        scale = max(high - low, 1e-8) / LEVELS
        return cls(scale, round(-low / scale))

    def quantize(self, values: Tensor) -> "Quantized":
        """Rounded to the grid; what lies outside becomes its end. Overwrites `values`."""
        integers = values.mul_(1 / self.scale).round_().add_(self.zero_point).clamp_(0, LEVELS)
        return Quantized(integers.to(torch.uint8), self)


class StandIn:
    """What takes the place of a tensor in a network's `forward`. It can do what it says, and refuses all else."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise NoInt8Form(f"Tensor.{name} has no 8-bit form: this network computes in fp32 only")


def check_operation(function: Callable[..., Any]) -> None:
    """Raises NoInt8Form where it is none of `OPERATIONS`."""
    if function not in OPERATIONS:
        name = getattr(function, "__name__", repr(function))
        raise NoInt8Form(f"{name} has no 8-bit form: this network computes in fp32 only")


class Quantized(StandIn):
    """A uint8 tensor on its grid, in the place of a float one: (N, C, h, w), channels last in memory."""

    def __init__(self, integers: Tensor, grid: Grid) -> None:
        self.integers = integers
        self.grid = grid

    @property
    def shape(self) -> torch.Size:
        return self.integers.shape

    def expand_as(self, other: "Quantized") -> "Quantized":
        return Quantized(self.integers.expand_as(other.integers), self.grid)

    def mean(self, dim: tuple[int, ...], keepdim: bool) -> Tensor:
        """In float32: an average over a whole picture is small beside the steps of the grid."""
        return (self.integers.float().mean(dim, keepdim) - self.grid.zero_point) * self.grid.scale

    def __add__(self, other: "Quantized") -> "Quantized":
        if not isinstance(other, Quantized):
            return NotImplemented
        _check_same_grid(self, other)
        if self.grid.zero_point == 0:  # saturates without a wider type
            total = torch.minimum(self.integers, LEVELS - other.integers).add_(other.integers)
        else:
            wide = self.integers.to(torch.int16).add_(other.integers).sub_(self.grid.zero_point)
            total = wide.clamp_(0, LEVELS).to(torch.uint8)
        return Quantized(total, self.grid)

    @classmethod
    def __torch_function__(
        cls, function: Callable[..., Any], types: Iterable[type], args: Sequence[Any] = (), kwargs: Any = None
    ) -> "Quantized":
        check_operation(function)
        return OPERATIONS[function](*args, **(kwargs or {}))


def _check_same_grid(*operands: Quantized) -> None:
    if len({operand.grid for operand in operands}) > 1:
        raise ValueError("tensors that are added or joined must share a grid: calibrate the network again")


def _cat(parts: Sequence[Quantized], dim: int) -> Quantized:
    _check_same_grid(*parts)
    return Quantized(torch.cat([part.integers for part in parts], dim), parts[0].grid)


def _halve(x: Quantized, kernel_size: int, stride: int, ceil_mode: bool, **_: Any) -> Quantized:
    """The largest of each 2x2 pixels, as the larger of two neighbours, twice: torch has no such pooling of uint8."""
    if (kernel_size, stride, ceil_mode) != (2, 2, True):
        raise NoInt8Form("only max pooling of 2x2 pixels, rounded up, has an 8-bit form")
    height, width = x.shape[2:]
    even = F.pad(x.integers, (0, width % 2, 0, height % 2)) if height % 2 or width % 2 else x.integers
    rows = torch.maximum(even[:, :, ::2], even[:, :, 1::2])
    return Quantized(torch.maximum(rows[..., ::2], rows[..., 1::2]), x.grid)


def _interpolate(x: Quantized, **how: Any) -> Quantized:
    """Through float32: torch's uint8 kernel for channels last is scalar, and truncates."""
    enlarged = F.interpolate(x.integers.float(), **how)
    return Quantized(enlarged.round_().to(torch.uint8), x.grid)


OPERATIONS: dict[Callable[..., Any], Callable[..., Quantized]] = {
    torch.cat: _cat,
    F.max_pool2d: _halve,
    F.interpolate: _interpolate,
}


class QuantConv2d(nn.Module):
    """A convolution, with the activation it may have, from uint8 to uint8; or to float32 where it has no grid.

    A float input, such as the picture itself, is convolved in float32, and the result is quantised.
    """

    def __init__(self, exact: nn.Conv2d, grid: Grid | None) -> None:
        super().__init__()
        self._exact = exact
        self._grid = grid
        self._activation = ACTIVATIONS[_activation(exact)]
        self._packed: PackedWeights | None = None
        self._owns_parameters = False

    def forward(self, x: Tensor | Quantized) -> Tensor | Quantized:
        if isinstance(x, Tensor):
            self._leave_file()
            result: Tensor = self._exact(x)
            return result if self._grid is None else self._grid.quantize(result)
        if self._packed is None:
            self._packed = PackedWeights.of(self._exact, x.grid)
            del self._exact
        return self._convolve(x, self._packed)

    def _leave_file(self) -> None:
        """Parameters of its own: one that stays when the others are packed would keep the whole file mapped."""
        if not self._owns_parameters:
            for parameter in self._exact.parameters():
                parameter.data = parameter.clone()
            self._owns_parameters = True

    def _convolve(self, x: Quantized, packed: "PackedWeights") -> Tensor | Quantized:
        result = torch.ops.onednn.qconv2d_pointwise(
            x.integers,
            x.grid.scale,
            x.grid.zero_point,
            packed.weight,
            packed.scales,
            packed.zero_points,
            packed.bias,
            *packed.geometry,
            self._grid.scale if self._grid else 1.0,
            self._grid.zero_point if self._grid else 0,
            torch.uint8 if self._grid else torch.float32,
            self._activation,
            [],
            "",
        )
        return Quantized(result, self._grid) if self._grid else result


@dataclass(frozen=True)
class PackedWeights:
    """int8 weights in the layout that oneDNN wants for one convolution."""

    weight: Tensor
    scales: Tensor
    """One an output channel."""
    zero_points: Tensor
    bias: Tensor | None
    geometry: tuple[Sequence[int], str | Sequence[int], Sequence[int], int]
    """Stride, padding, dilation and groups."""

    @classmethod
    def of(cls, conv: nn.Conv2d, input_grid: Grid) -> Self:
        scales = conv.weight.abs().amax((1, 2, 3)).clamp_min(1e-8) / WEIGHT_LEVELS
        integers = (conv.weight / scales.view(-1, 1, 1, 1)).round_().to(torch.int8)
        bias = None if conv.bias is None else conv.bias.clone()  # its own, as `QuantConv2d._leave_file` says
        geometry = (conv.stride, conv.padding, conv.dilation, conv.groups)
        packed = torch.ops.onednn.qconv_prepack(
            integers, scales, input_grid.scale, input_grid.zero_point, *geometry, None
        )
        return cls(packed, scales, torch.zeros(len(scales), dtype=torch.int32), bias, geometry)


def check_convolutions(network: nn.Module) -> None:
    """Raises NoInt8Form, with the name of the convolution that cannot be computed in 8 bits."""
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            if type(module).forward not in CONVOLUTIONS:
                raise NoInt8Form(f"{name}: what a {type(module).__name__} does has no 8-bit form")
            if module.padding_mode != "zeros":
                raise NoInt8Form(f"{name}: padding with {module.padding_mode} has no 8-bit form")
            if _activation(module) not in ACTIVATIONS:
                raise NoInt8Form(f"{name}: the activation {_activation(module)} has no 8-bit form")


def _activation(conv: nn.Conv2d) -> Activation:
    return conv.activation if isinstance(conv, ActivatedConv2d) else "none"


def _check_saturates_at_six(name: str, conv: nn.Conv2d, span: Span | None) -> None:
    """Half a step of the grid above is as near as it gets."""
    if _activation(conv) == "relu6" and (span is None or span[1] > 6 * (1 + 0.5 / LEVELS)):
        held = "is kept in float32" if span is None else f"is to hold values up to {span[1]:g}"
        raise NoInt8Form(f"{name}: its result {held}, and in 8 bits nothing else would end ReLU6 at 6")


def quantize(network: nn.Module, spans: Mapping[str, Span]) -> None:
    """Replace every convolution of `network`; `spans` says what the result of each is to hold, by the module's name.

    One that is not in `spans` gives float32. Raises NoInt8Form where one cannot be computed in 8 bits.
    """
    check_convolutions(network)
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            _check_saturates_at_six(name, module, spans.get(name))
    grids = {name: Grid.covering(span) for name, span in spans.items()}
    replace_convolutions(network, lambda name, exact: QuantConv2d(exact, grids.get(name)))

"""What a `Symbol` stands for after each operation of torch: the same, as nodes of an OpenVINO graph.

By torch's names, with torch's arguments: functions and methods are called alike. Those that end in `_` overwrite their
first operand, as in torch. What is not here is refused by name when a network is traced.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from service.configuration_errors import NoCompiledForm
from service.models.engines.library import opset, opset1, ov

Operand = Any
"""A Symbol, a tensor that is known already, or a number."""

Sizes = int | Sequence[int]
"""One number for height and width, or both."""


class Symbol:
    """Stands for a tensor of one picture in a network's `forward`: a place in a graph, whose shape is known."""

    dtype = None
    is_cpu = False
    """What is written for a device is of no use here: the library has its own ways."""

    def __init__(self, output: ov.Output) -> None:
        self.output = output

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.output.get_shape())

    def __getattr__(self, name: str) -> Callable[..., "Symbol"]:
        if name.startswith("__"):
            raise AttributeError(name)
        operation = operation_called(name)
        return lambda *args, **kwargs: operation(self, *args, **kwargs)

    def __add__(self, other: Operand) -> "Symbol":
        return _add(self, other)

    def __getitem__(self, key: tuple[slice | None, ...]) -> "Symbol":
        """Whole axes, and None for a new one."""
        if any(entry not in (None, slice(None)) for entry in key):
            raise NoCompiledForm("only whole axes and new ones can be taken of a tensor, not a part of it")
        added = [axis for axis, entry in enumerate(key) if entry is None]
        return _of(opset.unsqueeze(self.output, _integers(added)))

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None) -> "Symbol":
        return operation_called(function.__name__)(*args, **(kwargs or {}))


def operation_called(name: str) -> Callable[..., Symbol]:
    """Raises NoCompiledForm where it is none of `OPERATIONS`."""
    if name not in OPERATIONS:
        raise NoCompiledForm(f"torch's {name} has no row in service/models/engines/operations.py")
    return OPERATIONS[name]


def constant(values: Tensor) -> ov.Output:
    """Large weights are a view of their file until they are compiled; a copy of the others lets go of it then.

    In the file they lie as (out, h, w, in), which torch sees as (out, in, h, w), and OpenVINO turns them round itself.
    """
    values = values.detach()
    if not is_channels_last(values):
        return opset.constant(values.numpy().copy(), shared_memory=True).output(0)
    turned = opset.constant(values.permute(0, 2, 3, 1).numpy(), shared_memory=True)
    return opset.transpose(turned, _integers([0, 3, 1, 2])).output(0)


def is_channels_last(values: Tensor) -> bool:
    """Where that is another order than torch's usual one."""
    return values.dim() == 4 and not values.is_contiguous() and values.permute(0, 2, 3, 1).is_contiguous()


def _output(operand: Operand) -> ov.Output:
    if isinstance(operand, Symbol):
        return operand.output
    return constant(operand) if isinstance(operand, Tensor) else opset.constant(np.float32(operand)).output(0)


def _of(node: ov.Node) -> Symbol:
    return Symbol(node.output(0))


def _integers(values: Sequence[int]) -> ov.Output:
    return opset.constant(np.array(values, np.int64)).output(0)


def _both(size: Sizes) -> list[int]:
    return [size, size] if isinstance(size, int) else list(size)


def _one(function: Callable[[ov.Output], ov.Node]) -> Callable[..., Symbol]:
    return lambda x, **_: _of(function(x.output))


def _two(function: Callable[[ov.Output, ov.Output], ov.Node]) -> Callable[..., Symbol]:
    return lambda x, y, **_: _of(function(_output(x), _output(y)))


def _overwriting(operation: Callable[..., Symbol]) -> Callable[..., Symbol]:
    def overwrite(x: Symbol, *args: Any, **kwargs: Any) -> Symbol:
        x.output = operation(x, *args, **kwargs).output
        return x

    return overwrite


def _same(x: Symbol, *_: Any, **__: Any) -> Symbol:
    """What changes where a tensor is, not what it holds."""
    return x


def _conv2d(
    x: Symbol,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Symbol:
    geometry = (_both(stride), _both(padding), _both(padding), _both(dilation))
    if groups == 1:
        convolved = opset.convolution(x.output, constant(weight), *geometry)
    else:
        grouped = weight.reshape(groups, weight.shape[0] // groups, *weight.shape[1:])
        convolved = opset.group_convolution(x.output, constant(grouped), *geometry)
    return _of(convolved if bias is None else opset.add(convolved, constant(bias.view(1, -1, 1, 1))))


def _linear(x: Symbol, weight: Tensor, bias: Tensor | None = None) -> Symbol:
    product = opset.matmul(x.output, constant(weight), False, True)
    return _of(product if bias is None else opset.add(product, constant(bias)))


def _max_pool2d(
    x: Symbol,
    kernel_size: Sizes,
    stride: Sizes,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Symbol:
    if return_indices:
        raise NoCompiledForm("max_pool2d cannot return indices here")
    if _both(dilation) != [1, 1]:
        raise NoCompiledForm("max_pool2d cannot be dilated here")
    pads, rounding = _both(padding), "ceil" if ceil_mode else "floor"
    pooled = opset1.max_pool(x.output, _both(stride), pads, pads, _both(kernel_size), rounding)
    return _of(pooled)


def _interpolate(
    x: Symbol,
    size: Sequence[int] | None = None,
    scale_factor: float | None = None,
    mode: str = "nearest",
    align_corners: bool | None = False,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Symbol:
    if mode != "bilinear" or align_corners or recompute_scale_factor or antialias:
        raise NoCompiledForm(f"only plain bilinear interpolation without aligned corners is known, not this {mode}")
    sides = list(size) if size is not None else [int(side * (scale_factor or 1)) for side in x.shape[2:]]
    axes = _integers([2, 3])
    how = {"mode": "linear_onnx", "shape_calculation_mode": "sizes"}
    how["coordinate_transformation_mode"] = "pytorch_half_pixel"
    return _of(opset.interpolate(x.output, _integers(sides), axes=axes, **how))


def _pad(x: Symbol, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Symbol:
    """Of the last two axes: left, right, top, bottom."""
    if mode != "constant":
        raise NoCompiledForm(f"only padding with a number is known, not {mode}")
    left, right, top, bottom = pad
    begin, end = _integers([0, 0, top, left]), _integers([0, 0, bottom, right])
    return _of(opset.pad(x.output, begin, end, "constant", _output(value or 0.0)))


def _clamp(x: Symbol, min: float, max: float = float(np.finfo(np.float32).max)) -> Symbol:  # noqa: A002 - torch's name
    return _of(opset.clamp(x.output, min, max))


def _permute(x: Symbol, *axes: int) -> Symbol:
    return _of(opset.transpose(x.output, _integers(axes)))


def _reshape(x: Symbol, *shape: int) -> Symbol:
    return _of(opset.reshape(x.output, _integers(shape), False))


def _mean(x: Symbol, dim: Sequence[int], keepdim: bool = False) -> Symbol:
    return _of(opset.reduce_mean(x.output, _integers(dim), keepdim))


def _amax(x: Symbol, dim: Sequence[int], keepdim: bool = False) -> Symbol:
    return _of(opset.reduce_max(x.output, _integers(dim), keepdim))


_add, _sub, _mul, _div = map(_two, (opset.add, opset.subtract, opset.multiply, opset.divide))
_relu, _sigmoid, _hardswish = map(_one, (opset.relu, opset.sigmoid, opset.hswish))

OPERATIONS: Mapping[str, Callable[..., Symbol]] = {
    "add": _add,
    "add_": _overwriting(_add),
    "addcmul": lambda x, one, other: _add(x, _mul(one, other)),
    "amax": _amax,
    "cat": lambda parts, dim: _of(opset.concat([_output(part) for part in parts], dim)),
    "clamp": _clamp,
    "contiguous": _same,
    "conv2d": _conv2d,
    "div_": _overwriting(_div),
    "expand_as": lambda x, other: _of(opset.broadcast(x.output, _integers(other.shape))),
    "float": lambda x: _of(opset.convert(x.output, "f32")),
    "hardswish": _hardswish,
    "hardtanh_": _overwriting(_clamp),
    "interpolate": _interpolate,
    "linear": _linear,
    "max_pool2d": _max_pool2d,
    "mean": _mean,
    "mm": lambda x, y: _of(opset.matmul(_output(x), _output(y), False, False)),
    "mul_": _overwriting(_mul),
    "pad": _pad,
    "permute": _permute,
    "relu_": _overwriting(_relu),
    "reshape": _reshape,
    "sigmoid": _sigmoid,
    "sigmoid_": _overwriting(_sigmoid),
    "sub_": _overwriting(_sub),
    "t": lambda x: _permute(x, 1, 0),
    "to": _same,
    "view": _reshape,
}
"""A network that needs another one adds its row."""

"""A graph in eight bits: what its tensors are to hold is measured once, on real pictures.

Activations are uint8 on grids that `calibrate` finds, weights int8 with one scale an output channel; OpenVINO
multiplies in eight bits and adds up in 32. Any graph of convolutions will do, traced or read from a file.
Source: Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
Inference", arXiv:1712.05877.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from service.models.engines.compiled import compiled
from service.models.engines.library import opset, ov
from service.models.store.int8_ranges import Span

LEVELS = 255

WEIGHT_LEVELS = 127
"""Weights are symmetric around zero, so -128 stays unused."""

CONVOLUTIONS = ("Convolution", "GroupConvolution")

ACTIVATIONS = ("Relu", "Clamp", "HSwish", "PRelu", "Swish", "Sigmoid", "HSigmoid")

KEEP_THE_GRID = ("MaxPool", "Concat", "Broadcast", "Reshape", "Squeeze", "Unsqueeze", "Transpose", "DepthToSpace")
"""Give nothing but what they are given, so results lie on the same grid. What is joined must lie on one."""

NEED_IT_AGAIN = ("Add", "Interpolate")
"""Give values between the steps of the grid, or beyond its end."""

DROPPED_SHARE = 1e-5
"""Of the values at either end: one outlier would make the grid coarse for all others. Other shares, and keeping all
of them, were measured to lie further from float32 with U2-Net."""

Values = NDArray[np.float32]


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

    @property
    def ends(self) -> Span:
        return -self.zero_point * self.scale, (LEVELS - self.zero_point) * self.scale


class Company:
    """Tensors that must share a grid, and the range that they need together."""

    def __init__(self) -> None:
        self._joined: Company | None = None
        self.span: Span = (0.0, 0.0)

    @property
    def whole(self) -> "Company":
        return self if self._joined is None else self._joined.whole

    def join(self, other: "Company") -> None:
        mine, theirs = self.whole, other.whole
        if mine is not theirs:
            theirs._joined = mine
            mine.stretch(theirs.span)

    def stretch(self, span: Span) -> None:
        whole = self.whole
        whole.span = min(whole.span[0], span[0]), max(whole.span[1], span[1])


def quantize(model: ov.Model, spans: Mapping[str, Span]) -> None:
    """Mark, in `model` itself, what is to be computed in eight bits: `spans` says what the nodes of these names are to
    hold.

    A convolution of what lies on a grid multiplies in eight bits; its own result does only if it has a span, too.
    """
    on_grid: dict[str, Span] = {}
    for node in model.get_ordered_ops():
        name, kind = node.get_friendly_name(), node.get_type_name()
        if kind in CONVOLUTIONS and _source(node, 0) in on_grid:
            node.input(1).replace_source_output(_in_eight_bits(node.input_value(1)))
        shared = [on_grid.get(_source(node, index)) for index in _tensors(node)]
        if name in spans:
            on_grid[_put_on_grid(node, spans[name])] = spans[name]
        elif shared and shared[0] and None not in shared:
            span = shared[0]
            if kind in KEEP_THE_GRID:
                on_grid[name] = span
            elif kind in NEED_IT_AGAIN:
                on_grid[_put_on_grid(node, span)] = span


def _source(node: ov.Node, index: int) -> str:
    return str(node.input_value(index).get_node().get_friendly_name())


def _tensors(node: ov.Node) -> list[int]:
    """Which inputs are pictures, and not sizes, axes or weights."""
    joined = node.get_type_name() in ("Concat", "Add")
    return list(range(node.get_input_size() if joined else min(1, node.get_input_size())))


def _put_on_grid(node: ov.Node, span: Span) -> str:
    """Returns the name of the node that does it."""
    targets = list(node.output(0).get_target_inputs())
    low, high = (opset.constant(np.full((1, 1, 1, 1), end, np.float32)) for end in Grid.covering(span).ends)
    rounded = opset.fake_quantize(node.output(0), low, high, low, high, LEVELS + 1)
    for target in targets:
        target.replace_source_output(rounded.output(0))
    return str(rounded.get_friendly_name())


def _in_eight_bits(weight: ov.Output) -> ov.Output:
    """The same constant, as int8 with a scale for each output channel; unchanged where it is none."""
    values = _constant_values(weight)
    if values is None:
        return weight
    inner = tuple(range(2 if values.ndim == 5 else 1, values.ndim))  # after groups and their channels, or channels
    scales = np.maximum(np.abs(values).max(axis=inner, keepdims=True), 1e-12) / np.float32(WEIGHT_LEVELS)
    integers = opset.constant(np.ascontiguousarray(np.rint(values / scales).astype(np.int8)))
    return opset.multiply(opset.convert(integers, "f32"), opset.constant(scales)).output(0)


def _constant_values(weight: ov.Output) -> Values | None:
    node = weight.get_node()
    if node.get_type_name() == "Transpose":
        values = _constant_values(node.input_value(0))
        return None if values is None else values.transpose(node.input_value(1).get_node().data)
    return node.data if node.get_type_name() == "Constant" else None


def calibrate(model: ov.Model, exact: Collection[str], batches: Iterable[NDArray[Any]]) -> Mapping[str, Span]:
    """What the result of each convolution is to hold, its activation included, by the name of that node.

    Results of those in `exact`, or below a module of these names, stay in float32 and are not measured. `batches` are
    what the graph takes. Tensors that are added or joined get the same span.
    """
    companies = _companies(model, exact)
    watched = [node for node in model.get_ordered_ops() if _is_measured(node, companies)]
    request = compiled(ov.Model([node.output(0) for node in watched], model.get_parameters()), 0, "fp32")
    infer = request.create_infer_request().infer
    for batch in batches:
        results = infer([batch], share_outputs=True)
        for index, node in enumerate(watched):
            companies[node.get_friendly_name()].stretch(_span_of(results[index]))
    return {node.get_friendly_name(): companies[node.get_friendly_name()].whole.span for node in _ends(model, exact)}


def _companies(model: ov.Model, exact: Collection[str]) -> dict[str, Company]:
    """Of every node whose result will lie on a grid, by its name."""
    found = {node.get_friendly_name(): Company() for node in _ends(model, exact)}
    for node in model.get_ordered_ops():
        name = node.get_friendly_name()
        if node.get_type_name() not in (*KEEP_THE_GRID, *NEED_IT_AGAIN) or name in found:
            continue
        sources = [found.get(_source(node, index)) for index in _tensors(node)]
        if sources and sources[0] and None not in sources:
            for other in sources[1:]:
                if other is not None:
                    sources[0].join(other)
            found[name] = sources[0]
    return found


def _ends(model: ov.Model, exact: Collection[str]) -> Iterator[ov.Node]:
    """What each convolution gives in the end: with its bias, and its activation."""
    for node in model.get_ordered_ops():
        if node.get_type_name() in CONVOLUTIONS:
            end = _end_of(node)
            name = end.get_friendly_name()
            if not any(name == kept or name.startswith(f"{kept}.") for kept in exact):
                yield end


def _end_of(convolution: ov.Node) -> ov.Node:
    node, has_bias = convolution, False
    while True:
        followers = [target.get_node() for target in node.output(0).get_target_inputs()]
        if len(followers) != 1:
            return node
        (follower,) = followers
        is_bias = not has_bias and follower.get_type_name() == "Add" and _is_constant(follower.input_value(1))
        if not is_bias and follower.get_type_name() not in ACTIVATIONS:
            return node
        node, has_bias = follower, has_bias or is_bias


def _is_constant(output: ov.Output) -> bool:
    return bool(output.get_node().get_type_name() == "Constant")


def _is_measured(node: ov.Node, companies: Mapping[str, Company]) -> bool:
    """What only passes on, or lies between what it is given, says nothing new."""
    passes_on = node.get_type_name() in (*KEEP_THE_GRID, "Interpolate")
    return node.get_friendly_name() in companies and not passes_on


def _span_of(values: Values) -> Span:
    """But for the outermost `DROPPED_SHARE` of them."""
    flat = values.ravel()
    count = max(1, int(flat.size * DROPPED_SHARE))
    parted = np.partition(flat, (count - 1, flat.size - count))
    return float(parted[count - 1]), float(parted[flat.size - count])

"""A graph in eight bits: what its tensors are to hold is measured once, on real pictures.

Activations are uint8 on grids that `calibrate` finds, weights int8 with one scale an output channel; OpenVINO
multiplies in eight bits and adds up in 32. Any graph of convolutions will do, traced or read from a file.
Source: Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
Inference", arXiv:1712.05877.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from service.configuration_errors import CannotQuantize
from service.models.engines.compiled import compiled
from service.models.engines.library import opset, ov
from service.models.store.int8_ranges import Span

LEVELS = 255

WEIGHT_LEVELS = 127
"""Weights are symmetric around zero, so -128 stays unused."""

CONVOLUTIONS = ("Convolution", "GroupConvolution")

MEASURED = (*CONVOLUTIONS, "ConvolutionBackpropData", "GroupConvolutionBackpropData")
"""What enlarges multiplies in float32, but what it gives can lie on a grid, so that those after it need not."""

GATES = ("Sigmoid", "HSigmoid", "HardSigmoid")
"""Multiplied with what they see they are an activation, Swish or its hard form, which some files write in two."""

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


def quantize(model: ov.Model, spans: Mapping[str, Span]) -> int:
    """Mark, in `model` itself, what is to be computed in eight bits: `spans` says what the nodes of these names are to
    hold. Returns how many convolutions multiply in eight bits then.

    A convolution of what lies on a grid does; its own result lies on one only if it has a span, too. Raises
    CannotQuantize where the spans are those of another graph.
    """
    if missing := spans.keys() - {node.get_friendly_name() for node in model.get_ops()}:
        raise CannotQuantize(f"its 8-bit ranges are of another graph, which has {min(missing)!r}: quantize it again")
    on_grid: dict[str, Span] = {}
    multiplying = 0
    for node in model.get_ordered_ops():
        name, kind = node.get_friendly_name(), node.get_type_name()
        if kind in CONVOLUTIONS and _source(node, 0) in on_grid:
            node.input(1).replace_source_output(_in_eight_bits(node.input_value(1)))
            multiplying += 1
        shared = [on_grid.get(_source(node, index)) for index in _tensors(node)]
        if name in spans:
            on_grid[_put_on_grid(node, spans[name])] = spans[name]
        elif shared and shared[0] and None not in shared:
            span = shared[0]
            if kind in KEEP_THE_GRID:
                on_grid[name] = span
            elif kind in NEED_IT_AGAIN:
                on_grid[_put_on_grid(node, span)] = span
    return multiplying


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


def heads(model: ov.Model) -> set[str]:
    """What the last convolutions give, those after which there is none: steps of 1/255 would show in the answer."""
    found: set[str] = set()
    seen: set[str] = set()
    waiting = [result.input_value(0).get_node() for result in model.get_results()]
    while waiting:
        node = waiting.pop()
        if node.get_friendly_name() in seen:
            continue
        seen.add(node.get_friendly_name())
        if node.get_type_name() in MEASURED:
            found.add(_steps(node)[-1].get_friendly_name())
        else:
            waiting += [node.input_value(index).get_node() for index in range(node.get_input_size())]
    return found


def check_is_float32(model: ov.Model) -> None:
    """Raises CannotQuantize for a graph that computes in fewer bits already."""
    kinds = {node.get_type_name() for node in model.get_ops()}
    types = {node.get_output_element_type(0).get_type_name() for node in model.get_ops() if _multiplies(node)}
    if "FakeQuantize" in kinds:
        raise CannotQuantize("it computes in eight bits already, as it was published")
    if types - {"f32"}:
        raise CannotQuantize(f"it computes in {min(types - {'f32'})}: bring it in float32")


def _multiplies(node: ov.Node) -> bool:
    return node.get_type_name() in MEASURED


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
        if node.get_type_name() in MEASURED:
            steps = _steps(node)
            if not any(_is_below(step.get_friendly_name(), kept) for step in steps for kept in exact):
                yield steps[-1]


def _is_below(name: str, module: str) -> bool:
    return name == module or name.startswith(f"{module}.")


def _steps(convolution: ov.Node) -> list[ov.Node]:
    """From the convolution over its bias to its activations."""
    steps, has_bias = [convolution], False
    while (follower := _next_step(steps[-1], has_bias)) is not None:
        has_bias = has_bias or follower.get_type_name() == "Add"
        steps.append(follower)
    return steps


def _next_step(node: ov.Node, has_bias: bool) -> ov.Node | None:
    followers = _followers(node)
    if swish := _swish(followers):
        return swish
    if len(followers) != 1:
        return None
    (follower,) = followers
    is_bias = not has_bias and follower.get_type_name() == "Add" and _is_constant(follower.input_value(1))
    return follower if is_bias or follower.get_type_name() in ACTIVATIONS else None


def _followers(node: ov.Node) -> list[ov.Node]:
    return [target.get_node() for target in node.output(0).get_target_inputs()]


def _swish(followers: Sequence[ov.Node]) -> ov.Node | None:
    """x * sigmoid(x), where that is all that is made of x."""
    gates = [node for node in followers if node.get_type_name() in GATES]
    products = [node for node in followers if node.get_type_name() == "Multiply"]
    if len(followers) != 2 or not gates or not products:
        return None
    (product,) = products
    behind = [node.get_friendly_name() for node in _followers(gates[0])]
    return product if behind == [product.get_friendly_name()] else None


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

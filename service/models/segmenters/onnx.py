"""Any network that comes as an ONNX graph: what it wants to see and what it answers is data on its card.

Pictures are normalised and answers are turned into scores here, in numpy; the graph itself runs as it was published,
see `graphs.py`. No card holds code.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from service.configuration_errors import CannotQuantize, ConfigurationError
from service.models.labels import Scores
from service.models.segmenters.base import IN_EIGHT_BITS, Pixels
from service.models.segmenters.devices import Device
from service.models.segmenters.graphs import Output, RunningGraph, open_graph, read_graph
from service.models.store import Checkpoint, ModelCard
from service.models.store.card import DIVISORS, InputSpec, OutputSpec, Values
from service.models.store.int8_ranges import Span

Planes = NDArray[Any]

FIRST = 0
"""Of a graph's outputs."""

LEAST_PROBABILITY = 1e-6
"""What counts as none, where logits are made of probabilities: -13.8."""

CERTAIN_LOGIT = 12.0
"""Of the class on a map of labels, with 0 for all others: of 150 classes it then has 99.9% of the probability."""

IMPOSSIBLE_LOGIT = -1e4
"""Of the background, where a network has none. Finite: differences of it are computed."""


class OnnxSegmenter:
    """One ONNX graph on one device."""

    def __init__(self, card: ModelCard, graph: RunningGraph) -> None:
        self._card = card
        self._graph = graph

    @classmethod
    def load(cls, checkpoint: Checkpoint, device: Device) -> Self:
        """Raises ConfigurationError where no runtime is installed, or where it cannot run the graph."""
        card, ranges = checkpoint.card, checkpoint.int8_ranges
        spans = ranges.spans if ranges is not None and card.precision in IN_EIGHT_BITS else None
        shape, output = picture_shape(card.input), meant_output(card.output)
        return cls(card, open_graph(checkpoint.weights, shape, output, device, card.precision, spans))

    def expect(self, largest: int) -> None:
        """Nothing: the graph was compiled for its size of picture when it was loaded."""

    def predict(self, images: Sequence[Pixels]) -> list[Scores]:
        return [self._predict_one(image) for image in images]

    def _predict_one(self, image: Pixels) -> Scores:
        answer = self._graph.infer(prepare(image, self._card.input))
        return scores_of(answer, self._card.output, self._card.scores_of(*image.shape[:2]))


def measure_spans(checkpoint: Checkpoint, pictures: Iterable[Pixels]) -> Mapping[str, Span]:
    """What the tensors of a graph are to hold in eight bits, from pictures as it sees them; needs OpenVINO.

    The last convolutions stay in float32. Raises CannotQuantize where nothing would be computed in eight bits.
    """
    from service.models.engines.eight_bits import calibrate, check_is_float32, heads, quantize

    spec = checkpoint.card.input
    graph = read_graph(checkpoint.weights, picture_shape(spec), meant_output(checkpoint.card.output))
    check_is_float32(graph)
    dtype = graph.input().get_element_type().to_dtype()
    batches = (prepare(picture, spec)[np.newaxis].astype(dtype) for picture in pictures)
    spans = calibrate(graph, heads(graph), batches)
    if not quantize(graph, spans):
        raise CannotQuantize("none of its convolutions sees what another one gave, and only those multiply in 8 bits")
    return spans


def meant_output(spec: OutputSpec) -> Output:
    return FIRST if spec.name is None else spec.name


def look(path: Path, outputs: Sequence[str], image: Pixels, spec: InputSpec, device: Device) -> Mapping[str, Planes]:
    """What each output of a graph answers to one picture, before anybody knows which of them is meant."""
    shape, picture = picture_shape(spec), prepare(image, spec)
    return {name: open_graph(path, shape, name, device).infer(picture) for name in outputs}


def picture_shape(spec: InputSpec) -> tuple[int, int, int]:
    """Of what the graph takes for one picture; -1 for sides that are another picture's another time."""
    height, width = (-1, -1) if spec.resize == "shorter" else (spec.height, spec.width)
    return (3, height, width) if spec.layout == "nchw" else (height, width, 3)


def prepare(image: Pixels, spec: InputSpec) -> Planes:
    """(h, w, 3) uint8 -> what the graph takes for one picture, without the batch."""
    return arrange(normalise(image, spec), spec)


def normalise(image: Pixels, spec: InputSpec) -> NDArray[np.float32]:
    """(h, w, 3) uint8 RGB -> (3, h, w): (rgb / scale - mean) / std, looked up, as there are only 256 values."""
    levels = np.arange(256, dtype=np.float64)[:, np.newaxis] / divisor(image, spec)
    table = ((levels - spec.mean) / spec.std).astype(np.float32)
    return np.stack([table[:, channel][image[:, :, channel]] for channel in range(3)])


def divisor(image: Pixels, spec: InputSpec) -> float:
    """What levels from 0 to 255 are divided by; a black picture has no brightest value to divide by."""
    return max(1.0, float(image.max())) if spec.scale == "brightest" else DIVISORS[spec.scale]


def arrange(planes: Planes, spec: InputSpec) -> Planes:
    """(3, h, w) RGB in the order and layout that the graph takes."""
    ordered = planes[::-1] if spec.order == "bgr" else planes
    return np.ascontiguousarray(ordered if spec.layout == "nchw" else ordered.transpose(1, 2, 0))


def scores_of(answer: Planes, spec: OutputSpec, shape: tuple[int, int, int]) -> Scores:
    """What one picture got, without the batch -> (C, h, w), `shape`, as decisions want them.

    Raises ConfigurationError where the answer has another shape.
    """
    told_apart = shape[0] if spec.has_background else shape[0] - 1
    scores = READ[spec.head, spec.meaning](channels_first(answer, spec), told_apart)
    if not spec.has_background:
        scores = np.concatenate([np.full_like(scores[:1], IMPOSSIBLE_LOGIT), scores])
    if scores.shape != shape:
        raise ConfigurationError(f"the card promises scores of {shape}, the graph gives {scores.shape}")
    return np.ascontiguousarray(scores, np.float32)


def channels_first(answer: Planes, spec: OutputSpec) -> Planes:
    """(C, h, w), of which labels have one and a soft mask may be given without."""
    if answer.ndim == 2:
        return answer[np.newaxis]
    return answer.transpose(2, 0, 1) if spec.layout == "nhwc" else answer


def _sigmoid(planes: Planes, _: int) -> Planes:
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * planes.astype(np.float32)))  # no overflow on either side


def _soft_mask(planes: Planes, _: int) -> Planes:
    return np.clip(planes, 0, 1)


def _foreground(planes: Planes, _: int) -> Planes:
    return np.asarray(planes != 0, np.float32)


def _logits(planes: Planes, _: int) -> Planes:
    return planes


def _log(planes: Planes, _: int) -> Planes:
    return np.asarray(np.log(planes.clip(LEAST_PROBABILITY, 1)))


def _one_hot(planes: Planes, classes: int) -> Planes:
    ids = np.arange(classes, dtype=np.int64)[:, np.newaxis, np.newaxis]
    return np.asarray((planes.astype(np.int64) == ids) * np.float32(CERTAIN_LOGIT))


READ: Mapping[tuple[str, Values], Callable[[Planes, int], Planes]] = {
    ("sigmoid", "logits"): _sigmoid,
    ("sigmoid", "probabilities"): _soft_mask,
    ("sigmoid", "labels"): _foreground,
    ("softmax", "logits"): _logits,
    ("softmax", "probabilities"): _log,
    ("softmax", "labels"): _one_hot,
}
"""What a graph answers -> what decisions want: probabilities of a sigmoid head, logits of a softmax head."""

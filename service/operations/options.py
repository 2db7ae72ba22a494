"""What a caller may choose of every operation, or of every effect; the rest stands with each operation.

Typed and described once, for HTTP, its OpenAPI page, the command line and the studio.
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypeVar

from PIL import ImageColor
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema, field_validator
from pydantic_core import ErrorDetails

from service.errors import BadOption, NotAcceptable, UnknownOption
from service.errors.wording import wording_of
from service.operations.hints import DESCRIPTION, HintsOption
from service.pixels.encoders.pictures import OPAQUE_PICTURE, PICTURE_MEDIA_TYPES, Compression, PictureFormat
from service.pixels.matting import Refine

Format = Literal[PictureFormat, "json", "npz", "zip"]
MEDIA_TYPES: dict[str, str] = {
    **PICTURE_MEDIA_TYPES,
    "json": "application/json",
    "npz": "application/x-npz",
    "zip": "application/zip",
}
HEX_COLOR = re.compile(r"#?([0-9a-f]{3}|[0-9a-f]{4}|[0-9a-f]{6}|[0-9a-f]{8})")

Effort = Literal["fast", "balanced", "best"]
"""`fast` looks at the photo once. `balanced` looks again at the subject, closer, where it is small enough for that to
show more of it. `best` looks at the mirror image of each as well, and takes the mean: two to four looks in all."""


def _split_names(value: object) -> object:
    return tuple(name.strip() for name in value.split(",") if name.strip()) if isinstance(value, str) else value


Names = Annotated[
    tuple[str, ...],
    BeforeValidator(_split_names),
    WithJsonSchema({"type": "string"}),
]


class Options(BaseModel):
    """What every operation understands."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str | None = Field(
        None, description="A loaded model, as listed by `/models`. Default: the first one loaded."
    )
    format: Format | None = Field(None, description="Format of the result; wins over the `Accept` header.")
    quality: int = Field(90, ge=1, le=100, description="Of WebP and JPEG, 1 to 100.")
    compression: Compression = Field(
        "fast",
        description="Of PNG, WebP and JPEG pictures. `small` saves a tenth to a quarter of the bytes, and takes up to "
        "thirty times as long to write.",
    )
    refine: Refine = Field(
        "auto",
        description="Move edges to where the photo has them. `auto`: where the network saw less than the photo.",
    )
    allow_empty: bool = Field(
        False, description="Answer with the empty result, instead of an error, where no subject is found."
    )
    hints: HintsOption | None = Field(None, description=DESCRIPTION)

    @field_validator("format", mode="before")
    @classmethod
    def _jpg_is_jpeg(cls, value: object) -> object:
        return "jpeg" if value == "jpg" else value

    @property
    def formats(self) -> tuple[Format, ...]:
        """What the result can come in, the default first."""
        return OPAQUE_PICTURE

    def chosen_format(self) -> Format:
        """The asked-for format or the default. Raises NotAcceptable where the result does not come in it."""
        if self.format is not None and self.format not in self.formats:
            raise NotAcceptable(f"this result comes as {', '.join(self.formats)}, not as {self.format}")
        return self.format or self.formats[0]


class EffectOptions(Options):
    """Options of everything that separates a subject from its background."""

    model: str | None = Field(
        None,
        description="A loaded model, as listed by `/models`, or `best`: the outline by one and the class by another, "
        "where both are loaded. Default: the first one loaded.",
    )
    format: PictureFormat | None = Field(None, description="Format of the result; wins over the `Accept` header.")
    effort: Effort = Field(
        "fast",
        description="How often the network looks. `fast`: once. `balanced`: again, closer, where the subject is small. "
        "`best`: at the mirror image of each as well, two to four times in all. With `model=best`, all that is said of "
        "the model that draws the outline; the other looks once.",
    )
    keep: Names = Field(
        (),
        description="Classes that are the subject: names or ids, separated by commas. Default: the model's "
        "foreground classes.",
        examples=["1"],
    )
    shift_edge: float = Field(
        0.0,
        ge=-50,
        le=50,
        description="Pixels by which the subject's edge moves outwards, or inwards where this is negative.",
    )
    feather: float = Field(
        0.0,
        ge=0,
        le=100,
        description="Pixels: sigma of the Gaussian that softens the subject's edge, after it was moved.",
    )


class DecontaminatingOptions(EffectOptions):
    """Options of effects that set the subject before something else than its own background."""

    decontaminate: bool = Field(
        True,
        description="Take the old background's colours out of the subject's soft edge; `false` leaves them.",
    )


def check_color(value: str | None) -> str | None:
    """For pydantic. Raises ValueError for anything but a colour."""
    if value is not None:
        parse_color(value)
    return value


def parse_color(text: str) -> tuple[int, int, int, int]:
    """(red, green, blue, alpha), 0 to 255. Raises ValueError for anything but a colour."""
    name = text.strip().lower()
    if name == "transparent":
        return 0, 0, 0, 0
    is_hex = HEX_COLOR.fullmatch(name)
    # Pillow would also take rgb(...) and hsl(...), with numbers of any size.
    if not is_hex and name not in ImageColor.colormap:
        raise ValueError("not a colour: use hex with 3, 4, 6 or 8 digits, a CSS name, or transparent")
    red, green, blue, *alpha = ImageColor.getrgb(f"#{is_hex[1]}" if is_hex else name)
    return red, green, blue, alpha[0] if alpha else 255


AnyOptions = TypeVar("AnyOptions", bound=Options)
Parsed = TypeVar("Parsed", bound=BaseModel)


def parse_options(kind: type[Parsed], given: Mapping[str, Any]) -> Parsed:
    """The options a caller gave, as text or as JSON values. Empty text means: not given.

    Raises UnknownOption with the nearest name, or BadOption naming each wrong one.
    """
    for name in given:
        if name not in kind.model_fields:
            raise UnknownOption(_unknown(name, list(kind.model_fields)))
    try:
        return kind.model_validate({name: value for name, value in given.items() if value != ""})
    except ValidationError as error:
        # What is wrong with several options together has no place of its own.
        said = (": ".join(filter(None, (_place(entry["loc"]), _wording(kind, entry)))) for entry in error.errors())
        raise BadOption("; ".join(said)) from error


def _wording(kind: type[BaseModel], entry: ErrorDetails) -> str:
    """Where a text has the wrong form, one of the right form, and no pattern."""
    examples = kind.model_fields[str(entry["loc"][0])].examples if entry["type"] == "string_pattern_mismatch" else None
    return f"it looks like {' or '.join(map(str, examples))}" if examples else wording_of(entry)


def _place(location: Sequence[int | str]) -> str:
    """`quality`, or, within an option, `hints.strokes[0].radius`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).removeprefix(".")


def _unknown(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    advice = f"did you mean {near[0]!r}?" if near else f"the options are {', '.join(known)}"
    return f"there is no option {name!r}; {advice}"

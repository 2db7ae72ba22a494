"""What crosses the socket of a session: JSON texts, and binary messages that are a header and a payload.

The whole protocol, for those who write clients, is in `docs/stream.md`.
"""

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from service.errors import BadOption, MalformedMessage
from service.errors.wording import wording_of
from service.models.labels import Size
from service.operations import LIVE_EFFECTS

LENGTH = struct.Struct("<I")
"""In front of the header of a binary message: how many bytes the header has."""

MAX_HEADER_BYTES = 4096
MAX_TEXT_CHARACTERS = 65_536

SMALLEST_SIDE_PX, LARGEST_SIDE_PX = 16, 16_383

FIRST_EFFECT = "remove-background"


def _known_effect(name: str) -> str:
    if name not in LIVE_EFFECTS:
        raise ValueError(f"there is no live effect {name!r}; there are {', '.join(LIVE_EFFECTS)}")
    return name


EffectName = Annotated[str, AfterValidator(_known_effect)]
Output = Literal["matte", "composite", "both"]
Smoothing = Annotated[float, Field(ge=0, le=0.98)]


class Part(BaseModel):
    """Strict: an unknown field is a mistake that the client wants to hear of."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Hello(Part):
    """The first message of a session."""

    type: Literal["hello"]
    model: str | None = None
    effect: EffectName = FIRST_EFFECT
    options: dict[str, Any] = {}
    output: Output = "matte"
    width: int = Field(ge=SMALLEST_SIDE_PX, le=LARGEST_SIDE_PX)
    height: int = Field(ge=SMALLEST_SIDE_PX, le=LARGEST_SIDE_PX)
    max_fps: float | None = Field(None, ge=0.1, le=1000)
    smoothing: Smoothing = 0.9

    @property
    def size(self) -> Size:
        return Size(self.width, self.height)


class Update(Part):
    """What changes from the next frame on; what it does not name stays."""

    type: Literal["update"]
    effect: EffectName | None = None
    options: dict[str, Any] | None = None
    output: Output | None = None
    smoothing: Smoothing | None = None


class FrameHeader(Part):
    """`seq` and `timestamp_ms` are the client's, and come back with the result."""

    type: Literal["frame"] = "frame"
    seq: int = Field(ge=0, le=2**53)
    timestamp_ms: float
    format: Literal["jpeg", "webp", "rgb"]


class BackgroundHeader(Part):
    """In front of a picture that goes behind the subject from now on."""

    type: Literal["background"]
    format: Literal["jpeg", "png", "webp"]


@dataclass(frozen=True)
class Frame:
    """One picture of the camera. `arrived_at` is on the event loop's clock, in seconds."""

    header: FrameHeader
    payload: memoryview
    arrived_at: float


@dataclass(frozen=True)
class Background:
    """A picture to put behind the subject."""

    header: BackgroundHeader
    payload: memoryview


AnyPart = TypeVar("AnyPart", bound=Part)


def read_hello(message: str | bytes) -> Hello:
    """Raises MalformedMessage for what is no hello, BadOption for one with wrong fields."""
    fields = _read_text(message)
    if fields.get("type") != "hello":
        raise MalformedMessage("the first message has to be a hello")
    return _validated(Hello, fields)


def read_message(message: str | bytes, arrived_at: float) -> Frame | Background | Update:
    """Any later message. Raises MalformedMessage, or BadOption for an update with wrong fields."""
    if isinstance(message, bytes):
        return _read_binary(message, arrived_at)
    fields = _read_text(message)
    if fields.get("type") != "update":
        raise MalformedMessage("a text message after the hello has to be an update")
    return _validated(Update, fields)


def _read_text(message: str | bytes) -> dict[str, Any]:
    if not isinstance(message, str):
        raise MalformedMessage("the first message has to be a text")
    if len(message) > MAX_TEXT_CHARACTERS:
        raise MalformedMessage(f"a text message has at most {MAX_TEXT_CHARACTERS} characters")
    return _read_json(message)


def _read_json(text: str | bytes) -> dict[str, Any]:
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MalformedMessage("not JSON") from error
    if not isinstance(fields, dict):
        raise MalformedMessage("not a JSON object")
    return fields


def _validated(kind: type[AnyPart], fields: Mapping[str, Any]) -> AnyPart:
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        raise BadOption(_told(error)) from error


def _told(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, entry['loc']))}: {wording_of(entry)}" for entry in error.errors())


def _read_binary(message: bytes, arrived_at: float) -> Frame | Background:
    fields, payload = unpack(message)
    kind = BackgroundHeader if fields.get("type") == "background" else FrameHeader
    try:
        header = kind.model_validate(fields)
    except ValidationError as error:
        raise MalformedMessage(f"the header of a binary message: {_told(error)}") from error
    if isinstance(header, BackgroundHeader):
        return Background(header, payload)
    return Frame(header, payload, arrived_at)


def unpack(message: bytes) -> tuple[dict[str, Any], memoryview]:
    """The header and the payload of a binary message, which is not copied. Raises MalformedMessage."""
    if len(message) < LENGTH.size:
        raise MalformedMessage("a binary message begins with the length of its header, in 4 bytes")
    (length,) = LENGTH.unpack_from(message)
    if length > min(MAX_HEADER_BYTES, len(message) - LENGTH.size):
        raise MalformedMessage(f"a header of {length} bytes in a message of {len(message)}")
    end = LENGTH.size + length
    return _read_json(message[LENGTH.size : end]), memoryview(message)[end:]


def pack(header: Mapping[str, Any], *payload: bytes | memoryview) -> bytes:
    """A binary message; the parts of the payload follow each other."""
    encoded = json.dumps(header, separators=(",", ":")).encode()
    return b"".join((LENGTH.pack(len(encoded)), encoded, *payload))


@dataclass(frozen=True)
class ResultPart:
    """One picture of a result, as bytes."""

    kind: Literal["matte", "composite"]
    format: Literal["gray8", "jpeg", "webp"]
    size: Size
    content: bytes

    def described(self) -> dict[str, Any]:
        width, height = self.size
        return {"kind": self.kind, "format": self.format, "width": width, "height": height, "bytes": len(self.content)}


@dataclass(frozen=True)
class Result:
    """What came of one frame."""

    header: FrameHeader
    parts: Sequence[ResultPart]
    scene_cut: bool
    dropped: int
    elapsed_ms: Mapping[str, float]

    def packed(self) -> bytes:
        header = {
            "seq": self.header.seq,
            "timestamp_ms": self.header.timestamp_ms,
            "dropped": self.dropped,
            "scene_cut": self.scene_cut,
            "ms": {stage: round(elapsed, 2) for stage, elapsed in self.elapsed_ms.items()},
            "parts": [part.described() for part in self.parts],
        }
        return pack(header, *(part.content for part in self.parts))

"""What goes into the pipeline and what comes out: what is asked for, the call that wants it, and the answer."""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

from service.operations.operation import Operation
from service.operations.options import Format, Options
from service.queue.claim import Booking
from service.queue.schedule import Lane
from service.telemetry.stopwatch import Stopwatch

Stage = Literal["read", "look", "look closer", "finish"]
"""Of the work on one photo, as far as somebody who waits for it wants to know."""


@dataclass(frozen=True)
class Answer:
    """The result of one request, and how it came about."""

    body: bytes
    format: Format
    model: str
    """name@version; of both, separated by a comma, where two models answered; `none` of an earlier matte."""
    device: str
    worker: int
    batch_size: int
    elapsed_ms: dict[str, float]
    box: tuple[int, int, int, int] | None = None
    """(left, top, right, bottom) of the subject in the input, in pixels."""
    notes: Mapping[str, str] = field(default_factory=dict)
    """What else the operation says of it, see `Product`."""
    frames: int = 1
    """Of the animation that the photo is the first picture of."""
    fingerprint: str = ""
    """Of all that it was made of; see `service/engine/cache.py`."""

    @classmethod
    def of(cls, body: bytes, facts: Mapping[str, Any]) -> Self:
        """The same answer again, of what `facts` said and JSON has kept."""
        box = facts["box"]
        return cls(body, **{**facts, "box": None if box is None else tuple(box)})

    def facts(self) -> dict[str, Any]:
        """All but the body, fit for JSON."""
        return {name: value for name, value in asdict(self).items() if name != "body"}


class Unchanged(Exception):
    """The caller has the answer already."""

    def __init__(self, fingerprint: str) -> None:
        super().__init__(fingerprint)
        self.fingerprint = fingerprint


@dataclass(frozen=True)
class ImageRequest:
    """What is to be done."""

    operation: Operation[Any]
    options: Options
    image: bytes
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    """Further pictures, by the names that the operation has for them."""


@dataclass
class Call:
    """One request on its way through the pipeline."""

    deadline: float
    """On the event loop's clock, in seconds; an answer that comes later is not waited for."""
    lane: Lane = Lane.INTERACTIVE
    accepted: Sequence[Format] = ()
    """What the result may come in, best liked first. Empty: what the options say."""
    booking: Booking | None = None
    """Room in memory for the pictures, which wait for it before they are decoded; None where nobody counts."""
    on_pixels: Callable[[int], None] = lambda pixel_count: None
    """Hears how many pixels the pictures have together, before they are decoded."""
    known: Container[str] = ()
    """Fingerprints of the answers that the caller has."""
    watch: Stopwatch = field(default_factory=Stopwatch)
    on_stage: Callable[[Stage], None] = lambda stage: None
    """Hears, on the event loop, what begins now; work that is done already has no stages."""
    model: str | None = None
    """name@version, as soon as it is known."""
    cached: bool | None = None
    """Whether the answer was in the cache; None where there is no cache."""

    @property
    def cache(self) -> str | None:
        """`hit` or `miss`; None where there is no cache, or it was not asked."""
        if self.cached is None:
            return None
        return "hit" if self.cached else "miss"

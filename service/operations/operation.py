"""What an operation is. HTTP, the command line, live sessions and the studio's menu derive from the table of them.

Knows no HTTP, no queue and no network: an operation is handed what a model saw, and hands back the bytes of its answer.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic

from service.errors import BadOption, NoForeground
from service.models.catalogue import Catalogue, Model
from service.models.labels import ClassTable, Prediction, Size
from service.operations.options import AnyOptions, Effort, Format
from service.pixels.correction import NO_CORRECTION, Correction, correct
from service.pixels.decode import Photo
from service.pixels.matting import Matte, Refine, matte, matte_again
from service.pixels.threads import pixel_work
from service.telemetry.stopwatch import Stopwatch


@dataclass(frozen=True)
class Picture:
    """A picture that an operation takes beside the photo."""

    name: str
    """Of the form field, and of the command's flag."""
    help: str
    instead_of: str | None = None
    """The option whose place it takes: both together are refused."""
    or_else: bool = False
    """True where one of the two has to be given."""
    is_grey: bool = False
    """True where only its light counts, as of a mask: see `Grey`."""


@dataclass(frozen=True)
class Seen:
    """A photo, what a model says of it, and the further pictures of the request."""

    photo: Photo
    """As `Operation.framed` left it."""
    prediction: Prediction
    model: Model
    class_ids: tuple[int, ...]
    """The ids in the prediction that were asked for."""
    pictures: Mapping[str, Photo] = field(default_factory=dict)
    """By the names in `Operation.pictures`, as far as they were given, but for those that are grey."""
    sent: Size = field(kw_only=True)
    """The photo's own size."""
    correction: Correction = NO_CORRECTION

    @pixel_work
    def matte(self, refine: Refine) -> Matte:
        """How much of each pixel belongs to what was asked for: as the model says, and the caller corrects it."""
        earlier = self.correction.earlier
        if earlier is None:
            soft = matte(self.prediction, self.class_ids, self.photo, refine)
        else:
            soft = matte_again(earlier, self.photo, refine)
        return soft if self.correction.is_empty else correct(soft, self.photo.on_white(), self.correction)


@dataclass(frozen=True)
class Product:
    """The bytes of an answer."""

    body: bytes
    format: Format
    box: tuple[int, int, int, int] | None = None
    """(left, top, right, bottom) of the visible subject in the photo as it was sent, in pixels."""
    notes: Mapping[str, str] = field(default_factory=dict)
    """What else the operation has to say of it, under names of its own."""


@dataclass(frozen=True)
class Operation(ABC, Generic[AnyOptions]):
    """One thing that the service can do with a photo."""

    name: str
    """Of the endpoint, the command and the live effect: `remove-background`."""
    summary: str
    """What it does, for a list of all: `Cut the subject out`."""
    description: str
    options: type[AnyOptions]
    formats: tuple[Format, ...]
    """All that its results may come in; which of them do, depends on the options."""
    pictures: tuple[Picture, ...] = ()
    icon: tuple[str, ...] = ()
    """For menus: the lines of a drawing on a grid of 24 by 24, as SVG paths."""
    page: Callable[[Size, AnyOptions], Size] | None = None
    """How large its result is at most, for a photo of that size; without it, as large as the photo."""
    is_live: bool = False
    """Whether `/stream` offers it: its picture has the frame's size, and is quickly made."""
    example: Mapping[str, str] = field(default_factory=dict)
    """Options that show what it does: what `--help` and `/docs` call it with."""
    json_example: Mapping[str, Any] = field(default_factory=dict)
    """An answer in JSON, for `/docs`, where it has such answers."""

    def check(self, options: AnyOptions, given: Collection[str]) -> None:
        """Raises BadOption where the options do not go with the names of the pictures that were given."""
        for picture in self.pictures:
            option = picture.instead_of
            times = (picture.name in given) + (option is not None and getattr(options, option) is not None)
            if times > 1 or (picture.or_else and not times):
                how_many = "exactly" if picture.or_else else "at most"
                raise BadOption(f"give {how_many} one of `{picture.name}` (a picture) and `{option}`")

    @abstractmethod
    def choose_model(self, catalogue: Catalogue, options: AnyOptions) -> Model:
        """The model that looks at the photo. Raises UnknownModel or BadOption."""

    @abstractmethod
    def class_ids(self, classes: ClassTable, options: AnyOptions) -> tuple[int, ...]:
        """The classes that the options ask for. Raises BadOption for one that the model does not know."""

    def effort(self, options: AnyOptions) -> Effort:
        """How often the networks look."""
        return "fast"

    def framed(self, photo: Photo, options: AnyOptions) -> Photo:
        """What the networks see and the answer is made of: the photo, or a part of it, or a smaller one.

        Runs on a pixel thread. Raises BadOption for a part that the photo does not have.
        """
        return photo

    @abstractmethod
    def finish(self, seen: Seen, options: AnyOptions, accepted: Sequence[Format], watch: Stopwatch) -> Product:
        """The answer, in the first format of `accepted` that can hold it. Runs on a pixel thread, and times its stages.

        Raises NoForeground where nothing that was asked for is to be seen, and NotAcceptable.
        """


def no_foreground(model: Model, class_ids: Sequence[int]) -> NoForeground:
    """The failure that names what was looked for; a model's whole foreground is called its subject."""
    table = model.class_table
    is_whole = tuple(class_ids) == table.foreground and len(class_ids) > 1
    wanted = "subject" if is_whole else " or ".join(table[class_id].name for class_id in class_ids)
    return NoForeground(f"{model.name} sees no {wanted}{NoForeground.way_out}")

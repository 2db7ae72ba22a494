"""What the contract wants of a photo: one operation of the door's own, which is in no table. Runs on pixel threads."""

from collections.abc import Iterator, Sequence

from PIL import Image

from service.doors.removebg import kinds
from service.doors.removebg.compose import Shadow, compose
from service.doors.removebg.layout import NOWHERE, Frame, Layout, size_within
from service.doors.removebg.parameters import MEGAPIXELS, Parameters
from service.doors.removebg.results import encoded
from service.models.catalogue import Catalogue, Model
from service.models.labels import ClassTable, Size
from service.operations.effect import Scene
from service.operations.operation import Operation, Picture, Product, Seen, no_foreground
from service.operations.options import Format, Options
from service.pixels.decode import Photo
from service.pixels.matting import has_subject, subject_box
from service.pixels.shadows import reach
from service.settings import MEGAPIXEL
from service.telemetry.stopwatch import Stopwatch

FORMATS: tuple[Format, ...] = ("png", "jpeg", "webp", "zip")


class RemovebgOptions(Options):
    """The contract's parameters beside what every operation understands."""

    parameters: Parameters

    @property
    def formats(self) -> tuple[Format, ...]:
        return FORMATS


class Removebg(Operation[RemovebgOptions]):
    """Cut the subject out, at a size in megapixels, and set it on its canvas."""

    def choose_model(self, catalogue: Catalogue, options: RemovebgOptions) -> Model:
        return kinds.model_for(options.parameters.type, catalogue)

    def class_ids(self, classes: ClassTable, options: RemovebgOptions) -> tuple[int, ...]:
        return classes.find(kinds.names_in(options.parameters.type, classes))

    def framed(self, photo: Photo, options: RemovebgOptions) -> Photo:
        """The part inside of `roi`, at the result's resolution: all that comes is done there."""
        frame = Frame.of(photo.size, options.parameters)
        left, top, right, bottom = frame.part
        return photo.part(frame.region, Size(right - left, bottom - top))

    def finish(self, seen: Seen, options: RemovebgOptions, accepted: Sequence[Format], watch: Stopwatch) -> Product:
        parameters, frame = options.parameters, Frame.of(seen.sent, options.parameters)
        with watch.measure("matte"):
            soft = seen.matte(options.refine)
            if not has_subject(soft):
                raise no_foreground(seen.model, self.class_ids(seen.model.class_table, options))
        box, kind = subject_box(soft) or (0, 0, *soft.size), _kind(seen, parameters)
        with watch.measure("compose"):
            shadow = Shadow.of(parameters, kind if parameters.type == "auto" else parameters.type)
            beyond = reach(soft.crop(box), shadow.style) if shadow and parameters.crop else NOWHERE
            layout = Layout.of(frame.canvas, frame.on_canvas(box), parameters, beyond)
            picture = compose(Scene(seen.photo, soft, seen.pictures), box, layout, shadow, parameters)
        with watch.measure("encode"):
            body, format_ = encoded(picture, parameters.format, options.quality)
        return Product(body, format_, frame.in_photo(box), _notes(seen, parameters, picture, kind))


def _kind(seen: Seen, parameters: Parameters) -> str:
    """What was asked for was found, or there would be no foreground."""
    is_sought = kinds.names_in(parameters.type, seen.model.class_table)
    return parameters.type if is_sought else kinds.kind_seen(seen.prediction)


def _notes(seen: Seen, parameters: Parameters, picture: Image.Image, kind: str) -> dict[str, str]:
    most = size_within(seen.sent, int(MEGAPIXELS["full"] * MEGAPIXEL))
    numbers = {"width": picture.width, "height": picture.height, "max_width": most.width, "max_height": most.height}
    return {
        **{name: str(number) for name, number in numbers.items()},
        "kind": kind,
        "ignored": ",".join(_ignored(seen, parameters)),
    }


def _ignored(seen: Seen, parameters: Parameters) -> Iterator[str]:
    """Wishes that nobody here could hear."""
    if parameters.type != "auto" and not kinds.names_in(parameters.type, seen.model.class_table):
        yield "type"
    if parameters.semitransparency:
        yield "semitransparency"
    if parameters.shadow_for_types and parameters.type == "auto" and not kinds.knows_any(seen.prediction.classes):
        yield "shadow_type"


REMOVEBG_OPERATION = Removebg(
    name="removebg",
    summary="Cut the subject out as remove.bg does",
    description="At a size in megapixels, on a canvas of its own.",
    options=RemovebgOptions,
    formats=FORMATS,
    pictures=(Picture("background", "What goes behind the subject."),),
)

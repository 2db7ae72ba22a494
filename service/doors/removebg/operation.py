"""What the contract wants of a photo: one operation of the door's own, which is in no table. Runs on pixel threads."""

from collections.abc import Iterator, Sequence

from PIL import Image

from service.doors.removebg import kinds
from service.doors.removebg.layout import Box, Frame, Layout, size_within
from service.doors.removebg.parameters import MEGAPIXELS, Parameters
from service.doors.removebg.results import encoded
from service.models.catalogue import Catalogue, Model
from service.models.labels import ClassTable, Size
from service.operations.effect import Scene
from service.operations.operation import Operation, Picture, Product, Seen, no_foreground
from service.operations.options import Format, Options
from service.pixels.backdrop import fit_backdrop
from service.pixels.decode import Photo
from service.pixels.matting import has_subject, matte, subject_box
from service.pixels.shadows import SHADOWS, shade
from service.settings import MEGAPIXEL
from service.telemetry.log import Stopwatch

SHADOW_STYLES = {"drop": "drop", "3D": "contact", "car": "contact", "auto": "contact"}
"""What the contract calls them, and what we do."""

REACH = 0.16
"""Of the subject's longer side: no shadow goes farther than that."""


class RemovebgOptions(Options):
    """The contract's parameters beside what every operation understands."""

    parameters: Parameters

    @property
    def formats(self) -> tuple[Format, ...]:
        return ("png", "jpeg", "webp", "zip")


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
        with watch.measure("matte"):
            soft = matte(seen.prediction, seen.class_ids, seen.photo, options.refine)
            if not has_subject(soft):
                raise no_foreground(seen.model, self.class_ids(seen.model.class_table, options))
        parameters, box = options.parameters, subject_box(soft) or (0, 0, *soft.size)
        frame, kind = Frame.of(seen.sent, parameters), _kind(seen, parameters)
        with watch.measure("compose"):
            picture = _compose(
                seen, soft, box, frame, parameters, kind if parameters.type == "auto" else parameters.type
            )
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


def _compose(seen: Seen, soft: Image.Image, box: Box, frame: Frame, parameters: Parameters, kind: str) -> Image.Image:
    """The result: RGB, RGBA, or L for the alpha alone."""
    is_alpha = parameters.channels == "alpha"
    figure = (soft if is_alpha else Scene(seen.photo, soft).cut_out(decontaminate=True)).crop(box)
    shadow, opacity = ("none", 0.0) if is_alpha else parameters.shadow(kind)
    style = SHADOW_STYLES.get(shadow)
    reach = _reach(soft.crop(box), style) if style and parameters.crop else (0, 0, 0, 0)
    layout = Layout.of(frame.canvas, frame.on_canvas(box), parameters, reach)
    placed = _placed(figure, layout)
    if is_alpha:
        return placed
    page = _page(seen, layout.canvas, parameters)
    if style:
        page = page or Image.new("RGBA", layout.canvas)
        shade(page, SHADOWS[style](placed.getchannel("A"), layout.subject), opacity)
    if page is None:
        return placed
    if page.mode == "RGB":
        page.paste(placed, (0, 0), placed)
    else:
        page.alpha_composite(placed)
    return page


def _placed(figure: Image.Image, layout: Layout) -> Image.Image:
    """The subject in its place on a canvas of nothing."""
    left, top, right, bottom = layout.subject
    if figure.size != (right - left, bottom - top):
        figure = figure.resize((right - left, bottom - top), Image.Resampling.LANCZOS, reducing_gap=3.0)
    placed = Image.new(figure.mode, layout.canvas)
    placed.paste(figure, (left, top))
    return placed


def _page(seen: Seen, size: Size, parameters: Parameters) -> Image.Image | None:
    """What lies behind the subject; None where nothing does."""
    if background := seen.pictures.get("background"):
        return fit_backdrop(background, size, "cover").with_alpha()
    if parameters.bg_color is None:
        return None
    is_opaque = parameters.rgba[3] == 255
    return Image.new("RGB" if is_opaque else "RGBA", size, parameters.rgba[: 3 if is_opaque else 4])


def _reach(alpha: Image.Image, style: str) -> Box:
    """How far a shadow is seen beyond the subject's box, on each side: left, top, right, bottom."""
    room = 1 + round(REACH * max(alpha.size))
    page = Image.new("L", (alpha.width + 2 * room, alpha.height + 2 * room))
    page.paste(alpha, (room, room))
    inner = (room, room, room + alpha.width, room + alpha.height)
    seen = subject_box(SHADOWS[style](page, inner)) or inner
    left, top, right, bottom = (max(0, sign * (a - b)) for sign, a, b in zip((-1, -1, 1, 1), seen, inner, strict=True))
    return left, top, right, bottom


REMOVEBG_OPERATION = Removebg(
    name="removebg",
    summary="Cut the subject out as remove.bg does",
    description="At a size in megapixels, on a canvas of its own.",
    options=RemovebgOptions,
    formats=("png", "jpeg", "webp", "zip"),
    pictures=(Picture("background", "What goes behind the subject."),),
)

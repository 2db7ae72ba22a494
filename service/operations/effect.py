"""What all effects have in common: they separate a subject from its background, and make a picture of the two.

Effects blend gamma-encoded values, as browsers do, so results match a CSS preview. Alpha is straight on the way in and
out. Pictures are put together a few rows at a time, which stay in the processor's cache.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Self, TypeVar

from PIL import Image, ImageChops

from service.models.catalogue import Catalogue, Model
from service.models.labels import ClassTable
from service.operations.encoding import as_transparent_as, encoded
from service.operations.operation import Operation, Product, Seen, no_foreground
from service.operations.options import EffectOptions, Effort, Format
from service.pixels.decode import Photo
from service.pixels.edges import feather, shift_edge
from service.pixels.matting import Matte, has_subject, subject_box
from service.pixels.subject import Blend, Rows, cut_out, subject_rows
from service.telemetry.stopwatch import Stopwatch

AnyEffectOptions = TypeVar("AnyEffectOptions", bound=EffectOptions)


@dataclass(frozen=True)
class Scene:
    """A photo, how much of each pixel is subject, and the pictures that go with it."""

    photo: Photo
    matte: Matte
    pictures: Mapping[str, Photo] = field(default_factory=dict)
    mixture: Matte | None = None
    """How much of each pixel's light comes from the subject, where that is not the matte: see `feather`."""

    @classmethod
    def of(cls, photo: Photo, soft: Matte, pictures: Mapping[str, Photo], options: EffectOptions) -> Self:
        """Moves and softens the edge as the options say; what the photo hides itself stays hidden."""
        mixture = shift_edge(soft, options.shift_edge)
        shown = feather(mixture, options.feather)
        if photo.alpha is not None:
            shown = ImageChops.darker(shown, photo.alpha)
        return cls(photo, shown, pictures, mixture)

    @property
    def subject_light(self) -> Matte:
        """How much of each pixel's light comes from the subject."""
        return self.matte if self.mixture is None else self.mixture

    def subject(self, decontaminate: bool) -> Iterator[Rows]:
        """The subject with its own colours, from top to bottom."""
        return subject_rows(self._blend, decontaminate)

    def cut_out(self, decontaminate: bool) -> Image.Image:
        """The subject with straight alpha: RGBA, as large as the photo."""
        return cut_out(self._blend, decontaminate)

    @property
    def _blend(self) -> Blend:
        return Blend(self.photo.rgb, self.subject_light, self.matte, self.photo.alpha)


@dataclass(frozen=True)
class Effect(Operation[AnyEffectOptions], Generic[AnyEffectOptions]):
    """An operation that answers with a picture of the subject."""

    compose: Callable[[Scene, AnyEffectOptions], Image.Image] = field(kw_only=True)
    keeps_alpha: bool = False
    """Whether the result shows the photo's own background, and so is as transparent as the photo."""
    fit_picture: Callable[[Photo, tuple[int, int], AnyEffectOptions], Photo] | None = None
    """What becomes of one of its pictures before it is composed, given the photo's size: for those who keep it."""

    def choose_model(self, catalogue: Catalogue, options: AnyEffectOptions) -> Model:
        return catalogue.model(options.model)

    def class_ids(self, classes: ClassTable, options: AnyEffectOptions) -> tuple[int, ...]:
        return classes.find(options.keep)

    def effort(self, options: AnyEffectOptions) -> Effort:
        return options.effort

    def scene(self, seen: Seen, options: AnyEffectOptions) -> Scene:
        """The photo and its matte. Raises NoForeground where nothing that was asked for is to be seen."""
        soft = seen.matte(options.refine)
        if not options.allow_empty and not has_subject(soft):
            raise no_foreground(seen.model, self.class_ids(seen.model.class_table, options))
        return Scene.of(seen.photo, soft, seen.pictures, options)

    def finish(self, seen: Seen, options: AnyEffectOptions, accepted: Sequence[Format], watch: Stopwatch) -> Product:
        with watch.measure("matte"):
            scene = self.scene(seen, options)
        with watch.measure("compose"):
            picture = self.compose(scene, options)
            if self.keeps_alpha:
                picture = as_transparent_as(seen.photo, picture, accepted)
        with watch.measure("encode"):
            body, format_ = encoded(picture, accepted, options)
        return Product(body, format_, subject_box(scene.matte))


def lay_over(picture: Image.Image, rows: Image.Image, corner: tuple[int, int]) -> None:
    """Paint `rows` (RGBA) on `picture` (RGB or RGBA), with their upper left at `corner`, (x, y): C = aF + (1 - a)B.

    Source: Porter & Duff 1984, "over".
    """
    left, top = corner
    area = (left, top, left + rows.width, top + rows.height)
    if picture.mode == "RGB":
        picture.paste(rows, area, rows)
    else:
        picture.paste(Image.alpha_composite(picture.crop(area), rows), area)

"""What becomes of each frame of one film, once its matte is known."""

import numpy as np
from PIL import Image, ImageChops

from service.engine.further import naming
from service.errors import BadOption
from service.models.decisions import Plane, enlarge
from service.models.labels import ClassTable, Prediction
from service.operations.effect import Scene
from service.pixels.decode import Photo, decode, decode_grey
from service.pixels.edges import feather, shift_edge
from service.pixels.matting import Matte, matte
from service.pixels.threads import pixel_work
from service.video.choice import FilmChoice
from service.video.coded import Coded
from service.video.look import Shown
from service.video.planes import cut_out
from service.video.source import Facts, Limits
from service.video.writers import Composed

TAKES_PLANES = ("webm",)
"""The formats whose writers understand `CutPlanes`."""


class Composer:
    """Of one film; on pixel threads."""

    def __init__(self, choice: FilmChoice, facts: Facts, class_table: ClassTable) -> None:
        self._choice = choice
        self._facts = facts
        self._class_table = class_table
        self._backdrop: Photo | None = None
        self._fixed: Matte | None = None

    @pixel_work
    def take_background(self, content: bytes, limits: Limits) -> None:
        """Raises what `decode` raises."""
        fit_picture = self._choice.effect.fit_picture
        with naming("background"):
            photo = decode(content, limits.pixels)
        size = self._facts.size
        self._backdrop = fit_picture(photo, size, self._choice.options) if fit_picture else photo

    @pixel_work
    def take_matte(self, content: bytes, limits: Limits) -> None:
        """That of every frame. Raises what `decode_grey` raises, and BadOption for one of another aspect."""
        with naming("matte"):
            grey = decode_grey(content, limits.pixels)
        width, height = self._facts.size
        levels = grey.alpha or grey.light
        if abs(levels.width * height - levels.height * width) > max(width, height, *levels.size):
            told = f"{levels.width} x {levels.height}"
            raise BadOption(f"matte: it is {told}, and the film {width} x {height}: they have to have one aspect")
        self._fixed = levels if levels.size == (width, height) else levels.resize((width, height))

    def steady(self, shown: Shown, plane: Plane) -> Composed:
        """A frame with a matte at the network's size."""
        coded, refine = shown.frame.coded, self._choice.options.refine
        if coded.is_opaque and refine == "off":
            return self._composed(coded, enlarge(plane, shown.box, coded.size))
        prediction = Prediction("sigmoid", plane[np.newaxis], shown.box, coded.size, self._class_table)
        return self._composed(coded, matte(prediction, (1,), coded.photo, refine))

    def still(self, coded: Coded) -> Composed:
        """A frame with the fixed matte."""
        assert self._fixed is not None
        hidden = None if coded.is_opaque else coded.photo.alpha
        return self._composed(coded, self._fixed if hidden is None else ImageChops.darker(self._fixed, hidden))

    @pixel_work
    def _composed(self, coded: Coded, soft: Matte) -> Composed:
        """RGBA, RGB or L, as the choice's content says; or planes, where nothing has to be mixed anew."""
        choice = self._choice
        if coded.is_opaque and choice.effect.name == "remove-background":
            options = choice.options
            if choice.content == "matte" or self._keeps_planes(coded):
                shown = feather(shift_edge(soft, options.shift_edge), options.feather)
                return shown if choice.content == "matte" else cut_out(coded.frame, shown)
        pictures = {} if self._backdrop is None else {"background": self._backdrop}
        picture = choice.effect.compose(Scene.of(coded.photo, soft, pictures, choice.options), choice.options)
        return picture if choice.content != "picture" else _opaque(picture)

    def _keeps_planes(self, coded: Coded) -> bool:
        is_as_seen = not getattr(self._choice.options, "decontaminate", False)
        return is_as_seen and self._choice.format.name in TAKES_PLANES and coded.is_as_written


def _opaque(picture: Image.Image) -> Image.Image:
    """RGB: where a background lets something through, that is black."""
    if picture.mode == "RGB":
        return picture
    black = Image.new("RGBA", picture.size, (0, 0, 0, 255))
    return Image.alpha_composite(black, picture.convert("RGBA")).convert("RGB")

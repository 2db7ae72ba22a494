"""From a frame to what a network wants to see, and from its scores to the pictures of the result.

Everything here touches pixels and runs on a thread; a session calls it one after the other.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service.errors import BadInput, BadOption, TruncatedImage, UndecodableImage
from service.models.decisions import kept_probability
from service.models.inputs import fit, input_box
from service.models.labels import Box, Prediction, Scores, Size
from service.models.store import ModelCard
from service.operations.effect import Scene
from service.operations.options import EffectOptions
from service.pixels.decode import Photo, count_pixels, decode
from service.pixels.encoders import PICTURE_ENCODERS
from service.pixels.matting import matte
from service.stream.choice import Choice
from service.stream.protocol import Background, Frame, ResultPart
from service.stream.smoothing import Smoother
from service.telemetry.stopwatch import Stopwatch

BACKDROP_SCALE = 2
"""A background picture is kept at so many times the frame's width and height at most."""


@dataclass(frozen=True)
class Prepared:
    """A frame as the network wants to see it."""

    photo: Photo | None
    """Full size; None where nothing is composed."""
    pixels: NDArray[np.uint8]
    box: Box


class Composer:
    """The pictures of one session."""

    def __init__(self, card: ModelCard, size: Size, choice: Choice) -> None:
        self._card = card
        self._size = size
        self._smoother = Smoother()
        self._picture: Photo | None = None
        """The background picture, as large as it is of use."""
        self._backdrop: Photo | None = None
        """What goes behind the subject, as large as the frame."""
        self.choice = choice
        self._kept = card.class_table.find(choice.options.keep)

    def choose(self, choice: Choice) -> None:
        """Raises BadOption for a class that the model does not know."""
        self._kept = self._card.class_table.find(choice.options.keep)
        self.choice = choice
        if choice.picture and choice.is_given(choice.picture.instead_of):
            self._picture = None
        self._backdrop = None

    def take_background(self, background: Background, max_pixels: int, reserve: Callable[[int], None]) -> Size:
        """Takes the place of a colour or of another picture. Returns its size. Raises what `decode` raises."""
        encoded = bytes(background.payload)
        reserve(count_pixels(encoded, max_pixels))
        return self.put_behind(decode(encoded, max_pixels))

    def put_behind(self, photo: Photo) -> Size:
        """As `take_background`, of a picture that was decoded already."""
        self._picture = _bounded(photo, Size(BACKDROP_SCALE * self._size.width, BACKDROP_SCALE * self._size.height))
        self._backdrop = None
        if self.choice.picture:
            self.choice = self.choice.without(self.choice.picture.instead_of)
        return photo.size

    def matte_size(self) -> Size:
        """Of the mattes to come."""
        blank = Image.new("RGB", self._size)
        pixels, box = fit(blank, self._card)
        scores = np.zeros(self._card.scores_of(*pixels.shape[:2]), np.float32)
        plane, box = self._kept_plane(scores, box)
        return Size(*_cropped(_grey(plane), box).size)

    def prepare(self, frame: Frame) -> Prepared:
        """Raises BadInput for a frame that cannot be decoded or has another size than the hello said."""
        wanted = None if self.choice.composes else Size(self._card.input.width, self._card.input.height)
        return self.see(read_picture(frame, self._size, wanted))

    def see(self, picture: Image.Image) -> Prepared:
        """A frame that was decoded already, mode RGB."""
        pixels, box = fit(picture, self._card)
        return Prepared(Photo(picture) if self.choice.composes else None, pixels, box)

    def finish(self, prepared: Prepared, scores: Scores, watch: Stopwatch) -> tuple[Sequence[ResultPart], bool]:
        """The parts of the result, and whether the scene has changed."""
        with watch.measure("smooth"):
            plane, box = self._kept_plane(scores, prepared.box)
            is_cut = self._smooth(plane, box, prepared)
        parts = []
        if self.choice.output != "composite":
            with watch.measure("encode"):
                small = _cropped(_grey(plane), box)
                parts.append(ResultPart("matte", "gray8", Size(*small.size), small.tobytes()))
        if prepared.photo is not None and self.choice.composes:
            picture = self._picture_of(prepared.photo, plane, box, watch)
            parts.append(self._coded(picture, watch))
        return parts, is_cut

    def compose(self, prepared: Prepared, scores: Scores, watch: Stopwatch) -> Image.Image:
        """The frame as the choice wants to see it, for those who do not want it coded."""
        assert prepared.photo is not None, "the choice composes nothing"
        with watch.measure("smooth"):
            plane, box = self._kept_plane(scores, prepared.box)
            self._smooth(plane, box, prepared)
        return self._picture_of(prepared.photo, plane, box, watch)

    def _smooth(self, plane: NDArray[np.float32], box: Box, prepared: Prepared) -> bool:
        """In place, without the padding. Returns whether the scene has changed."""
        shown = plane[_region(box)]
        pixels = prepared.pixels[_region(input_box(prepared.box, self._card))]
        shown[:], is_cut = self._smoother.smooth(shown, pixels, self.choice.smoothing)
        return is_cut

    def _kept_plane(self, scores: Scores, box: Box) -> tuple[NDArray[np.float32], Box]:
        """How likely each pixel is one that is kept, (h, w), and the part of it that shows the frame."""
        card = self._card
        prediction = Prediction(card.output.head, scores, box, self._size, card.class_table)
        return kept_probability(prediction, self._kept)

    def _picture_of(self, photo: Photo, plane: NDArray[np.float32], box: Box, watch: Stopwatch) -> Image.Image:
        options = self.choice.options
        with watch.measure("compose"):
            smoothed = Prediction("sigmoid", plane[np.newaxis], box, self._size, self._card.class_table)
            soft = matte(smoothed, (1,), photo, options.refine)
            scene = Scene.of(photo, soft, self._pictures(), options)
            return self.choice.effect.compose(scene, options)

    def _coded(self, picture: Image.Image, watch: Stopwatch) -> ResultPart:
        options = self.choice.options
        with watch.measure("encode"):
            format_ = _format_of(picture, options)
            content = PICTURE_ENCODERS[format_](picture, options.quality, options.compression)
        return ResultPart("composite", format_, Size(*picture.size), content)

    def _pictures(self) -> Mapping[str, Photo]:
        """What the effect needs beside the frame, fitted once and kept. Raises BadOption where it is missing."""
        choice, picture = self.choice, self.choice.picture
        if picture is None:
            return {}
        if self._picture is None:
            if picture.or_else and not choice.is_given(picture.instead_of):
                raise BadOption(f"there is neither a `{picture.instead_of}` nor a {picture.name} picture yet")
            return {}
        if self._backdrop is None:
            fit_picture = choice.effect.fit_picture
            self._backdrop = fit_picture(self._picture, self._size, choice.options) if fit_picture else self._picture
        return {picture.name: self._backdrop}


def read_picture(frame: Frame, size: Size, wanted: Size | None) -> Image.Image:
    """Mode RGB. Where less is `wanted`, a JPEG may be read at half or a quarter of its size, which costs half the time.

    Raises BadInput where it does not decode, or does not have `size`.
    """
    if frame.header.format == "rgb":
        return _read_raw(frame.payload, size)
    try:
        with Image.open(io.BytesIO(frame.payload), formats=(frame.header.format.upper(),)) as image:
            if image.size != size:
                raise BadOption(f"the frame is {image.width} x {image.height}, the hello said {_told(size)}")
            if wanted is not None:
                image.draft("RGB", _draft_size(size, wanted))
            return image.convert("RGB")
    except (MemoryError, BadInput):
        raise
    # Pillow's decoders raise almost anything on hostile bytes.
    except Exception as error:
        raise (TruncatedImage if "truncated" in str(error) else UndecodableImage)() from error


def _read_raw(payload: memoryview, size: Size) -> Image.Image:
    if len(payload) != 3 * size.width * size.height:
        raise BadOption(f"{len(payload)} bytes are no RGB frame of {_told(size)}, which has 3 bytes a pixel")
    return Image.fromarray(np.frombuffer(payload, np.uint8).reshape(size.height, size.width, 3))


def _told(size: Size) -> str:
    return f"{size.width} x {size.height}"


def _draft_size(size: Size, wanted: Size) -> Size:
    """What to ask Pillow for, which reads at 1/1, 1/2, 1/4 or 1/8 and gives no less than that.

    A tenth less than the network wants is fine: 640 x 480 is read at half for 256 x 256.
    """
    for divisor in (8, 4, 2):
        half = Size(-(-size.width // divisor), -(-size.height // divisor))
        if half.width >= 0.9 * wanted.width and half.height >= 0.9 * wanted.height:
            return half
    return size


def _bounded(photo: Photo, most: Size) -> Photo:
    scale = min(1.0, most.width / photo.size.width, most.height / photo.size.height)
    if scale == 1.0:
        return photo
    size = (max(1, round(photo.size.width * scale)), max(1, round(photo.size.height * scale)))
    resized = photo.rgb.resize(size, Image.Resampling.LANCZOS)
    return Photo(resized, photo.alpha and photo.alpha.resize(size, Image.Resampling.LANCZOS))


def _grey(plane: NDArray[np.float32]) -> Image.Image:
    return Image.fromarray(np.rint(plane * 255).astype(np.uint8))


def _cropped(picture: Image.Image, box: Box) -> Image.Image:
    """Without the padding, to whole pixels."""
    rows, columns = _region(box)
    return picture.crop((columns.start, rows.start, columns.stop, rows.stop))


def _region(box: Box) -> tuple[slice, slice]:
    """Rows and columns, in whole pixels and never empty."""
    left, top, right, bottom = (round(edge) for edge in box)
    return slice(top, max(top + 1, bottom)), slice(left, max(left + 1, right))


def _format_of(picture: Image.Image, options: EffectOptions) -> Any:
    """JPEG where nothing is transparent and nothing else was asked for."""
    if "A" in picture.getbands():
        return "webp"
    return options.format or "jpeg"

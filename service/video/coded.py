"""One picture of a film as its codec stores it. It becomes what is wanted of it when it is wanted, on any thread."""

from functools import cached_property

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray
from PIL import Image

from service.models.inputs import FILTERS, fit, used_size
from service.models.labels import Box, Size
from service.models.store import ModelCard
from service.models.store.card import InputSpec
from service.pixels.decode import Photo
from service.pixels.decode.orientation import UPRIGHT, upright
from service.pixels.threads import pixel_work
from service.video.colours import has_alpha, is_bt709, is_srgb, photo_of, small_rgb

QUARTER_TURNS = (5, 6, 7, 8)

HALVES = 2
"""The codec's planes are made so many times as large as the network sees them; the exact filter does the rest, as for
photos. With swscale's own filters alone, selfie's IoU with the truth fell from more than 0.85 to 0.79."""


class Coded:
    """For one thread at a time."""

    def __init__(self, frame: VideoFrame, turned: int, size: Size) -> None:
        """`turned` is EXIF's number for the way it lies, `size` that of the film, upright."""
        self.frame = frame
        self.size = size
        self._turned = turned

    @cached_property
    def photo(self) -> Photo:
        """Upright and in sRGB. Six times as large as the planes of the codec, so made when it is composed."""
        photo = photo_of(self.frame, self._turned)
        if photo.size == self.size:
            return photo
        # A stream may change its size on the way; a film has one.
        return Photo(
            photo.rgb.resize(self.size, Image.Resampling.LANCZOS),
            photo.alpha and photo.alpha.resize(self.size, Image.Resampling.LANCZOS),
        )

    @property
    def is_opaque(self) -> bool:
        """Whether it surely hides nothing."""
        return not has_alpha(self.frame)

    @property
    def is_as_written(self) -> bool:
        """Whether its planes may stand in a film of ours as they are: opaque, upright, 4:2:0 in 8 bits, BT.709."""
        is_whole = self._turned == UPRIGHT and (self.frame.width, self.frame.height) == self.size
        return is_whole and self.frame.format.name == "yuv420p" and is_bt709(self.frame)

    @pixel_work
    def seen_by(self, card: ModelCard) -> tuple[NDArray[np.uint8], Box]:
        """As `fit` has it. Where it can, from a picture that was made small before it was RGB: a photo would be made
        for nothing but that, and would stay in memory while the frame waits for those after it.
        """
        if not self.is_opaque or not is_srgb(self.frame) or not _may_be_halved(card.input):
            return fit(self.photo.on_white(), card)
        used = used_size(self.size, card.input)
        twice = Size(HALVES * used.width, HALVES * used.height)
        if twice.width > self.size.width or twice.height > self.size.height:
            return fit(self.photo.on_white(), card)
        lying = Size(twice.height, twice.width) if self._turned in QUARTER_TURNS else twice
        return fit(upright(small_rgb(self.frame, lying), self._turned), card)


def _may_be_halved(spec: InputSpec) -> bool:
    """Whether the network is one that is shown means of several pixels by photos as well."""
    _, reducing_gap = FILTERS[spec.filter]
    return reducing_gap is not None and spec.resize != "shorter"

"""One picture of a film as its codec stores it. It becomes what is wanted of it when it is wanted, on any thread."""

from functools import cached_property

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray
from PIL import Image

from service.models.inputs import fit, padded, used_size
from service.models.labels import Box, Size
from service.models.store import ModelCard
from service.pixels.decode import Photo
from service.pixels.decode.orientation import UPRIGHT, upright
from service.pixels.threads import pixel_work
from service.video.colours import has_alpha, is_bt709, is_srgb, photo_of, small_rgb

QUARTER_TURNS = (5, 6, 7, 8)


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
        """As `fit` has it. Where it can, straight from the planes of the codec: a photo would be made for nothing but
        to be made small, and would stay in memory while the frame waits for those after it.
        """
        if not self.is_opaque or not is_srgb(self.frame):
            return fit(self.photo.on_white(), card)
        used = used_size(self.size, card.input)
        lying = Size(used.height, used.width) if self._turned in QUARTER_TURNS else used
        small = upright(small_rgb(self.frame, lying, card.input.filter), self._turned)
        return padded(np.asarray(small), card)

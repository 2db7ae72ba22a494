"""What every reader ends in: an upright sRGB picture, 8 bits a channel."""

from dataclasses import dataclass
from functools import cached_property

from PIL import Image

from service.models.labels import Size
from service.pixels.threads import pixel_work

WHITE = (255, 255, 255)


@dataclass(frozen=True)
class Grey:
    """An upright picture of which only the light counts, such as a mask. Its colour profile is not asked."""

    light: Image.Image
    """Mode L"""
    alpha: Image.Image | None = None
    """Mode L, where the input had transparency."""

    @property
    def size(self) -> Size:
        return Size(*self.light.size)


@dataclass(frozen=True)
class Photo:
    """An upright sRGB picture without metadata."""

    rgb: Image.Image
    """Mode RGB, colours not multiplied by `alpha`. As `decode` makes it, the colours under alpha 0 are those of the
    visible pixels nearby: what the file hid there is gone, and nothing of it can bleed into a blur or a resize."""
    alpha: Image.Image | None = None
    """Mode L, where the input had transparency."""
    frames: int = 1
    """Of the animation, the burst or the pages that this is the first, or the chosen, picture of."""

    @property
    def size(self) -> Size:
        return Size(*self.rgb.size)

    @pixel_work
    def part(self, box: tuple[int, int, int, int], size: Size) -> "Photo":
        """What is inside (left, top, right, bottom), at `size`; the photo itself where that is all of it."""
        if box == (0, 0, *self.size) and size == self.size:
            return self
        return Photo(_part(self.rgb, box, size), self.alpha and _part(self.alpha, box, size), self.frames)

    @pixel_work
    def with_alpha(self) -> Image.Image:
        """Mode RGBA, or RGB where every pixel is opaque; a picture of its own."""
        result = self.rgb.copy()
        if self.alpha is not None:
            result.putalpha(self.alpha)
        return result

    @pixel_work
    def on_white(self) -> Image.Image:
        """RGB as a viewer shows it: what lies under transparent pixels must not mislead a network.

        Made once; `decode` has made it already, so that no later caller pays for it on the event loop.
        """
        return self._on_white

    @cached_property
    def _on_white(self) -> Image.Image:
        if self.alpha is None:
            return self.rgb
        return Image.composite(self.rgb, Image.new("RGB", self.rgb.size, WHITE), self.alpha)


def _part(image: Image.Image, box: tuple[int, int, int, int], size: Size) -> Image.Image:
    part = image.crop(box)
    return part if part.size == size else part.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)

"""Shadows that ground a subject on a page: L, as large as the page, 255 where they are darkest."""

from collections.abc import Callable, Mapping

from PIL import Image, ImageChops, ImageFilter

from service.pixels.matting import Matte, subject_box

Box = tuple[int, int, int, int]
"""(left, top, right, bottom) of the subject on the page, in pixels."""

FARTHEST = 0.16
"""Of the subject's longer side: no shadow is seen farther from it than that."""

REACH_PX = 256
"""The longer side of the smaller shadow is at least so long: a pixel of it is at most 0.4% of the subject."""


def shade(page: Image.Image, shadow: Image.Image, opacity: float) -> None:
    """Darken `page` (RGB or RGBA, in place) where the shadow falls; `opacity` is 0 to 1, where it is darkest."""
    black = Image.new("RGBA", page.size)
    black.putalpha(shadow.point(lambda level: level * opacity))
    if page.mode == "RGB":
        page.paste(black, (0, 0), black)
    else:
        page.alpha_composite(black)


def _drop(alpha: Image.Image, box: Box) -> Image.Image:
    """The subject's own shape, softened and lower, as light from above throws it: nothing shows above the subject."""
    side = max(box[2] - box[0], box[3] - box[1])
    return _moved(alpha, round(0.035 * side)).filter(ImageFilter.GaussianBlur(0.018 * side))


def _contact(alpha: Image.Image, box: Box) -> Image.Image:
    """Dark and narrow where the subject meets the ground, wide and faint around it.

    Only what is near the subject's foot throws it, so it follows each foot and leaves the sides alone.
    """
    side = max(box[2] - box[0], box[3] - box[1])
    wide = _foot(alpha, box, 0.20).filter(ImageFilter.GaussianBlur((0.045 * side, 0.016 * side)))
    narrow = _foot(alpha, box, 0.07).filter(ImageFilter.GaussianBlur((0.012 * side, 0.006 * side)))
    return ImageChops.add(
        _moved(wide, round(0.022 * side)).point(lambda level: level * 1.1),
        _moved(narrow, round(0.010 * side)).point(lambda level: level * 1.2),
    )


def _foot(alpha: Image.Image, box: Box, share: float) -> Image.Image:
    """The lowest `share` of the subject's height, fading upwards."""
    height = max(1, round(share * (box[3] - box[1])))
    ramp = Image.linear_gradient("L").resize((alpha.width, height), Image.Resampling.BILINEAR)
    foot = Image.new("L", alpha.size)
    area = (0, box[3] - height, alpha.width, box[3])
    foot.paste(ImageChops.multiply(alpha.crop(area), ramp), area)
    return foot


def _moved(shadow: Image.Image, down_px: int) -> Image.Image:
    """Lower by so many pixels; what leaves the page is gone."""
    result = Image.new("L", shadow.size)
    result.paste(shadow, (0, down_px))
    return result


SHADOWS: Mapping[str, Callable[[Image.Image, Box], Image.Image]] = {"drop": _drop, "contact": _contact}
"""(the subject's alpha on the page, L; its box) -> the shadow."""


def reach(alpha: Matte, style: str) -> Box:
    """How far a shadow of `SHADOWS` is seen beyond a subject that is all of `alpha`: left, above, right and below.

    Measured on a smaller shadow, as a shadow has the same shape at every size.
    """
    factor = max(1, max(alpha.size) // REACH_PX)
    small = alpha.reduce(factor)
    room = 1 + round(FARTHEST * max(small.size))
    page = Image.new("L", (small.width + 2 * room, small.height + 2 * room))
    page.paste(small, (room, room))
    left, top, right, bottom = (room, room, room + small.width, room + small.height)
    seen = subject_box(SHADOWS[style](page, (left, top, right, bottom))) or (left, top, right, bottom)
    beyond = (left - seen[0], top - seen[1], seen[2] - right, seen[3] - bottom)
    to_left, above, to_right, below = (factor * max(0, pixels) for pixels in beyond)
    return to_left, above, to_right, below

"""Shadows: where they are dark, and how far they are seen."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from service.pixels.matting import VISIBLE_LEVEL
from service.pixels.shadows import SHADOWS, Box, reach, shade

EACH = pytest.mark.parametrize("style", SHADOWS)


def disc(width: int, height: int) -> Image.Image:
    alpha = Image.new("L", (width, height))
    ImageDraw.Draw(alpha).ellipse((0, 0, width - 1, height - 1), 255)
    return alpha


def on_page(alpha: Image.Image, room: int) -> tuple[Image.Image, Box]:
    page = Image.new("L", (alpha.width + 2 * room, alpha.height + 2 * room))
    page.paste(alpha, (room, room))
    return page, (room, room, room + alpha.width, room + alpha.height)


@EACH
@pytest.mark.parametrize("size", [(120, 80), (80, 120), (600, 900), (1400, 500)], ids=str)
def test_a_shadow_is_not_seen_beyond_its_reach_and_hardly_less_far(style: str, size: tuple[int, int]) -> None:
    alpha = disc(*size)
    page, (left, top, right, bottom) = on_page(alpha, max(size) // 2)
    rows, columns = np.nonzero(np.asarray(SHADOWS[style](page, (left, top, right, bottom))) >= VISIBLE_LEVEL)
    seen = left - columns.min(), top - rows.min(), columns.max() + 1 - right, rows.max() + 1 - bottom
    slack = max(2, 2 * max(size) // 256)
    assert reach(alpha, style) == pytest.approx([max(0, pixels) for pixels in seen], abs=slack)


@EACH
def test_a_shadow_falls_below_the_subject_and_not_above_it(style: str) -> None:
    _, above, _, below = reach(disc(200, 200), style)
    assert above == 0
    assert below > 0


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_shade_darkens_by_its_opacity(mode: str) -> None:
    page = Image.new(mode, (2, 1), "white")
    shadow = Image.fromarray(np.array([[0, 255]], np.uint8))
    shade(page, shadow, 0.4)
    assert [page.getpixel((x, 0))[:3] for x in (0, 1)] == [(255,) * 3, (153,) * 3]  # type: ignore[index]

"""The four ways in which a picture fits behind another."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from service.models.labels import Size
from service.pixels.backdrop import Fit, fit_backdrop
from service.pixels.decode import Photo
from tests.unit.operations.scenes import RED, SIZE, levels, noise

FITS: tuple[Fit, ...] = ("cover", "contain", "stretch", "tile")


def quarters(size: Size) -> Image.Image:
    """Black, red above right, green below left, yellow below right."""
    y, x = np.mgrid[: size.height, : size.width]
    right, below = 255 * (x >= size.width / 2), 255 * (y >= size.height / 2)
    return Image.fromarray(np.dstack([right, below, 0 * right]).astype(np.uint8))


def seen_at(picture: Image.Image, *places: tuple[float, float]) -> list[tuple[int, ...]]:
    """The colours at places given as fractions of the width and height."""
    width, height = picture.size
    return [tuple(np.asarray(picture)[int(y * height), int(x * width)].tolist()) for x, y in places]


BLACK_, RED_, GREEN_, YELLOW_ = (0, 0, 0), (255, 0, 0), (0, 255, 0), (255, 255, 0)

CORNERS = ((0.1, 0.1), (0.9, 0.1), (0.1, 0.9), (0.9, 0.9))


@given(
    backdrop=st.builds(Size, st.integers(1, 400), st.integers(1, 400)),
    size=st.builds(Size, st.integers(1, 60), st.integers(1, 60)),
    fit=st.sampled_from(FITS),
    has_alpha=st.booleans(),
)
def test_every_fit_of_any_backdrop_has_the_photo_s_size(backdrop: Size, size: Size, fit: Fit, has_alpha: bool) -> None:
    alpha = Image.new("L", backdrop, 90) if has_alpha else None
    fitted = fit_backdrop(Photo(Image.new("RGB", backdrop, RED), alpha), size, fit)
    assert fitted.size == size
    assert (fitted.alpha is not None) == has_alpha


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("backdrop", [Size(3000, 1), Size(1, 3000)])
def test_a_backdrop_as_thin_as_a_hair_fits(fit: Fit, backdrop: Size) -> None:
    assert fit_backdrop(Photo(Image.new("RGB", backdrop, RED)), SIZE, fit).size == SIZE


def test_cover_keeps_the_aspect_and_fills_everything() -> None:
    fitted = fit_backdrop(Photo(quarters(Size(400, 100))), Size(100, 100), "cover").rgb
    assert seen_at(fitted, *CORNERS) == [BLACK_, RED_, GREEN_, YELLOW_]
    # A quarter of the backdrop's width is shown, around its middle: the border stays in the middle.
    assert seen_at(fitted, (0.45, 0.1), (0.55, 0.1)) == [BLACK_, RED_]


def test_contain_shows_all_of_it_between_black_bars() -> None:
    fitted = fit_backdrop(Photo(Image.new("RGB", (200, 100), RED)), Size(100, 100), "contain").rgb
    assert seen_at(fitted, (0.5, 0.1), (0.02, 0.5), (0.98, 0.5), (0.5, 0.9)) == [BLACK_, RED, RED, BLACK_]
    assert abs(int((levels(fitted)[..., 0] > 128).sum()) - 5000) <= 200


def test_stretch_ignores_the_aspect() -> None:
    fitted = fit_backdrop(Photo(quarters(Size(400, 50))), Size(100, 100), "stretch").rgb
    assert seen_at(fitted, *CORNERS) == [BLACK_, RED_, GREEN_, YELLOW_]


def test_tiles_repeat_from_the_upper_left_corner_at_their_own_size() -> None:
    tile = noise(Size(37, 23))
    fitted = fit_backdrop(Photo(tile), SIZE, "tile").rgb
    y, x = np.mgrid[: SIZE.height, : SIZE.width]
    assert np.array_equal(np.asarray(fitted), np.asarray(tile)[y % 23, x % 37])


def test_tiny_tiles_are_quick() -> None:
    """A backdrop of one pixel is a valid request; a paste per tile would take minutes for a large photo."""
    started = time.thread_time()
    fitted = fit_backdrop(Photo(Image.new("RGB", (1, 1), RED)), Size(1000, 1000), "tile").rgb
    assert time.thread_time() - started < 1
    assert fitted.getcolors() == [(1000 * 1000, RED)]


def test_a_transparent_backdrop_does_not_bleed_its_hidden_colours() -> None:
    """Right of the middle is green that nobody can see; resized straight, it would tint the edge."""
    backdrop = Image.new("RGB", (40, 40), RED)
    backdrop.paste((0, 255, 0), (20, 0, 40, 40))
    alpha = Image.new("L", (40, 40), 255)
    alpha.paste(0, (20, 0, 40, 40))
    fitted = levels(fit_backdrop(Photo(backdrop, alpha), Size(90, 90), "stretch").with_alpha())
    visible = fitted[..., 3] > 32
    assert fitted[visible][:, 1].max() <= 20 + 8

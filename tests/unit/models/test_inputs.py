"""Photos fitted to a network's input, and the way back: what is painted at a place is found at that place."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from service.models.decisions import upsample
from service.models.inputs import fit
from service.models.labels import Box, Size
from service.models.store import ModelCard, ModelStore
from tests.fakes import make_store

STRETCH, PAD, ALIGNED, SOFTER = "stretch", "pad", "pad, aligned corners", "stretch, hamming"
GEOMETRIES = [STRETCH, PAD, ALIGNED, SOFTER]
CARDS: dict[str, ModelCard] = {}


@pytest.fixture(scope="module", autouse=True)
def _cards(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A wide input, a square one, and one whose 17 x 17 scores lie on the corners of every fourth input pixel."""
    store = ModelStore(make_store(tmp_path_factory.mktemp("inputs")))
    stretch, pad = store.card("tiny-subject"), store.card("tiny-classes")
    aligned = pad.output.model_copy(update={"width": 17, "height": 17, "align_corners": True})
    softer = stretch.model_copy(update={"input": stretch.input.model_copy(update={"filter": "hamming"})})
    CARDS.update({SOFTER: softer})
    CARDS.update({STRETCH: stretch, PAD: pad, ALIGNED: pad.model_copy(update={"output": aligned})})


def ramp(size: Size, axis: str) -> Image.Image:
    """0 at the first pixel to 250 at the last, along one axis."""
    length = size.width if axis == "x" else size.height
    levels = np.linspace(0, 250, length).round().astype(np.uint8)
    plane = np.broadcast_to(levels if axis == "x" else levels[:, None], (size.height, size.width))
    return Image.fromarray(np.ascontiguousarray(plane)).convert("RGB")


def there_and_back(picture: Image.Image, card: ModelCard) -> NDArray[np.float32]:
    """The picture as a network would see it that answers its own input, brought back to the picture's size."""
    pixels, box = fit(picture, card)
    plane = pixels[..., 0].astype(np.float32)
    if card.output.align_corners:
        step = (card.input.width - 1) // (card.output.width - 1)
        plane = np.ascontiguousarray(plane[::step, ::step])
    assert plane.shape == (card.output.height, card.output.width)
    return upsample(plane, box, Size(*picture.size))


@pytest.mark.parametrize("geometry", GEOMETRIES)
@settings(deadline=None)
@given(size=st.builds(Size, st.integers(1, 400), st.integers(1, 400)))
@example(Size(1, 5000))
@example(Size(5000, 1))
@example(Size(1, 1))
def test_any_picture_is_fitted_to_the_size_on_the_card(geometry: str, size: Size) -> None:
    card = CARDS[geometry]
    pixels, box = fit(Image.new("RGB", size), card)
    assert pixels.shape == (card.input.height, card.input.width, 3)
    assert pixels.dtype == np.uint8
    assert 0 <= box.left < box.right <= card.output.width
    assert 0 <= box.top < box.bottom <= card.output.height


@pytest.mark.parametrize("axis", ["x", "y"])
@pytest.mark.parametrize("geometry", GEOMETRIES)
@given(size=st.builds(Size, st.integers(100, 200), st.integers(100, 200)))
def test_every_place_of_a_picture_is_found_where_it_was(geometry: str, axis: str, size: Size) -> None:
    """On a ramp, a level is a place: a shift or a wrong scale shows as a wrong level."""
    picture = ramp(size, axis)
    found, expected = there_and_back(picture, CARDS[geometry]), np.asarray(picture, np.float32)[..., 0]
    # At the edges, the outermost samples are repeated outwards and mix with the padding.
    across, down = size.width // 6 + 1, size.height // 6 + 1
    inner = np.s_[down:-down, across:-across]
    one_pixel = 250 / ((size.width if axis == "x" else size.height) - 1)
    assert abs(found - expected)[inner].max() <= max(one_pixel, 2)


@pytest.mark.parametrize("vertical", [True, False], ids=["vertical", "horizontal"])
@pytest.mark.parametrize("geometry", [STRETCH, PAD])
@given(data=st.data(), size=st.builds(Size, st.integers(60, 130), st.integers(60, 130)))
def test_a_bright_line_comes_back_to_its_place(geometry: str, vertical: bool, data: st.DataObject, size: Size) -> None:
    length = size.width if vertical else size.height
    place = data.draw(st.integers(6, length - 7))
    picture = Image.new("RGB", size)
    line = (place, 0, place + 1, size.height) if vertical else (0, place, size.width, place + 1)
    picture.paste((255, 255, 255), line)
    brightness = there_and_back(picture, CARDS[geometry]).sum(axis=0 if vertical else 1)
    center = (brightness * np.arange(length)).sum() / brightness.sum()
    assert abs(center - place) <= 1


@pytest.mark.parametrize("size", [Size(300, 100), Size(100, 300)])
def test_padding_lies_right_and_below_and_is_zero_to_the_network(size: Size) -> None:
    card = CARDS[PAD].model_copy(update={"input": CARDS[PAD].input.model_copy(update={"mean": (0.5, 0.2, 0.8)})})
    pixels, box = fit(Image.new("RGB", size, (255, 255, 255)), card)
    padding = np.ones(pixels.shape[:2], bool)
    padding[: round(box.bottom), : round(box.right)] = False
    assert (pixels[~padding] == 255).all()
    assert abs(pixels[padding] / 255 - (0.5, 0.2, 0.8)).max() <= 0.5 / 255
    assert (round(box.right), round(box.bottom)) == ((65, 22) if size.width > size.height else (22, 65))


def test_a_stretched_picture_fills_the_scores() -> None:
    _, box = fit(Image.new("RGB", (123, 77)), CARDS[STRETCH])
    assert box == Box(0, 0, 64, 48)


def test_aligned_corners_put_the_picture_s_edges_half_an_input_pixel_outside_the_corner_samples() -> None:
    _, box = fit(Image.new("RGB", (65, 65)), CARDS[ALIGNED])
    assert box == pytest.approx(Box(0.5 - 0.125, 0.5 - 0.125, 16.5 + 0.125, 16.5 + 0.125))

"""The compiled loops beside the same in numpy, and the library beside its source."""

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from service import kernels
from service.kernels import Blended, compiled_kernels, steps, with_numpy
from service.kernels.library import LIBRARY, LIBRARY_SHA256, load
from service.models.labels import Box, Size
from service.pixels.encoders import encode_png
from service.pixels.refinement import refine
from service.pixels.refinement.cascade import double, unsure
from service.pixels.refinement.network import built_in_network
from service.pixels.subject import Blend, cut_out

FOLDER = Path(kernels.__file__).parent

SIDES = st.integers(1, 150)
SEEDS = st.integers(0, 2**32 - 1)

here = pytest.mark.skipif(compiled_kernels() is None, reason="the loops were not compiled for this machine")


def noise(seed: int, *shape: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def soft(seed: int, width: int, height: int, radius: float) -> Image.Image:
    """Mode L: blobs with edges as wide as `radius`, between parts that are surely one thing or the other."""
    blurred = Image.fromarray(noise(seed, height, width)).filter(ImageFilter.GaussianBlur(radius))
    levels = np.asarray(blurred, np.float32)
    return Image.fromarray(((levels - levels.mean()) * 12 + 128).clip(0, 255).astype(np.uint8))


def photo(seed: int, width: int, height: int) -> Image.Image:
    return Image.fromarray(noise(seed, height, width, 3)).filter(ImageFilter.GaussianBlur(1))


def cutout(blend: Blend) -> NDArray[np.int16]:
    return np.asarray(cut_out(blend, decontaminate=True)).astype(np.int16)


@here
@given(width=SIDES, height=SIDES, seed=SEEDS)
@settings(max_examples=60, deadline=None)
def test_a_subject_has_the_same_colours(width: int, height: int, seed: int) -> None:
    matte = soft(seed, width, height, radius=3)
    blend = Blend(photo(seed + 1, width, height), matte, matte)
    with with_numpy():
        expected = cutout(blend)
    assert np.abs(cutout(blend) - expected).max() <= 1


@here
@given(width=SIDES, height=SIDES, seed=SEEDS)
@settings(max_examples=20, deadline=None)
def test_a_photo_with_holes_has_the_same_colours(width: int, height: int, seed: int) -> None:
    mixture, shown = soft(seed, width, height, radius=3), soft(seed + 1, width, height, radius=2)
    blend = Blend(photo(seed + 2, width, height), mixture, shown, hidden=soft(seed + 3, width, height, radius=5))
    with with_numpy():
        expected = cutout(blend)
    assert np.abs(cutout(blend) - expected).max() <= 1


@here
@given(width=SIDES, height=SIDES, seed=SEEDS)
@settings(max_examples=60, deadline=None)
def test_an_edge_is_refined_alike(width: int, height: int, seed: int) -> None:
    """Hardly any pixel by more than a level: where colours explain nothing, the order of adding up shows."""
    plane = np.asarray(soft(seed, 20, 20, radius=2), np.float32) / np.float32(255)
    picture, box, grid = photo(seed + 1, width, height), Box(0, 0, 20, 20), Size(20, 20)
    with with_numpy():
        expected = np.asarray(refine(plane, box, grid, picture)).astype(np.int16)
    apart = np.abs(np.asarray(refine(plane, box, grid, picture)) - expected)
    assert apart.max() <= 6
    assert (apart > 1).mean() <= 0.002


@here
@given(width=SIDES, height=SIDES, seed=SEEDS, odd=st.tuples(st.booleans(), st.booleans()))
@settings(max_examples=60, deadline=None)
def test_twice_the_size_is_what_pillow_makes_of_it(width: int, height: int, seed: int, odd: tuple[bool, bool]) -> None:
    small = Image.fromarray(noise(seed, height, width))
    size = (2 * width - odd[0], 2 * height - odd[1])
    large, middle, loops = np.empty(size[::-1], np.uint8), seed % (height + 1), compiled_kernels()
    assert loops is not None
    for rows in ((0, middle), (middle, height)):
        loops.edge.twice(np.asarray(small), rows, large)
    assert np.array_equal(large, np.asarray(double(small, size)))


@here
@given(width=SIDES, height=SIDES, seed=SEEDS, radius=st.floats(0.5, 6), rows=st.tuples(SIDES, SIDES))
@settings(max_examples=40, deadline=None)
def test_the_same_pixels_are_unsure(width: int, height: int, seed: int, radius: float, rows: tuple[int, int]) -> None:
    matte = soft(seed, width, height, radius)
    below = matte.reduce(2)
    top, bottom = sorted(min(row, height) for row in rows)
    loops = compiled_kernels()
    assert loops is not None
    middle, coarsest = (Blended(np.empty(each.size[::-1], np.uint32), np.asarray(each)) for each in (matte, below))
    found = loops.edge.unsure(middle, coarsest, (top, bottom), built_in_network().layers)
    expected = np.argwhere(unsure(below, matte)[top:bottom]) + np.array((top, 0))
    assert np.array_equal(np.stack(found, axis=1), expected)


@here
@given(width=SIDES, height=SIDES, seed=SEEDS, least=st.integers(1, 255), share=st.floats(0, 0.05))
@settings(max_examples=40, deadline=None)
def test_the_bounds_are_those_of_the_levels_that_are_high_enough(
    width: int, height: int, seed: int, least: int, share: float
) -> None:
    levels = noise(seed, height, width + 5)[:, 3 : 3 + width] * (noise(seed + 1, height, width) < share * 255)
    loops = compiled_kernels()
    assert loops is not None
    rows, columns = np.nonzero(levels >= least)
    expected = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) if len(rows) else None
    assert loops.rows.bounds(levels, least) == expected
    assert loops.rows.reaches(levels, least) == (expected is not None)


@here
@given(width=SIDES, height=SIDES, seed=SEEDS, mode=st.sampled_from(["RGB", "RGBA"]))
@settings(max_examples=20, deadline=None)
def test_a_png_is_the_same_bytes(width: int, height: int, seed: int, mode: str) -> None:
    picture = Image.fromarray(noise(seed, height, width, len(mode)))
    with with_numpy():
        expected = encode_png(picture)
    assert encode_png(picture) == expected


def test_the_libraries_were_compiled_from_the_sources_that_lie_beside_them() -> None:
    written = dict(re.findall(r"^- `(\S+)`: ([0-9a-f]{64})$", (FOLDER / "provenance.md").read_text(), re.MULTILINE))
    files = [LIBRARY, steps.LIBRARY, *FOLDER.glob("*.c"), *(FOLDER / "source").iterdir()]
    found = {str(file.relative_to(FOLDER)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
    assert written == found
    assert written[LIBRARY.name] == LIBRARY_SHA256
    assert written[steps.LIBRARY.name] == steps.LIBRARY_SHA256


@here
def test_a_library_that_an_upgrade_has_put_in_its_place_is_not_called(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    upgraded = tmp_path / LIBRARY.name
    upgraded.write_bytes(LIBRARY.read_bytes())
    assert load(upgraded) is not None
    assert not caplog.messages
    newer = tmp_path / "newer"  # written beside and moved, as pip does: what is in use must not be written into
    newer.write_bytes(LIBRARY.read_bytes() + b"\0")
    newer.replace(upgraded)
    assert load(upgraded) is None
    assert "started again" in caplog.text


def test_within_numpy_nothing_compiled_is_used() -> None:
    before = compiled_kernels()
    with with_numpy():
        assert compiled_kernels() is None
    assert compiled_kernels() is before

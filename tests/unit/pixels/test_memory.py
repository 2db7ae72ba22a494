"""The bytes of an image without a copy."""

import gc
import io
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, _imaging

from service.kernels.memory import image_bytes, packed_pixels
from service.pixels.decode import decode


def noise(*shape: int) -> NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("shape", [(7, 5), (7, 5, 4), (7, 5, 3), (1, 1), (1, 1, 4), (64, 1920, 4)])
def test_they_are_what_numpy_makes_of_it(shape: tuple[int, ...]) -> None:
    pixels = noise(*shape)
    assert np.array_equal(image_bytes(Image.fromarray(pixels)), pixels)


@pytest.mark.parametrize("mode", ["P", "1", "LA", "CMYK", "I;16", "F"])
def test_of_other_modes_they_are_a_copy(mode: str) -> None:
    image = Image.new(mode, (5, 7), 1)
    assert np.array_equal(image_bytes(image), np.asarray(image))


def test_a_part_of_an_image_is_that_part() -> None:
    pixels = noise(20, 30, 4)
    assert np.array_equal(image_bytes(Image.fromarray(pixels).crop((3, 4, 9, 11))), pixels[4:11, 3:9])


@pytest.fixture
def _small_blocks() -> Iterator[None]:
    before = _imaging.get_block_size()
    _imaging.set_block_size(1 << 16)
    yield
    _imaging.set_block_size(before)


@pytest.mark.usefixtures("_small_blocks")
def test_an_image_in_several_blocks_of_memory_is_copied() -> None:
    pixels = noise(300, 200, 4)
    assert np.array_equal(image_bytes(Image.fromarray(pixels).copy()), pixels)


def test_a_large_photo_lies_in_one_block() -> None:
    large = io.BytesIO()
    Image.new("RGB", (3000, 2000), (10, 20, 30)).save(large, "JPEG")
    pixels = packed_pixels(decode(large.getvalue(), max_pixels=10_000_000).rgb)
    assert pixels is not None
    assert pixels.shape == (2000, 3000)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "RGBX"])
def test_packed_pixels_have_red_in_the_lowest_byte(mode: str) -> None:
    pixels = packed_pixels(Image.new(mode, (5, 3), (1, 2, 3)))
    assert pixels is not None
    assert (pixels & 0xFFFFFF == 0x030201).all()


def test_grey_is_not_packed() -> None:
    assert packed_pixels(Image.new("L", (5, 3))) is None


def test_they_outlive_the_image() -> None:
    pixels = noise(200, 300)
    lent = image_bytes(Image.fromarray(pixels).copy())
    gc.collect()
    Image.fromarray(noise(200, 300) ^ 255).copy()  # would be laid where the image was
    assert np.array_equal(lent, pixels)


def test_they_are_not_to_be_written_to() -> None:
    with pytest.raises(ValueError, match="read-only"):
        image_bytes(Image.new("L", (3, 3)))[0, 0] = 1

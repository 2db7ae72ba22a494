"""Two hundred masks through every codec, each read back by somebody else's reader or by one written from the format."""

from collections.abc import Sequence

import numpy as np
import pytest
from PIL import Image, ImageDraw
from pycocotools import mask as coco

from service.models.labels import Mask
from service.pixels.encoders import cvat, label_studio, polygons, rle, simple_rings
from service.pixels.encoders.polygons import Ring


def single_pixels(random: np.random.Generator, size: tuple[int, int]) -> Mask:
    mask = np.zeros(size, np.bool_)
    mask.ravel()[random.integers(0, mask.size, random.integers(1, 4))] = True
    return mask


def squares(random: np.random.Generator, size: tuple[int, int]) -> Mask:
    """Squares in squares, some of whose holes touch the picture's border."""
    y, x = np.indices(size)
    distance = np.maximum(abs(y - random.integers(0, size[0])), abs(x - random.integers(0, size[1])))
    mask: Mask = distance % random.integers(2, 7) == 1
    return mask


def lines(random: np.random.Generator, size: tuple[int, int]) -> Mask:
    picture = Image.new("1", size[::-1])
    for _ in range(3):
        ends = random.integers(0, (size[1], size[0]), (2, 2))
        ImageDraw.Draw(picture).line([*map(tuple, ends.tolist())], fill=1)
    return np.asarray(picture.convert("L")) > 0


def borders(random: np.random.Generator, size: tuple[int, int]) -> Mask:
    mask = np.zeros(size, np.bool_)
    for side in random.choice(4, random.integers(1, 5), replace=False):
        np.rot90(mask, side)[0] = True
    return mask


def noise(random: np.random.Generator, size: tuple[int, int]) -> Mask:
    mask: Mask = random.random(size) < random.random()
    return mask


def blots(random: np.random.Generator, size: tuple[int, int]) -> Mask:
    small = Image.fromarray(random.integers(0, 256, (4, 5), np.uint8))
    mask: Mask = np.asarray(small.resize(size[::-1], Image.Resampling.BICUBIC)) > 128
    return mask


KINDS = (single_pixels, squares, lines, borders, noise, blots)


def two_hundred_masks() -> list[Mask]:
    random = np.random.default_rng(1)
    sizes = [(int(height), int(width)) for height, width in random.integers(1, 70, (197, 2))]
    masks = [KINDS[number % len(KINDS)](random, size) for number, size in enumerate(sizes)]
    return [*masks, np.zeros((7, 5), np.bool_), np.ones((7, 5), np.bool_), np.ones((400, 300), np.bool_)]


MASKS = two_hundred_masks()


def read_label_studio(stream: Sequence[int]) -> list[int]:
    """The values. Written from the description of the format: bit by bit, with none of the writer's ideas."""
    bits = "".join(f"{byte:08b}" for byte in stream)
    at = 0

    def take(count: int) -> int:
        nonlocal at
        at += count
        return int(bits[at - count : at], 2)

    value_count, value_bits = take(32), take(5) + 1
    length_bits = [take(4) + 1 for _ in range(4)]
    values: list[int] = []
    while len(values) < value_count:
        is_run, length = take(1), take(length_bits[take(2)]) + 1
        values += [take(value_bits)] * length if is_run else [take(value_bits) for _ in range(length)]
    return values


def read_cvat(points: Sequence[int], size: tuple[int, int]) -> Mask:
    mask = np.zeros(size, np.bool_)
    if points:
        *lengths, left, top, right, bottom = points
        flat = [is_inside for number, length in enumerate(lengths) for is_inside in [bool(number % 2)] * length]
        mask[top : bottom + 1, left : right + 1] = np.reshape(flat, (bottom + 1 - top, right + 1 - left))
    return mask


def fill(rings: Sequence[Ring], size: tuple[int, int]) -> Mask:
    """Pixels whose centre is inside: a ray to the left crosses an odd number of upright edges."""
    inside = np.zeros(size, np.bool_)
    for ring in rings:
        for (x, y), (next_x, next_y) in zip(ring, [*ring[1:], ring[0]], strict=True):
            if x == next_x:
                inside[min(y, next_y) : max(y, next_y), x:] ^= True
    return inside


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools, since numpy 2.0
def test_coco_rle_is_what_pycocotools_writes_and_reads() -> None:
    for mask in MASKS:
        written = coco.encode(np.asfortranarray(mask, np.uint8))
        assert rle.encode(mask) == {"size": [*mask.shape], "counts": written["counts"].decode("ascii")}
        assert np.array_equal(coco.decode(rle.encode(mask)), mask)


def test_label_studio_has_all_four_channels_of_every_pixel() -> None:
    for mask in MASKS:
        values = np.reshape(read_label_studio(label_studio.encode(mask)), (*mask.shape, 4))
        assert np.array_equal(values, np.repeat(mask[..., np.newaxis] * 255, 4, axis=2))


def test_cvat_shapes_are_read_back() -> None:
    for mask in MASKS:
        assert np.array_equal(read_cvat(cvat.encode(mask), mask.shape), mask)


def test_cvat_shapes_are_what_its_sdk_writes_and_reads() -> None:
    sdk = pytest.importorskip("cvat_sdk.masks")
    for mask in filter(np.any, MASKS):
        height, width = mask.shape
        assert cvat.encode(mask) == sdk.encode_mask(mask)
        assert np.array_equal(sdk.decode_mask(cvat.encode(mask), image_width=width, image_height=height), mask)


def test_polygons_filled_by_pixel_centres_are_the_mask() -> None:
    for mask in MASKS:
        found = polygons.encode(mask)
        assert np.array_equal(
            fill([ring for each in found for ring in (each["exterior"], *each["holes"])], mask.shape), mask
        )


def test_simple_polygons_share_no_pixel_and_are_together_the_mask() -> None:
    for mask in MASKS:
        (found,) = simple_rings.encode_classes(mask.view(np.uint8), (1,))
        times = np.zeros(mask.shape, int)
        for ring in found:
            times += fill([ring], mask.shape)
        assert np.array_equal(times, mask)

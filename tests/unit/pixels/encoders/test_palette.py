"""Palette PNG, read back with Pillow."""

from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from service.models.labels import VOID, ClassTable, LabelClass, LabelMap
from service.pixels.encoders import palette_png

CLASSES = ClassTable(
    [LabelClass(0, "background", (0, 0, 0)), LabelClass(1, "cat", (64, 0, 0)), LabelClass(2, "dog", (64, 0, 128))],
    foreground=["cat", "dog"],
)

shapes = arrays.array_shapes(min_dims=2, max_dims=2, max_side=20)
label_maps = arrays.arrays(np.uint8, shapes, elements=st.integers(0, 255))
few_ids = arrays.arrays(np.uint8, shapes, elements=st.sampled_from([0, 1, 2, VOID]))


def reopen(encoded: bytes) -> Image.Image:
    image = Image.open(BytesIO(encoded))
    image.load()
    return image


@given(label_maps | few_ids)
def test_the_pixels_are_the_label_map(labels: LabelMap) -> None:
    image = reopen(palette_png(labels, CLASSES))
    assert (image.format, image.mode) == ("PNG", "P")
    assert np.array_equal(np.asarray(image), labels)


@pytest.mark.parametrize("class_id", [0, 1, VOID])
def test_a_map_of_one_id_keeps_it(class_id: int) -> None:
    labels = np.full((3, 5), class_id, np.uint8)
    assert np.array_equal(np.asarray(reopen(palette_png(labels, CLASSES))), labels)


def test_a_label_map_that_is_not_contiguous_is_read_by_its_own_rows() -> None:
    labels = np.arange(12, dtype=np.uint8).reshape(3, 4).T
    assert np.array_equal(np.asarray(reopen(palette_png(labels, CLASSES))), labels)


def test_classes_are_shown_in_their_colours_and_void_in_cream() -> None:
    labels = np.array([[0, 1, 2, VOID]], np.uint8)
    shown = np.asarray(reopen(palette_png(labels, CLASSES)).convert("RGB"))
    assert shown[0].tolist() == [[0, 0, 0], [64, 0, 0], [64, 0, 128], [224, 224, 192]]


def test_void_is_in_the_palette_even_where_no_pixel_is_void() -> None:
    palette = reopen(palette_png(np.zeros((2, 2), np.uint8), CLASSES)).getpalette()
    assert palette is not None
    assert palette[3 * VOID : 3 * VOID + 3] == [224, 224, 192]

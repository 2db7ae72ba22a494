"""COCO RLE against pycocotools, the reference reader and writer."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pycocotools import mask as coco
from skimage import data
from skimage.transform import resize

from service.models.labels import LabelMap, Mask
from service.pixels.encoders import rle

masks = arrays.arrays(np.bool_, arrays.array_shapes(min_dims=2, max_dims=2, max_side=40))
EMPTY = np.zeros((7, 5), np.bool_)


def written_by_coco(mask: Mask) -> rle.Rle:
    encoded = coco.encode(np.asfortranarray(mask, np.uint8))
    return {"size": encoded["size"], "counts": encoded["counts"].decode("ascii")}


def full_hd_portrait() -> Mask:
    """Ragged outlines, and runs so long and unequal that their differences fill several characters of either sign."""
    mask: Mask = resize(data.astronaut()[..., 0] > 150, (1080, 1920), order=0)
    mask[:, :300] = False
    return mask


@given(masks)
@example(EMPTY)
@example(~EMPTY)
def test_encodes_byte_for_byte_as_pycocotools_does(mask: Mask) -> None:
    assert rle.encode(mask) == written_by_coco(mask)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools, since numpy 2.0
@given(masks)
def test_pycocotools_decodes_what_we_wrote(mask: Mask) -> None:
    assert np.array_equal(coco.decode(rle.encode(mask)), mask)


def test_a_real_mask_is_encoded_as_pycocotools_does() -> None:
    mask = full_hd_portrait()
    assert rle.encode(mask) == written_by_coco(mask)


def test_a_mask_in_any_memory_order_is_encoded_alike() -> None:
    mask = full_hd_portrait()[::50, ::50]
    assert rle.encode(np.asfortranarray(mask)) == rle.encode(np.ascontiguousarray(mask))


def test_a_mask_of_several_bands_is_encoded_alike() -> None:
    """Wide and high, and noise: numbers of one character to six, more of them than are written at once."""
    noise = np.random.default_rng(3).random((700, 1100)) < 0.5
    noise[200:] &= np.random.default_rng(4).random((500, 1100)) < 0.001
    assert rle.encode(noise) == written_by_coco(noise)


@given(arrays.arrays(np.uint8, arrays.array_shapes(min_dims=2, max_dims=2, max_side=20), elements=st.integers(0, 3)))
def test_all_classes_at_once_are_each_class_alone(labels: LabelMap) -> None:
    """Also those that are nowhere."""
    ids = (3, 0, 1, 7)
    assert rle.encode_classes(labels, ids) == [rle.encode(labels == class_id) for class_id in ids]

"""COCO RLE against pycocotools, the reference reader and writer."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis.extra import numpy as arrays
from pycocotools import mask as coco
from skimage import data
from skimage.transform import resize

from service.models.labels import Mask
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


@given(masks)
@example(EMPTY)
@example(~EMPTY)
def test_decodes_what_pycocotools_wrote(mask: Mask) -> None:
    assert np.array_equal(rle.decode(written_by_coco(mask)), mask)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools, since numpy 2.0
@given(masks)
def test_pycocotools_decodes_what_we_wrote(mask: Mask) -> None:
    assert np.array_equal(coco.decode(rle.encode(mask)), mask)


def test_a_real_mask_agrees_in_both_directions() -> None:
    mask = full_hd_portrait()
    encoded = written_by_coco(mask)
    assert rle.encode(mask) == encoded
    assert np.array_equal(rle.decode(encoded), mask)


def test_a_mask_in_any_memory_order_is_encoded_alike() -> None:
    mask = full_hd_portrait()[::50, ::50]
    assert rle.encode(np.asfortranarray(mask)) == rle.encode(np.ascontiguousarray(mask))


@pytest.mark.parametrize("counts", ["", "o", "3", "30", "5O"])
def test_counts_that_do_not_fill_the_size_are_refused(counts: str) -> None:
    with pytest.raises(ValueError, match=r"counts|runs"):
        rle.decode({"size": [2, 2], "counts": counts})

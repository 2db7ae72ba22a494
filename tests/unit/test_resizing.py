"""Compiled resizing beside Pillow's."""

import numpy as np
import PIL
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from service.kernels import compiled_kernels, with_numpy
from service.kernels.resizing import FILTERS, resized

SIDES = st.integers(8, 300)
ROUNDED_OTHERWISE = 3
"""Pixels: a weight that lies between two whole numbers falls to the other one where a sine differs in its last bit."""


@pytest.mark.skipif(compiled_kernels() is None, reason="the loops were not compiled for this machine")
@pytest.mark.skipif(
    PIL.__version__ < "13", reason="the loops are Pillow 13's; before, it resized tall pictures otherwise"
)
@pytest.mark.parametrize("gap", [None, 2.0])
@pytest.mark.parametrize("resampling", FILTERS, ids=lambda each: each.name)
@given(width=SIDES, height=SIDES, size=st.tuples(SIDES, SIDES), seed=st.integers(0, 2**32 - 1))
@example(width=200, height=301, size=(100, 100), seed=0)
@example(width=200, height=300, size=(100, 100), seed=0)
@example(width=1, height=2000, size=(7, 3), seed=0)
@settings(max_examples=25, deadline=None)
def test_it_gives_what_pillow_gives(
    resampling: Image.Resampling, gap: float | None, width: int, height: int, size: tuple[int, int], seed: int
) -> None:
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    picture = Image.fromarray(noise)
    with with_numpy():
        expected = resized(picture, size, resampling, gap)
    apart = np.abs(resized(picture, size, resampling, gap).astype(np.int16) - expected)
    assert apart.max() <= 1
    assert np.count_nonzero(apart) <= ROUNDED_OTHERWISE

"""What the round trip of `test_codecs.py` does not show: the very bytes, and runs of every length."""

import numpy as np
import pytest

from service.pixels.encoders import label_studio
from tests.unit.pixels.encoders.test_codecs import read_label_studio


def test_two_by_two_pixels_are_the_bytes_that_label_studio_has() -> None:
    assert label_studio.encode(np.ones((2, 2), np.bool_)) == [0, 0, 0, 16, 57, 27, 253, 255, 240]


@pytest.mark.parametrize("pixels", [1, 2, 3, 4, 5, 64, 65, 16_384, 16_385, 40_000])
def test_runs_of_every_kind_of_length_are_read_back(pixels: int) -> None:
    """Around the limits of 8, 16, 256 and 65,536 values."""
    row = np.zeros((1, pixels + 2), np.bool_)
    row[0, 1:-1] = True
    assert read_label_studio(label_studio.encode(row)) == [0] * 4 + [255] * 4 * pixels + [0] * 4


def test_more_runs_than_are_written_at_once_are_read_back() -> None:
    row = np.arange(40_001)[np.newaxis] % 2 == 1
    assert np.array_equal(read_label_studio(label_studio.encode(row))[::4], row[0] * 255)


def test_a_stream_that_fills_its_last_byte_is_followed_by_one_of_zeros() -> None:
    """53 bits of header, and runs of 14, 14 and 15."""
    row = np.array([[False, True, False, False, False]])
    assert label_studio.encode(row)[-1] == 0
    assert len(label_studio.encode(row)) == 13

"""What the numbers in `keep_mask` and `remove_mask` mean, whatever type they are of."""

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from tests.api.asking import problem_of
from tests.api.test_correction import ask_with, mask, matte
from tests.pictures import encoded


@pytest.mark.parametrize(
    ("type_", "format_"),
    [("u1", "PNG"), ("u2", "PNG"), ("u1", "TIFF"), ("u2", "TIFF"), ("i4", "TIFF"), ("f4", "TIFF")],
)
@pytest.mark.parametrize("white", [1, 255])
def test_a_mask_of_any_type_is_painted_where_it_has_1_or_255(
    client: TestClient, type_: str, format_: str, white: int
) -> None:
    """As numpy leaves a mask: nobody means one that paints nothing."""
    numbers = (np.asarray(mask((20, 10, 45, 22))) // 255 * white).astype(type_)
    levels = matte(client, keep_mask=encoded(Image.fromarray(numbers), format_))
    assert np.array_equal(levels, matte(client, keep_mask=mask((20, 10, 45, 22))))


@pytest.mark.parametrize("name", ["keep_mask", "remove_mask"])
@pytest.mark.parametrize("lightest", [2, 15, 38, 63])
def test_a_mask_that_is_dark_all_over_is_refused_with_its_lightest_level(
    client: TestClient, name: str, lightest: int
) -> None:
    """A label map, or its colours: what it paints would be nothing, without a word."""
    detail = problem_of(ask_with(client, {name: mask().point(lambda _: lightest)}), 422, "bad_option")["detail"]
    assert all(word in detail for word in (name, str(lightest), "128"))


def test_a_faint_stroke_paints_nothing(client: TestClient) -> None:
    assert np.array_equal(matte(client, keep_mask=mask().point(lambda _: 127)), matte(client))

"""Networks that see pictures of any size: which size a picture is shown at, and that none is too large."""

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image
from pydantic import ValidationError

from service.models.inputs import seen
from service.models.labels import Size
from service.models.store.card import InputSpec

SIDE, LONGEST = 64, 192


def spec(**changes: Any) -> InputSpec:
    told = {"width": SIDE, "height": SIDE, "resize": "shorter", "longest": LONGEST, "mean": (0, 0, 0), "std": (1, 1, 1)}
    return InputSpec.model_validate({**told, **changes})


def shown(size: Size, like: InputSpec) -> Size:
    pixels, used = seen(Image.new("RGB", size), like)
    assert pixels.shape == (used.height, used.width, 3)
    return used


SIDES = st.integers(16, 300)


@settings(deadline=None, max_examples=50)
@given(width=SIDES, height=SIDES)
@example(300, 16)
def test_modnets_own_demo_chooses_the_same_size(width: int, height: int) -> None:
    """`inference.py` of its repository: the shorter side becomes the one it was trained with, unless that lies between
    the picture's two; then both are cut to multiples of 32. But for panoramas, which it shows whole."""
    if max(width, height) < SIDE or min(width, height) > SIDE:
        wanted = (SIDE * width // height, SIDE) if width >= height else (SIDE, SIDE * height // width)
    else:
        wanted = (width, height)
    found = shown(Size(width, height), spec(multiple=16, keeps_between=True))
    assert found == (wanted[0] - wanted[0] % 16, wanted[1] - wanted[1] % 16) or max(wanted) > LONGEST


@settings(deadline=None, max_examples=50)
@given(width=SIDES, height=SIDES)
def test_torchvision_chooses_the_same_size(width: int, height: int) -> None:
    """`resize` of its transforms, for one number: `int(size * long / short)`. But for panoramas."""
    wanted = (SIDE * width // height, SIDE) if width >= height else (SIDE, SIDE * height // width)
    assert shown(Size(width, height), spec()) == wanted or max(wanted) > LONGEST


@pytest.mark.parametrize("size", [Size(9000, 30), Size(30, 9000), Size(1, 1), Size(193, 192), Size(4000, 1000)])
@pytest.mark.parametrize("keeps_between", [True, False])
def test_no_picture_is_larger_than_there_is_memory_for(size: Size, keeps_between: bool) -> None:
    found = shown(size, spec(multiple=16, keeps_between=keeps_between))
    assert min(found) <= SIDE
    assert max(found) <= LONGEST
    assert not any(side % 16 or not side for side in found)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"longest": None}, "longest"),
        ({"resize": "pad"}, "longest"),
        ({"longest": SIDE - 1}, "longest"),
        ({"multiple": 2 * SIDE}, "multiple"),
    ],
)
def test_a_card_without_bounds_is_wrong(changes: dict[str, Any], what: str) -> None:
    with pytest.raises(ValidationError, match=what):
        spec(**changes)

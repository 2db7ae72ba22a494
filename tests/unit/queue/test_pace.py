"""What is expected of work of a size, after some was done."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.queue.pace import Pace, SizedPace

FIXED_S, PER_MEGAPIXEL_S = 0.02, 0.05


def taken_s(megapixels: float) -> float:
    return FIXED_S + PER_MEGAPIXEL_S * megapixels


def after(*sizes: float) -> SizedPace:
    pace = SizedPace()
    for size in sizes:
        pace.observe(size, taken_s(size))
    return pace


def test_nothing_is_expected_as_long_as_nothing_is_known() -> None:
    assert SizedPace().expected_s(12) == 0


def test_after_two_sizes_others_are_known() -> None:
    pace = after(0.3, 12, 2, 12, 0.3)
    for size in (0.01, 1, 12, 48):
        assert pace.expected_s(size) == pytest.approx(taken_s(size))


def test_after_one_size_others_are_in_proportion() -> None:
    pace = after(4, 4, 4)
    assert pace.expected_s(4) == pytest.approx(taken_s(4))
    assert pace.expected_s(8) == pytest.approx(2 * taken_s(4))


def test_thumbnails_do_not_make_photos_look_quick_or_slow() -> None:
    pace = after(12, 12, *[0.01] * 30)
    assert pace.expected_s(12) == pytest.approx(taken_s(12), rel=0.01)


def test_what_small_pictures_take_says_little_of_large_ones() -> None:
    """Fixed costs are nearly all that they have: in proportion, a picture of 49 megapixels would take a minute."""
    pace = SizedPace()
    for _ in range(30):
        pace.observe(0.25, 0.3)
    assert 0.3 < pace.expected_s(49) < 3


def test_nothing_takes_longer_than_what_is_larger_did() -> None:
    pace = SizedPace()
    pace.observe(49, 5)
    for index in range(200):
        pace.observe(0.25, 0.3 + 0.1 * (index % 2))
    assert pace.expected_s(0.25) == pytest.approx(0.35, abs=0.05)
    assert 1 < pace.expected_s(49) <= 10
    assert 1 < pace.expected_s(40) <= 10


def test_what_became_slower_is_soon_known() -> None:
    pace = after(12, 2, 12, 2)
    for _ in range(20):
        pace.observe(12, 3 * taken_s(12))
        pace.observe(2, 3 * taken_s(2))
    assert pace.expected_s(12) == pytest.approx(3 * taken_s(12), rel=0.1)


@given(st.lists(st.tuples(st.floats(0, 180), st.floats(0, 60)), min_size=1, max_size=30), st.floats(0, 180))
@example(seen=[(5e-324, 1.0)], size=0.0)
def test_no_time_is_negative_and_none_is_beyond_all_measure(seen: list[tuple[float, float]], size: float) -> None:
    pace = SizedPace()
    for each in seen:
        pace.observe(*each)
    assert 0 <= pace.expected_s(size) < float("inf")


@given(st.lists(st.tuples(st.floats(0.01, 180), st.floats(0, 60)), min_size=1, max_size=30))
def test_more_pixels_never_take_less(seen: list[tuple[float, float]]) -> None:
    pace = SizedPace()
    for each in seen:
        pace.observe(*each)
    assert pace.expected_s(50) >= pace.expected_s(1)


def test_the_pace_follows_what_images_take() -> None:
    pace = Pace()
    assert pace.expected_s("a") == 0
    pace.observe("a", run_s=2.0, images=2)
    assert pace.expected_s("a", images=3) == pytest.approx(3.0)
    for _ in range(30):
        pace.observe("a", run_s=4.0, images=1)
    assert pace.expected_s("a") == pytest.approx(4.0, rel=0.01)

"""Geometry of remove.bg's contract: sizes in megapixels, the region, crop and margins, scale and position."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.doors.removebg.failures import RoiExceedsBounds, RoiRegionEmpty
from service.doors.removebg.layout import Frame, Layout, size_within
from service.doors.removebg.parameters import Parameters
from service.models.labels import Size

CANVAS, SUBJECT = Size(400, 200), (100, 50, 180, 150)
"""The subject has 80 x 100 pixels."""


def read(**wishes: Any) -> Parameters:
    return Parameters.model_validate(wishes)


def laid(**wishes: Any) -> Layout:
    return Layout.of(CANVAS, SUBJECT, read(**wishes))


def frame(photo: tuple[int, int] = (1000, 500), **wishes: Any) -> Frame:
    return Frame.of(Size(*photo), read(**{"size": "full", "format": "zip", **wishes}))


@given(width=st.integers(1, 20_000), height=st.integers(1, 20_000), most=st.integers(1, 50_000_000))
def test_a_result_is_never_larger_than_the_photo_or_its_megapixels_and_keeps_its_shape(
    width: int, height: int, most: int
) -> None:
    size = size_within(Size(width, height), most)
    assert 1 <= size.width <= width
    assert 1 <= size.height <= height
    assert size.width * size.height <= most
    if width * height <= most:
        assert size == (width, height)
    elif min(size) > 100:
        assert size.width / size.height == pytest.approx(width / height, rel=0.02)


def test_a_preview_of_three_by_two_has_612_by_408_pixels() -> None:
    assert size_within(Size(6000, 4000), 250_000) == (612, 408)


def test_without_wishes_everything_stays_where_it_is() -> None:
    assert laid() == Layout(CANVAS, SUBJECT)


def test_cropped_the_canvas_is_the_subject() -> None:
    assert laid(crop=True) == Layout(Size(80, 100), (0, 0, 80, 100))


def test_a_margin_without_crop_does_nothing() -> None:
    assert laid(crop_margin="10px") == laid()


def test_margins_are_pixels_or_percent_of_the_subjects_own_sides() -> None:
    assert laid(crop=True, crop_margin="10%") == Layout(Size(96, 120), (8, 10, 88, 110))
    assert laid(crop=True, crop_margin="1px 2px 3px 4px") == Layout(Size(86, 104), (4, 1, 84, 101))


def test_a_margin_reaches_over_the_photos_edge() -> None:
    """A row of products has the same margins, however each was photographed."""
    assert Layout.of(CANVAS, (0, 0, 400, 200), read(crop=True, crop_margin="50px")).canvas == (500, 300)


def test_a_margin_is_half_of_the_subject_or_500_pixels_at_most() -> None:
    assert laid(crop=True, crop_margin="90%") == laid(crop=True, crop_margin="50%")
    big = read(size="full", crop=True, crop_margin="9000px")
    assert Layout.of(CANVAS, SUBJECT, big).canvas == (1080, 1100)


def test_margins_do_not_make_a_preview_larger_than_a_preview() -> None:
    layout = Layout.of(Size(500, 500), (0, 0, 500, 500), read(crop=True, crop_margin="50%"))
    assert layout == Layout(Size(500, 500), (125, 125, 375, 375))


def test_a_scaled_subject_fills_so_much_of_the_canvas_and_is_centred() -> None:
    assert laid(scale="50%") == Layout(CANVAS, (160, 50, 240, 150))
    assert laid(scale="100%") == Layout(CANVAS, (120, 0, 280, 200))


def test_a_position_is_a_share_of_the_free_space() -> None:
    assert laid(position="center").subject == (160, 50, 240, 150)
    assert laid(position="0%").subject == (0, 0, 80, 100)
    assert laid(position="100% 0%").subject == (320, 0, 400, 100)


def test_a_shadow_has_room_on_a_cropped_canvas() -> None:
    layout = Layout.of(CANVAS, SUBJECT, read(crop=True), reach=(3, 0, 4, 9))
    assert layout == Layout(Size(87, 109), (3, 0, 83, 100))


def test_a_region_in_percent_or_pixels_is_a_box_in_the_photo() -> None:
    assert frame(roi="10% 20% 50% 100%").region == (100, 100, 500, 500)
    assert frame(roi="10px 20px 500px 500px").region == (10, 20, 500, 500)
    assert frame().region == (0, 0, 1000, 500)


def test_the_region_is_found_again_on_a_smaller_canvas_and_boxes_in_it_in_the_photo() -> None:
    small = frame((1000, 1000), size="preview", roi="200px 400px 600px 800px")
    assert (small.canvas, small.part) == (Size(500, 500), (100, 200, 300, 400))
    assert small.on_canvas((10, 20, 30, 40)) == (110, 220, 130, 240)
    assert small.in_photo((10, 20, 30, 40)) == (220, 440, 260, 480)


@given(
    width=st.integers(1, 3000),
    height=st.integers(1, 3000),
    corners=st.tuples(*[st.integers(0, 100)] * 4),
    size=st.sampled_from(["preview", "full"]),
)
def test_every_region_is_a_part_of_the_canvas_that_maps_back_into_the_photo(
    width: int, height: int, corners: tuple[int, int, int, int], size: str
) -> None:
    x1, y1, x2, y2 = corners
    try:
        found = frame((width, height), size=size, roi=f"{x1}% {y1}% {x2}% {y2}%")
    except RoiRegionEmpty:
        return
    left, top, right, bottom = found.part
    assert 0 <= left < right <= found.canvas.width
    assert 0 <= top < bottom <= found.canvas.height
    x, y, to_x, to_y = found.in_photo((0, 0, right - left, bottom - top))
    assert 0 <= x < to_x <= width
    assert 0 <= y < to_y <= height


@pytest.mark.parametrize("roi", ["0% 0% 0% 50%", "500px 0px 400px 100px", "0 0 0 0"])
def test_a_region_without_a_pixel_is_refused(roi: str) -> None:
    with pytest.raises(RoiRegionEmpty):
        frame(roi=roi)


@pytest.mark.parametrize("roi", ["0% 0% 101% 100%", "0px 0px 1001px 500px", "-1px 0px 5px 5px"])
def test_a_region_beyond_the_photo_is_refused(roi: str) -> None:
    with pytest.raises(RoiExceedsBounds):
        frame(roi=roi)

"""The parameters of remove.bg's contract: what is taken, what it means, and what is refused by which code."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from service.doors.removebg.failures import BadParameters
from service.doors.removebg.lengths import Length
from service.doors.removebg.parameters import CENTER, Parameters, Position


def read(**given: Any) -> Parameters:
    return Parameters.model_validate(given)


def codes(**given: Any) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        read(**given)
    return [name for name, _ in BadParameters.of(caught.value).wrong]


@pytest.mark.parametrize(
    ("size", "pixels"),
    [
        ("preview", 250_000),
        ("small", 250_000),
        ("regular", 250_000),
        ("medium", 1_500_000),
        ("hd", 4_000_000),
        ("full", 25_000_000),
        ("4k", 25_000_000),
        ("4K", 25_000_000),
        ("auto", 25_000_000),
        ("50MP", 50_000_000),
        ("50mp", 50_000_000),
    ],
)
def test_a_size_is_so_many_pixels(size: str, pixels: int) -> None:
    assert read(size=size, format="zip").pixels == pixels


@pytest.mark.parametrize(
    "given", [{"format": "png"}, {}, {"bg_color": "#fff8"}, {"bg_color": "fff", "channels": "alpha"}]
)
def test_what_comes_as_png_has_ten_megapixels_at_most(given: dict[str, str]) -> None:
    assert read(size="full", **given).pixels == 10_000_000


def test_auto_on_an_opaque_colour_is_jpeg_and_so_may_be_larger() -> None:
    assert read(size="full", bg_color="fff").pixels == 25_000_000


def test_empty_values_are_not_given_and_unknown_names_are_left_alone() -> None:
    assert read(size="", scale=None, roi="", bg_color="", crop="", anything="goes") == Parameters()


@pytest.mark.parametrize(("text", "crop"), [("false", False), ("true", True), ("1", True), (True, True), ("0", False)])
def test_crop_is_a_boolean_or_the_text_of_one(text: object, crop: bool) -> None:
    assert read(crop=text).crop is crop


def test_a_margin_is_one_two_or_four_lengths_and_a_bare_number_is_pixels() -> None:
    ten, five, one, two = Length(10, "%"), Length(5, "px"), Length(1, "px"), Length(2, "%")
    assert read(crop_margin="10%").crop_margin == (ten,) * 4
    assert read(crop_margin="10% 5px").crop_margin == (ten, five, ten, five)
    assert read(crop_margin="10% 5px 1px 2%").crop_margin == (ten, five, one, two)
    assert read(crop_margin=5).crop_margin == (five,) * 4


def test_a_region_is_two_corners_in_pixels_or_percent() -> None:
    assert read(roi="1px 2px 50% 60%").roi == (Length(1, "px"), Length(2, "px"), Length(50, "%"), Length(60, "%"))


@pytest.mark.parametrize("scale", ["80%", "80", 80])
def test_scale_is_percent(scale: object) -> None:
    assert read(scale=scale).scale == 0.8


def test_scale_implies_the_centre_unless_a_position_is_given() -> None:
    assert read().place is None
    assert read(scale="original").place is None
    assert read(scale="50%").place == CENTER
    assert read(scale="50%", position="original").place is None
    assert read(position="center").place == CENTER
    assert read(position="20%").place == Position(0.2, 0.2)
    assert read(position="0% 100%").place == Position(0, 1)


@pytest.mark.parametrize(
    ("given", "shadow"),
    [
        ({}, ("none", 0.5)),
        ({"shadow_type": "drop"}, ("drop", 0.5)),
        ({"shadow_type": "3D", "shadow_opacity": "30"}, ("3D", 0.3)),
        ({"shadow_type": "3d", "shadow_opacity": 0}, ("3D", 0)),
        ({"shadow_type": "car"}, ("car", 0.9)),
        ({"shadow_type": "auto", "shadow_opacity": "auto"}, ("auto", 0.5)),
        ({"shadow_type[person]": "3D"}, ("3D", 0.5)),
        ({"shadow_type[car]": "car"}, ("none", 0.5)),
        ({"shadow_type": "drop", "shadow_type[person]": "none"}, ("none", 0.5)),
        ({"shadow_type": "drop", "shadow_opacity[person]": "70", "shadow_opacity": "10"}, ("drop", 0.7)),
        ({"shadow_type": {"person": "drop"}}, ("drop", 0.5)),
        ({"add_shadow": "true"}, ("none", 0.5)),
        ({"shadow_type": False}, ("none", 0.5)),
        ({"shadow_type": "drop", "shadow_opacity": {"person": 0}}, ("drop", 0)),
    ],
)
def test_a_person_gets_the_shadow_of_its_type_or_else_that_of_all(
    given: dict[str, Any], shadow: tuple[str, float]
) -> None:
    assert read(**given).shadow("person") == shadow


def test_a_type_that_is_half_a_character_is_refused() -> None:
    """JSON can name it, and nothing can write it down."""
    assert codes(shadow_type={"\ud800": "drop"}) == ["shadow_type"]


@pytest.mark.parametrize("add_shadow", ["true", True, "1"])
def test_the_old_switch_is_a_cars_shadow(add_shadow: object) -> None:
    assert read(add_shadow=add_shadow).shadow("car") == ("car", 0.9)


@pytest.mark.parametrize(
    ("color", "rgba"),
    [
        ("81d4fa", (0x81, 0xD4, 0xFA, 255)),
        ("#81d4fa", (0x81, 0xD4, 0xFA, 255)),
        ("fff", (255, 255, 255, 255)),
        ("81d4fa77", (0x81, 0xD4, 0xFA, 0x77)),
        ("0f08", (0, 255, 0, 0x88)),
        ("green", (0, 128, 0, 255)),
        (112233, (0x11, 0x22, 0x33, 255)),
    ],
)
def test_a_colour_is_hex_or_a_name(color: object, rgba: tuple[int, int, int, int]) -> None:
    assert read(bg_color=color).rgba == rgba


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("size", "huge"),
        ("type", "ghost"),
        ("type_level", "3"),
        ("format", "gif"),
        ("channels", "rgb"),
        ("roi", "1 2 3"),
        ("roi", "a b c d"),
        ("crop", "maybe"),
        ("crop_margin", "1 2 3"),
        ("crop_margin", "-5px"),
        ("crop_margin", "10em"),
        ("scale", "5%"),
        ("scale", "120%"),
        ("scale", "50px"),
        ("scale", {"x": 1}),
        ("scale", True),
        ("position", "left"),
        ("position", "1% 2% 3%"),
        ("position", "101%"),
        ("shadow_type", "long"),
        ("shadow_opacity", "101"),
        ("shadow_opacity", "nan"),
        ("semitransparency", "some"),
        ("bg_color", "blurple"),
        ("bg_color", {"red": 1}),
        ("roi", {"x": 1}),
        ("size", [1]),
    ],
)
def test_what_cannot_be_used_is_refused_by_its_name(name: str, value: object) -> None:
    assert codes(**{name: value}) == [name]


def test_each_wrong_parameter_is_told_once() -> None:
    assert codes(size="huge", scale="2%", shadow_type="long") == ["size", "scale", "shadow_type"]


TEXT = st.text(max_size=8)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.from_regex(r"-?\d+(px|%)"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from([*Parameters.model_fields, "add_shadow", "shadow_type[car]", "shadow_opacity[car]"])


@given(wishes=st.dictionaries(NAMES, JSON, max_size=6))
def test_whatever_json_holds_is_understood_or_refused_by_its_name(wishes: dict[str, Any]) -> None:
    wrong: list[str] = []
    try:
        wanted = Parameters.model_validate(wishes)
    except ValidationError as error:
        wrong = [name for name, _ in BadParameters.of(error).wrong]
    assert set(wrong) <= set(Parameters.model_fields)
    if wrong:
        return
    assert 0 < wanted.pixels <= 50_000_000
    assert 0 <= wanted.shadow("car")[1] <= 1
    assert wanted.place is None or all(0 <= share <= 1 for share in wanted.place)
    assert wanted.model_dump_json(), "an answer is remembered by it"

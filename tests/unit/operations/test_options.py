"""What callers write, and what it means or why it is refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import BadOption, NotAcceptable, UnknownOption
from service.operations.blur_background import BlurBackgroundOptions
from service.operations.color_pop import ColorPopOptions
from service.operations.options import EffectOptions, Options, parse_color, parse_options
from service.operations.product_shot.options import ProductShotOptions
from service.operations.remove_background import RemoveBackgroundOptions
from service.operations.replace_background import ReplaceBackgroundOptions
from service.operations.segment import SegmentOptions

KINDS: list[type[Options]] = [
    SegmentOptions,
    RemoveBackgroundOptions,
    ReplaceBackgroundOptions,
    BlurBackgroundOptions,
    ColorPopOptions,
]


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_given_means_the_defaults(kind: type[Options]) -> None:
    defaults = {name: field.default for name, field in kind.model_fields.items()}
    assert parse_options(kind, {}).model_dump() == defaults


@pytest.mark.parametrize("kind", KINDS)
def test_empty_text_means_not_given(kind: type[Options]) -> None:
    assert parse_options(kind, dict.fromkeys(kind.model_fields, "")) == parse_options(kind, {})


@pytest.mark.parametrize(
    ("kind", "given_name", "meant"),
    [
        (SegmentOptions, "treshold", "threshold"),
        (SegmentOptions, "class", "classes"),
        (SegmentOptions, "ouput", "output"),
        (RemoveBackgroundOptions, "croop", "crop"),
        (ReplaceBackgroundOptions, "colour", "color"),
        (BlurBackgroundOptions, "strenght", "strength"),
        (ColorPopOptions, "allow-empty", "allow_empty"),
    ],
)
def test_an_unknown_option_is_answered_with_the_nearest_name(kind: type[Options], given_name: str, meant: str) -> None:
    with pytest.raises(UnknownOption, match=f"'{given_name}'.*did you mean '{meant}'"):
        parse_options(kind, {given_name: "1"})


def test_an_unknown_option_that_is_like_none_lists_them_all() -> None:
    with pytest.raises(UnknownOption) as failed:
        parse_options(ColorPopOptions, {"xyzzy": "1"})
    assert all(name in str(failed.value) for name in ColorPopOptions.model_fields)


def test_an_option_of_another_operation_is_unknown() -> None:
    with pytest.raises(UnknownOption, match="strength"):
        parse_options(ColorPopOptions, {"strength": "0.5"})


def test_an_unknown_option_is_refused_although_it_is_empty() -> None:
    with pytest.raises(UnknownOption):
        parse_options(ColorPopOptions, {"xyzzy": ""})


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (SegmentOptions, "threshold", "0"),
        (SegmentOptions, "threshold", "1"),
        (SegmentOptions, "threshold", "nan"),
        (SegmentOptions, "opacity", "1.01"),
        (SegmentOptions, "output", "label"),
        (SegmentOptions, "encoding", "gif"),
        (SegmentOptions, "format", "bmp"),
        (SegmentOptions, "quality", "0"),
        (SegmentOptions, "quality", "101"),
        (SegmentOptions, "quality", "good"),
        (SegmentOptions, "allow_empty", "perhaps"),
        (RemoveBackgroundOptions, "margin", "-1"),
        (RemoveBackgroundOptions, "margin", "5 em"),
        (RemoveBackgroundOptions, "format", "json"),
        (RemoveBackgroundOptions, "crop", "maybe"),
        (ReplaceBackgroundOptions, "fit", "fill"),
        (ReplaceBackgroundOptions, "color", "#12345"),
        (ReplaceBackgroundOptions, "color", "whiteish"),
        (BlurBackgroundOptions, "strength", "0"),
        (BlurBackgroundOptions, "strength", "inf"),
        (ColorPopOptions, "saturation", "-0.1"),
    ],
)
def test_a_bad_value_is_refused_and_its_option_named(kind: type[Options], name: str, value: str) -> None:
    with pytest.raises(BadOption, match=rf"^{name}: ") as failed:
        parse_options(kind, {name: value})
    assert len(str(failed.value).splitlines()) == 1


def test_every_bad_value_is_named() -> None:
    with pytest.raises(BadOption, match=r"quality: .*; strength: "):
        parse_options(BlurBackgroundOptions, {"quality": "x", "strength": "x"})


@pytest.mark.parametrize("value", ["true", "1", "yes", "on", True])
def test_flags_may_be_written_as_people_write_them(value: Any) -> None:
    assert parse_options(RemoveBackgroundOptions, {"crop": value}).crop is True


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("person", ("person",)),
        ("person, cat ,7", ("person", "cat", "7")),
        (",,", ()),
        (["person", "cat"], ("person", "cat")),
    ],
)
def test_classes_are_separated_by_commas(written: Any, names: tuple[str, ...]) -> None:
    assert parse_options(SegmentOptions, {"classes": written}).classes == names
    assert parse_options(EffectOptions, {"keep": written}).keep == names


# --- colours ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "color"),
    [
        ("#fff", (255, 255, 255, 255)),
        ("#1e90ff", (0x1E, 0x90, 0xFF, 255)),
        ("1E90FF", (0x1E, 0x90, 0xFF, 255)),
        ("#0f08", (0, 255, 0, 0x88)),
        ("#01020304", (1, 2, 3, 4)),
        ("#01020300", (1, 2, 3, 0)),
        ("rebeccapurple", (0x66, 0x33, 0x99, 255)),
        ("White", (255, 255, 255, 255)),
        ("grey", (128, 128, 128, 255)),
        ("transparent", (0, 0, 0, 0)),
    ],
)
def test_colours_are_hex_or_css_names(text: str, color: tuple[int, int, int, int]) -> None:
    assert parse_color(text) == color
    assert parse_options(ReplaceBackgroundOptions, {"color": text}).rgba == color


@pytest.mark.parametrize(
    "text", ["#", "#12", "#12345", "#1234567", "#ggg", "##fff", "whit", " ", "12", "\u0661\u0661\u0661"]
)
def test_what_is_no_colour_is_refused_with_what_is_one(text: str) -> None:
    with pytest.raises(ValueError, match="hex with 3, 4, 6 or 8 digits"):
        parse_color(text)


@given(st.text(max_size=40))
def test_any_text_is_a_colour_or_refused(text: str) -> None:
    try:
        color = parse_color(text)
    except ValueError:
        return
    assert all(0 <= level <= 255 for level in color)


# --- margins ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("margin", "px"), [("0", 0), ("16", 16), ("16px", 16), ("2.6", 3), ("5%", 10), ("12.5%", 25)])
def test_a_margin_is_pixels_or_percent_of_the_subject(margin: str, px: int) -> None:
    assert parse_options(RemoveBackgroundOptions, {"crop": "1", "margin": margin}).margin_px(200) == px


@given(st.from_regex(r"\A\d{1,400}(px|%)?\Z"))
def test_any_margin_that_is_taken_is_a_number_of_pixels(margin: str) -> None:
    try:
        options = parse_options(RemoveBackgroundOptions, {"margin": margin})
    except BadOption:
        return
    assert options.margin_px(200) >= 0


# --- formats ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "given_options", "default"),
    [
        (SegmentOptions, {}, "png"),
        (SegmentOptions, {"output": "masks"}, "zip"),
        (SegmentOptions, {"output": "summary"}, "json"),
        (SegmentOptions, {"output": "labels", "format": "npz"}, "npz"),
        (SegmentOptions, {"output": "overlay", "format": "jpg"}, "jpeg"),
        (RemoveBackgroundOptions, {}, "png"),
        (RemoveBackgroundOptions, {"output": "matte", "format": "jpeg"}, "jpeg"),
        (ReplaceBackgroundOptions, {"color": "red", "format": "jpeg"}, "jpeg"),
        (ReplaceBackgroundOptions, {"color": "transparent", "format": "webp"}, "webp"),
        (BlurBackgroundOptions, {"format": "webp"}, "webp"),
    ],
)
def test_the_format_is_the_asked_one_or_the_first_that_fits(
    kind: type[Options], given_options: dict[str, str], default: str
) -> None:
    assert parse_options(kind, given_options).chosen_format() == default


@pytest.mark.parametrize(
    ("kind", "given_options"),
    [
        (SegmentOptions, {"output": "labels", "format": "jpeg"}),
        (SegmentOptions, {"output": "labels", "format": "webp"}),
        (SegmentOptions, {"output": "mask", "format": "jpeg"}),
        (SegmentOptions, {"output": "masks", "format": "png"}),
        (RemoveBackgroundOptions, {"format": "jpeg"}),
        (ReplaceBackgroundOptions, {"color": "transparent", "format": "jpeg"}),
        (ReplaceBackgroundOptions, {"color": "#ffffff80", "format": "jpeg"}),
    ],
)
def test_a_format_that_would_lose_what_was_asked_for_is_not_acceptable(
    kind: type[Options], given_options: dict[str, str]
) -> None:
    with pytest.raises(NotAcceptable, match=given_options["format"]):
        parse_options(kind, given_options).chosen_format()


@pytest.mark.parametrize("kind", KINDS)
def test_every_option_is_described(kind: type[Options]) -> None:
    assert all(field.description for field in kind.model_fields.values())


@pytest.mark.parametrize(
    ("kind", "name", "wanted"),
    [
        (RemoveBackgroundOptions, "margin", "margin: it looks like 16 or 5%"),
        (ProductShotOptions, "size", "size: it looks like 1000x1000"),
        (ProductShotOptions, "aspect", "aspect: it looks like 1:1 or 4:5 or 35:45"),
        (ProductShotOptions, "position", "position: it looks like bottom or 50% 80%"),
    ],
)
def test_text_of_the_wrong_form_is_told_one_of_the_right_form(kind: type[Options], name: str, wanted: str) -> None:
    with pytest.raises(BadOption) as refused:
        parse_options(kind, {name: "other"})
    assert refused.value.detail == wanted

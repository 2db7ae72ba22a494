"""Product shots of painted subjects: where the subject is on its page, and where its shadow is."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from service.errors import BadOption
from service.models.labels import Size
from service.operations.effect import Scene
from service.operations.options import parse_options
from service.operations.product_shot import product_shot
from service.operations.product_shot.layout import Layout
from service.operations.product_shot.options import MAX_PAGE_PIXELS, MAX_SIDE_PX, PRESETS, ProductShotOptions
from service.pixels.decode import Photo

RED, GREEN = (230, 20, 20), (20, 200, 20)
BOX = (60, 30, 140, 90)
"""Of the subject, 80 x 60 pixels of a photo of 200 x 120."""


def scene(box: tuple[int, int, int, int] = BOX, background: Photo | None = None) -> Scene:
    """A red subject on green, with a hard edge."""
    photo, matte = Image.new("RGB", (200, 120), GREEN), Image.new("L", (200, 120))
    photo.paste(RED, box)
    matte.paste(255, box)
    return Scene(Photo(photo), matte, {} if background is None else {"background": background})


def shot(the_scene: Scene | None = None, **given_options: str) -> Image.Image:
    return product_shot(the_scene or scene(), options(**given_options))


def options(**given_options: str) -> ProductShotOptions:
    return parse_options(ProductShotOptions, given_options)


def where_red(picture: Image.Image) -> tuple[int, int, int, int] | None:
    pixels = np.asarray(picture.convert("RGB")).astype(int)
    return Image.fromarray(((pixels[..., 0] > 200) & (pixels[..., 1] < 60)).astype(np.uint8) * 255).getbbox()


def darkness(picture: Image.Image) -> NDArray[Any]:
    """0 to 255, of what is not red."""
    pixels = np.asarray(picture.convert("RGB")).astype(int)
    return np.where(pixels[..., 0] - pixels[..., 1] > 40, 0, 255 - pixels.max(axis=2))


def test_by_default_the_page_is_square_white_and_as_large_as_the_subject_needs() -> None:
    result = shot()
    assert (result.size, result.mode) == ((100, 100), "RGB")  # 80 pixels, and 10% on each side
    assert where_red(result) == (10, 20, 90, 80)
    assert result.getpixel((5, 5)) == (255, 255, 255)


def test_a_page_of_a_given_size_does_not_enlarge_the_subject_unless_it_may() -> None:
    assert where_red(shot(size="400x300")) == (160, 120, 240, 180)
    left, top, right, bottom = where_red(shot(size="400x300", upscale="true")) or (0, 0, 0, 0)
    assert abs((right - left) - 320) <= 2
    assert abs((bottom - top) - 240) <= 2


def test_a_page_that_is_too_small_shrinks_the_subject() -> None:
    assert where_red(shot(size="50x50", padding="5px")) == (5, 10, 45, 40)


@pytest.mark.parametrize(
    ("position", "expected"),
    [
        ("center", (160, 120, 240, 180)),
        ("bottom", (160, 210, 240, 270)),
        ("top", (160, 30, 240, 90)),
        ("0% 0%", (30, 30, 110, 90)),
        ("100% 50%", (290, 120, 370, 180)),
    ],
)
def test_the_position_is_within_the_padding(position: str, expected: tuple[int, int, int, int]) -> None:
    assert where_red(shot(size="400x300", position=position)) == expected


def test_padding_goes_round_the_page_as_in_css() -> None:
    placed = Layout.of(Size(80, 60), options(size="400x300", padding="10px 20px 30px 40px", position="0% 0%"))
    assert placed.box[:2] == (40, 10)
    placed = Layout.of(Size(80, 60), options(size="400x300", padding="10px 20px 30px 40px", position="100% 100%"))
    assert placed.box[2:] == (380, 270)


@given(
    subject=st.builds(Size, st.integers(1, 9000), st.integers(1, 9000)),
    aspect=st.sampled_from(["1:1", "4:5", "35:45", "16:9", "1:50", "50:1"]),
    padding=st.sampled_from(["0", "10%", "45%", "40px", "9% 6% 0% 6%"]),
    scale=st.sampled_from(["1", "0.3"]),
)
def test_any_subject_is_whole_on_a_page_of_the_wanted_aspect(
    subject: Size, aspect: str, padding: str, scale: str
) -> None:
    placed = Layout.of(subject, options(aspect=aspect, padding=padding, scale=scale))
    width, height = placed.page
    across, down = (int(side) for side in aspect.split(":"))
    assert abs(width - height * across / down) <= 1 + across / down
    assert width * height <= MAX_PAGE_PIXELS * 1.01
    assert max(width, height) <= MAX_SIDE_PX
    left, top, right, bottom = placed.box
    assert -1 <= left < right <= width + 1
    assert -1 <= top < bottom <= height + 1


def test_a_transparent_page_stays_transparent_but_for_subject_and_shadow() -> None:
    result = shot(color="transparent", shadow="drop")
    assert result.mode == "RGBA"
    assert result.getpixel((1, 1)) == (0, 0, 0, 0)
    assert result.getpixel((50, 50)) == (*RED, 255)
    assert options(color="transparent").formats == ("png", "webp")


def test_a_background_picture_fills_the_page() -> None:
    result = shot(scene(background=Photo(Image.new("RGB", (30, 30), (0, 0, 200)))))
    assert result.getpixel((3, 3)) == (0, 0, 200)
    assert where_red(result) == (10, 20, 90, 80)


@pytest.mark.parametrize("shadow", ["drop", "contact"])
def test_a_shadow_lies_below_the_subject_and_never_glows_above_it(shadow: str) -> None:
    shade = darkness(shot(size="400x300", shadow=shadow, color="white"))
    assert shade[182:190, 170:230].max() > 40
    assert shade[:120].max() <= 4
    assert shade[:, :100].max() == 0


def test_a_contact_shadow_is_where_the_feet_are() -> None:
    """A table: its legs stand on the ground, its top hangs over it."""
    photo, matte = Image.new("RGB", (200, 200), RED), Image.new("L", (200, 200))
    draw = ImageDraw.Draw(matte)
    for part in [(20, 40, 180, 60), (25, 60, 35, 160), (165, 60, 175, 160)]:
        draw.rectangle(part, fill=255)
    table = Scene(Photo(photo), matte)
    result = product_shot(table, options(size="400x400", shadow="contact"))
    left, _, right, bottom = where_red(result) or (0, 0, 0, 0)
    ground = darkness(result)[bottom + 1 : bottom + 6].max(axis=0)
    middle = (left + right) // 2
    assert ground[left + 5 : left + 16].max() > 30
    assert ground[right - 16 : right - 5].max() > 30
    assert ground[middle - 20 : middle + 20].max() < 10


def test_opacity_is_how_dark_the_shadow_is() -> None:
    faint, dark = (
        int(darkness(shot(size="400x300", shadow="contact", shadow_opacity=opacity)).max())
        for opacity in ("0.2", "0.8")
    )
    assert 2.5 < dark / faint < 5
    assert darkness(shot(size="400x300", shadow="contact", shadow_opacity="0")).max() == 0


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_makes_a_page(preset: str) -> None:
    assert where_red(shot(preset=preset)) is not None


def test_an_option_that_is_given_wins_over_the_preset() -> None:
    assert options(preset="marketplace-white", padding="1%").padding == "1%"
    assert options(preset="marketplace-white", size="300x200").aspect is None
    assert shot(preset="passport-35x45", size="350x450").size == (350, 450)


def test_a_head_stands_on_the_lower_border_of_a_passport_picture() -> None:
    result = shot(preset="passport-35x45")
    assert (where_red(result) or (0, 0, 0, 0))[3] == result.height


@pytest.mark.parametrize(
    "wrong",
    [
        {"preset": "absent"},
        {"size": "100x100", "aspect": "1:1"},
        {"size": "20000x10"},
        {"size": "9000x9000"},
        {"size": "0x10"},
        {"aspect": "1"},
        {"padding": "1 2 3"},
        {"padding": "60%"},
        {"padding": "-1"},
        {"position": "left"},
        {"position": "120% 0%"},
        {"color": "whitish"},
        {"shadow": "glow"},
    ],
    ids=str,
)
def test_what_makes_no_page_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(BadOption):
        options(**wrong)


def test_an_empty_subject_leaves_the_page_empty() -> None:
    nothing = Scene(Photo(Image.new("RGB", (40, 40), GREEN)), Image.new("L", (40, 40)))
    result = product_shot(nothing, options(size="80x60", shadow="contact"))
    assert (result.size, result.getcolors()) == ((80, 60), [(4800, (255, 255, 255))])

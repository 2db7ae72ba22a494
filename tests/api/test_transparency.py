"""Alpha in is alpha out, whatever the operation and however the picture says it; what was hidden never shows."""

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from tests.api.asking import EFFECTS, ask, ask_for
from tests.pictures import encoded, half_transparent, opened, painted, pixels

GREEN = (0, 255, 0)


def hiding_green() -> Image.Image:
    """The left half is transparent, and green where nobody can see it."""
    picture = half_transparent(painted())
    picture.paste((*GREEN, 0), (0, 0, picture.width // 2, picture.height))
    return picture


def palette_gif() -> bytes:
    return encoded(hiding_green(), "GIF")


def palette_png() -> bytes:
    """Eight colours, the transparent one among them."""
    return encoded(hiding_green().quantize(8, Image.Quantize.FASTOCTREE))


def keyed_png() -> bytes:
    """RGB whose green pixels are transparent, by a tRNS chunk."""
    return encoded(hiding_green().convert("RGB"), transparency=GREEN)


INPUTS: dict[str, Callable[[], bytes]] = {
    "RGBA in PNG": lambda: encoded(hiding_green()),
    "RGBA in lossless WebP": lambda: encoded(hiding_green(), "WEBP", lossless=True, exact=True),
    "RGBA in TIFF": lambda: encoded(hiding_green(), "TIFF"),
    "a palette in PNG": palette_png,
    "a palette in GIF": palette_gif,
    "a transparent colour in PNG": keyed_png,
}

SHOWS_THE_BACKGROUND = {
    "/blur-background": {"strength": "1"},
    "/color-pop": {"saturation": "1"},
    "/segment": {"output": "overlay"},
}


@pytest.mark.parametrize("source", INPUTS)
@pytest.mark.parametrize("path", SHOWS_THE_BACKGROUND)
def test_what_shows_the_photo_s_background_is_as_transparent_as_the_photo(
    client: TestClient, path: str, source: str
) -> None:
    result = opened(ask_for(client, path, INPUTS[source](), SHOWS_THE_BACKGROUND[path]).content)
    assert result.mode == "RGBA"
    alpha = np.asarray(result.getchannel("A"))
    assert (alpha[:, :100] == 0).all()
    assert (alpha[:, 100:] == 255).all()


@pytest.mark.parametrize("source", INPUTS)
@pytest.mark.parametrize("path", [*EFFECTS, "/product-shot", "/segment"])
def test_no_operation_shows_a_colour_that_was_hidden(client: TestClient, path: str, source: str) -> None:
    options = SHOWS_THE_BACKGROUND.get(path, {})
    shown = pixels(ask_for(client, path, INPUTS[source](), options).content).astype(int)
    assert (shown[..., 1] - shown[..., 0] < 60).all()


@pytest.mark.parametrize("path", SHOWS_THE_BACKGROUND)
def test_as_jpeg_it_is_on_white(client: TestClient, path: str) -> None:
    options = {**SHOWS_THE_BACKGROUND[path], "format": "jpeg"}
    shown = pixels(ask_for(client, path, hiding_green(), options).content)
    assert (shown[:, :90] > 245).all()


@pytest.mark.parametrize("path", [*EFFECTS, "/product-shot", "/segment"])
def test_a_cutout_of_ours_that_is_sent_in_again_looks_as_it_should(client: TestClient, path: str) -> None:
    """Its subject is still red, and around it is nothing, which is white on white."""
    first = ask_for(client, "/remove-background", painted()).content
    again = opened(ask_for(client, path, first, SHOWS_THE_BACKGROUND.get(path, {})).content).convert("RGBA")
    page = Image.new("RGBA", again.size, "white")
    page.alpha_composite(again)
    middle, corner = page.getpixel((again.width // 2, again.height // 2)), page.getpixel((2, 2))
    assert isinstance(middle, tuple)
    assert isinstance(corner, tuple)
    assert middle[0] - middle[1] > 150
    assert min(corner) > 240


def test_a_picture_too_wide_for_webp_comes_as_png_where_that_is_fine(client: TestClient) -> None:
    wide = painted().resize((16_384, 4))
    answer = ask(client, "/color-pop", wide, {"allow_empty": "true"}, accept="image/webp,*/*;q=.5")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/png")
    assert ask(client, "/color-pop", wide, {"allow_empty": "true", "format": "webp"}).status_code == 406

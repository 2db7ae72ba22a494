"""What the page composes by itself, in a real browser: it is what the service sends, and costs no request."""

import base64
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.browser.chromium import Studio
from tests.pictures import pixels

Pixels = NDArray[np.uint8]

SHOWN = """async (selector) => {
  const image = document.querySelector(selector);
  await image.decode();
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: image.naturalWidth, height: image.naturalHeight });
  canvas.getContext("2d").drawImage(image, 0, 0);
  return canvas.toDataURL("image/png").split(",")[1];
}"""


def shown(studio: Studio) -> Pixels:
    """What is on the stage, without the checkerboard."""
    studio.wait_until_settled()
    return pixels(base64.b64decode(studio.page.evaluate(SHOWN, "#photo-chip")))


@dataclass(frozen=True)
class Look:
    operation: str
    choose: Callable[[Studio], object] = lambda studio: None


def slide(option: str, value: str) -> Callable[[Studio], object]:
    return lambda studio: studio.page.fill(f"#photo-choices [data-option={option}] input", value)


def preset(name: str) -> Callable[[Studio], object]:
    return lambda studio: studio.page.select_option("#photo-choices [data-option=preset] select", name)


LOOKS = {
    "a product": Look("/product-shot"),
    "a product that stands": Look("/product-shot", preset("marketplace-shadow")),
    "a product before a wall": Look("/product-shot", preset("social-4x5")),
    "a passport": Look("/product-shot", preset("passport-35x45")),
    "a colour": Look("/replace-background"),
    "a colour with alpha": Look("/replace-background", lambda studio: studio.page.fill(".hex", "#ff880080")),
    "a gradient": Look("/replace-background", lambda studio: studio.page.check("[aria-label='Dawn, a gradient']")),
    "a wide blur": Look("/blur-background", slide("strength", "0.5")),
    "a narrow blur": Look("/blur-background", slide("strength", "0.09")),
    "grey": Look("/color-pop"),
    "half grey": Look("/color-pop", slide("saturation", "0.5")),
    "a matte": Look("/remove-background", lambda studio: studio.page.check("[data-option=output] [value=matte]")),
}


@pytest.fixture
def asked(studio: Studio, astronaut: bytes) -> list[str]:
    """The paths of what the page posts, once it has looked at a photo."""
    studio.open().choose_photo(astronaut)
    studio.wait_until_settled()
    paths: list[str] = []
    studio.page.on("request", lambda request: paths.extend([request.url] * (request.method == "POST")))
    return paths


def test_what_the_page_composes_is_what_the_service_sends(studio: Studio, asked: list[str]) -> None:
    for name, look in LOOKS.items():
        studio.choose_operation(look.operation)
        look.choose(studio)
        here = shown(studio)
        assert asked == [], f"{name} cost a request"
        there = pixels(studio.downloaded())
        asked.clear()
        assert here.shape[:2] == there.shape[:2], name
        difference = np.abs(flat(here).astype(int) - flat(there))
        assert difference.max() <= 2, (name, difference.max(), (difference > 2).mean())


def flat(levels: Pixels) -> Pixels:
    """(H, W, 4); what lies hidden under an alpha of 0 is nobody's."""
    planes = levels if levels.ndim == 3 else np.repeat(levels[..., np.newaxis], 3, axis=2)
    alpha = planes[..., 3:] if planes.shape[2] == 4 else np.full_like(planes[..., :1], 255)
    # As it looks on a page: at an alpha of 1 a colour has 255 levels of error, and nobody sees them.
    seen = np.rint(planes[..., :3] * (alpha / 255)).astype(np.uint8)
    return np.concatenate([seen, alpha], axis=2)


def test_one_photo_costs_one_look(studio: Studio, astronaut: bytes) -> None:
    paths: list[str] = []
    studio.open()
    studio.page.on("request", lambda request: paths.extend([request.url] * (request.method == "POST")))
    studio.choose_photo(astronaut)
    studio.wait_until_settled()
    for operation in ("/replace-background", "/blur-background", "/color-pop"):
        studio.choose_operation(operation)
        studio.wait_until_settled()
    assert [path.rsplit("/", 1)[1] for path in paths] == ["remove-background"]
    assert studio.page.is_visible("[data-class=person]"), "the classes of two come from the matte"
    studio.downloaded()
    assert [path.rsplit("/", 1)[1] for path in paths] == ["remove-background", "color-pop"]


def test_what_the_page_cannot_compose_comes_from_the_service(studio: Studio, asked: list[str]) -> None:
    studio.page.check("#photo-choices [data-option=crop] input")
    here = shown(studio)
    assert [path.rsplit("/", 1)[1] for path in asked] == ["remove-background"]
    assert np.array_equal(flat(here), flat(pixels(studio.downloaded())))

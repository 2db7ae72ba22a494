"""The Photo tab in a real browser: what is on the canvas, in the legend and in the program is what the service says."""

import base64
import json
from collections.abc import Sequence

import pytest

from tests.browser.chromium import DROP, Studio
from tests.browser.conftest import has_deeplab
from tests.system.serving import Server

SKY = (0x1E, 0x90, 0xFF)

CORNER = (0.95, 0.03)
"""On the wall behind the astronaut's shuttle, as shares of the picture's width and height."""
FLAG = (0.03, 0.03)
FACE = (0.43, 0.22)

SQUARE = 1.0


def near(color: Sequence[int], expected: Sequence[int], tolerance: int = 6) -> bool:
    return all(abs(one - other) <= tolerance for one, other in zip(color, expected, strict=True))


def is_skin(color: Sequence[int]) -> bool:
    red, green, blue = color
    return red > 150 and red > green > blue


def test_the_background_is_replaced_on_the_canvas(studio: Studio, astronaut: bytes) -> None:
    studio.open().choose_photo(astronaut)
    studio.choose_operation("/replace-background")
    studio.wait_for_result()
    studio.draw_curtain(0)
    assert near(studio.color_at("#photo-canvas", *CORNER, SQUARE), SKY)
    assert near(studio.color_at("#photo-canvas", *FLAG, SQUARE), SKY)
    assert is_skin(studio.color_at("#photo-canvas", *FACE, SQUARE))


def test_the_curtain_shows_the_photo_on_its_left_and_the_result_on_its_right(studio: Studio, astronaut: bytes) -> None:
    studio.open().choose_photo(astronaut)
    studio.choose_operation("/replace-background")
    studio.wait_for_result()
    assert near(studio.color_at("#photo-canvas", *CORNER, SQUARE), SKY)
    assert not near(studio.color_at("#photo-canvas", *FLAG, SQUARE), SKY, tolerance=60)
    studio.page.focus("#photo-curtain")
    studio.page.keyboard.press("End")
    assert not near(studio.color_at("#photo-canvas", *CORNER, SQUARE), SKY, tolerance=60)
    assert studio.page.is_visible("#photo-before")


def test_another_colour_is_another_background(studio: Studio, astronaut: bytes) -> None:
    studio.open().choose_photo(astronaut)
    studio.choose_operation("/replace-background")
    studio.page.fill("#photo-choices input[type=color]", "#8a5cf6")
    studio.wait_for_result()
    assert near(studio.color_at("#photo-canvas", *CORNER, SQUARE), (0x8A, 0x5C, 0xF6))
    assert "color=#8a5cf6" in studio.page.inner_text("#photo-recipe code")


def test_a_picture_of_ones_own_is_dropped_behind_the_subject(studio: Studio, astronaut: bytes, cat: bytes) -> None:
    studio.open().choose_photo(astronaut)
    studio.choose_operation("/replace-background")
    content = base64.b64encode(cat).decode()
    studio.page.evaluate(DROP, ["#photo-choices .picture", "drop", content, "cat.jpg", "image/jpeg"])
    studio.wait_for_result()
    assert not near(studio.color_at("#photo-canvas", *CORNER, SQUARE), SKY, tolerance=60)
    assert "-F background=@cat.jpg" in studio.page.inner_text("#photo-recipe code")


def test_the_legend_names_the_classes_and_their_areas(studio: Studio, server: Server, astronaut: bytes) -> None:
    studio.open().choose_photo(astronaut)
    studio.page.wait_for_selector("#photo-legend li")
    summary = server.post("/segment", astronaut, None, model="selfie", output="summary").json()
    (person,) = summary["classes"]
    assert studio.page.inner_text("[data-class=person] output") == f"{100 * person['fraction']:.0f}%"
    assert studio.page.is_checked("[data-class=person] input")
    assert not studio.page.is_checked("[data-class=background] input")


def test_pointing_at_the_picture_says_what_is_there(studio: Studio, astronaut: bytes) -> None:
    studio.open().choose_photo(astronaut)
    studio.page.wait_for_selector("#photo-legend li")
    box = studio.page.locator("#photo-canvas").bounding_box()
    assert box is not None
    left = box["x"] + (box["width"] - box["height"]) / 2
    studio.page.mouse.move(left + FACE[0] * box["height"], box["y"] + FACE[1] * box["height"])
    assert studio.page.inner_text("#photo-pointed") == "person"
    studio.page.mouse.move(left + CORNER[0] * box["height"], box["y"] + 0.2 * box["height"])
    assert studio.page.inner_text("#photo-pointed") == "background"


def test_clicking_a_class_keeps_it_and_lets_it_go(studio: Studio, astronaut: bytes) -> None:
    studio.open().choose_photo(astronaut)
    studio.choose_operation("/replace-background")
    studio.page.wait_for_selector("#photo-legend li")
    studio.page.click("[data-class=background]")
    studio.page.click("[data-class=person]")
    studio.wait_for_result()
    assert "keep=background" in studio.page.inner_text("#photo-recipe code")
    studio.draw_curtain(0)
    assert near(studio.color_at("#photo-canvas", *FACE, SQUARE), SKY)
    studio.page.click("[data-class=background]")
    assert studio.page.is_checked("[data-class=background] input"), "the last class cannot be let go"


def test_a_model_of_many_classes_calls_the_cat_a_cat(studio: Studio, cat: bytes) -> None:
    if not has_deeplab():
        pytest.skip("deeplab-voc was not pulled")
    studio.open().choose_photo(cat, "cat.jpg")
    studio.page.select_option("#photo-choices select", "deeplab-voc")
    studio.page.wait_for_selector("[data-class=cat]")
    studio.wait_for_result()
    assert studio.page.locator("#photo-legend li").first.get_attribute("data-class") == "cat"
    assert "model=deeplab-voc" in studio.page.inner_text("#photo-recipe code")


@pytest.mark.parametrize(("kind", "target"), [("drop", "#photo-choices"), ("paste", "body")])
def test_a_photo_can_be_dropped_anywhere_and_pasted(studio: Studio, astronaut: bytes, kind: str, target: str) -> None:
    studio.open()
    content = base64.b64encode(astronaut).decode()
    studio.page.evaluate(DROP, [target, kind, content, "astronaut.jpg", "image/jpeg"])
    studio.wait_for_result()
    assert "image=@astronaut.jpg" in studio.page.inner_text("#photo-recipe code")


def test_a_sample_is_one_click_away(studio: Studio) -> None:
    studio.open().page.click(".sample >> nth=0")
    studio.wait_for_result()
    assert studio.page.is_visible("#photo-canvas")
    assert studio.page.is_visible("#photo-download")


def test_figures_are_shown_as_the_service_sends_them(studio: Studio, server: Server, astronaut: bytes) -> None:
    studio.open().choose_photo(astronaut)
    studio.choose_operation("/segment")
    studio.page.select_option("[data-option=output] select", "summary")
    studio.wait_for_result()
    shown = json.loads(studio.page.inner_text("#photo-figures"))
    assert shown == server.post("/segment", astronaut, None, model="selfie", output="summary").json()


def test_zooming_shows_single_pixels(studio: Studio, astronaut: bytes) -> None:
    studio.open().choose_photo(astronaut)
    studio.wait_for_result()
    studio.page.click("[data-zoom=pixels]")
    assert studio.page.inner_text("#photo-zoom") == "800%"
    colors = {tuple(color) for color in studio.page.evaluate(EIGHT_PIXELS)}
    assert len(colors) <= 2, "within one enlarged pixel there is one colour, or two where the edge of the next shows"
    studio.page.focus("#photo-canvas")
    studio.page.keyboard.press("0")
    assert studio.page.inner_text("#photo-zoom") != "800%"


EIGHT_PIXELS = """() => {
  const canvas = document.querySelector("#photo-canvas");
  const row = canvas.getContext("2d").getImageData(Math.floor(canvas.width / 4), Math.floor(canvas.height / 2), 8, 1);
  return Array.from({ length: 8 }, (_, index) => [...row.data.slice(4 * index, 4 * index + 3)]);
}"""


def test_every_option_of_the_service_has_a_control(studio: Studio, server: Server) -> None:
    studio.open()
    document = server.get("/openapi.json").json()
    special = {"keep", "classes", "color", "format"}  # the legend, the swatches, and what is beside the download
    paths = [path for path, methods in document["paths"].items() if "x-icon" in methods.get("post", {})]
    assert len(paths) >= 5
    for path in paths:
        studio.choose_operation(path)
        parameters = document["paths"][path]["post"]["parameters"]
        options = {entry["name"] for entry in parameters if entry["in"] == "query"} - special
        for name in options:
            assert studio.page.locator(f"#photo-choices [data-option={name}]").count() == 1, (path, name)

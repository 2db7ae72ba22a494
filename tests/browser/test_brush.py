"""A hand in it, in a real browser: what is painted is kept or erased, there and back again."""

import base64

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Browser

from tests.browser.chromium import Studio, new_studio
from tests.browser.test_composition import flat, shown
from tests.browser.test_taking_away import READ_CLIPBOARD
from tests.pictures import pixels

ROCKET = (0.78, 0.25)
FACE = (0.43, 0.22)
HELMET = (0.75, 0.85)

Place = tuple[float, float]


def stroke(studio: Studio, mode: str, start: Place, end: Place) -> None:
    """Places are shares of the astronaut's width and height."""
    studio.page.check(f"[name=brush][value={mode}]", force=True)
    box = studio.page.locator("#photo-canvas").bounding_box()
    assert box is not None
    side = min(box["width"], box["height"])
    corner = box["x"] + (box["width"] - side) / 2, box["y"] + (box["height"] - side) / 2
    (x, y), (to_x, to_y) = ((corner[0] + across * side, corner[1] + down * side) for across, down in (start, end))
    studio.page.mouse.move(x, y)
    studio.page.mouse.down()
    studio.page.mouse.move(to_x, to_y, steps=4)
    studio.page.mouse.up()
    studio.wait_until_settled()


def alpha_at(levels: NDArray[np.uint8], place: Place) -> int:
    height, width = levels.shape[:2]
    return int(levels[round(place[1] * height), round(place[0] * width), 3])


def test_what_is_painted_is_kept_and_erased_and_comes_back_with_undo(studio: Studio, astronaut: bytes) -> None:
    studio.open().choose_photo(astronaut)
    assert alpha_at(shown(studio), ROCKET) == 0
    looks: list[str] = []
    studio.page.on("response", lambda answer: looks.extend(answer.headers.get("x-model", "").split() or []))
    stroke(studio, "keep", ROCKET, (ROCKET[0], 0.4))
    assert alpha_at(shown(studio), ROCKET) == 255
    stroke(studio, "erase", FACE, (0.45, 0.25))
    assert alpha_at(shown(studio), FACE) == 0
    assert set(looks) == {"none"}, "no network looks again"
    studio.page.keyboard.press("Control+z")
    assert alpha_at(shown(studio), FACE) == 255
    assert alpha_at(shown(studio), ROCKET) == 255
    studio.page.keyboard.press("Control+Shift+Z")
    assert alpha_at(shown(studio), FACE) == 0
    assert "remove_mask=@remove_mask.png" in studio.page.inner_text("#photo-recipe code")


def test_the_photo_is_seen_as_long_as_the_button_is_held(studio: Studio, astronaut: bytes) -> None:
    studio.open().choose_photo(astronaut)
    studio.choose_operation("/replace-background")
    studio.wait_until_settled()
    studio.draw_curtain(0)
    studio.page.hover("#photo-compare")
    studio.page.mouse.down()
    held = studio.color_at("#photo-canvas", 0.95, 0.1, 1.0)
    studio.page.mouse.up()
    assert tuple(held) != (0x1E, 0x90, 0xFF)
    assert tuple(studio.color_at("#photo-canvas", 0.95, 0.1, 1.0)) == (0x1E, 0x90, 0xFF)


def test_a_person_corrects_a_photo_and_takes_it_away(browser: Browser, studio: Studio, astronaut: bytes) -> None:
    """Opens a photo, corrects it with three strokes, puts a gradient behind, copies and downloads."""
    person = new_studio(browser, studio.url, permissions=["clipboard-read", "clipboard-write"])
    person.open().choose_photo(astronaut)
    person.wait_until_settled()
    stroke(person, "keep", ROCKET, (ROCKET[0], 0.4))
    stroke(person, "erase", HELMET, (0.8, 0.9))
    stroke(person, "erase", FACE, (0.45, 0.25))
    person.page.check("[name=brush][value=look]", force=True)
    person.choose_operation("/replace-background")
    person.page.check("[aria-label='Night, a gradient']", force=True)
    person.wait_until_settled()
    person.page.click("#photo-copy")
    person.page.wait_for_selector("text=Copied")
    copied = pixels(base64.b64decode(person.page.evaluate(READ_CLIPBOARD)))
    saved = pixels(person.downloaded())
    assert np.abs(flat(copied).astype(int) - flat(saved)).max() <= 2
    gradient = saved[5, 505, :3]
    assert gradient.max() < 80, "the night is dark"
    for erased in (FACE, HELMET):
        assert saved[round(512 * erased[1]), round(512 * erased[0]), :3].max() < 80, erased
    kept = np.asarray(pixels(astronaut))[round(512 * ROCKET[1]), round(512 * ROCKET[0])]
    assert np.abs(saved[round(512 * ROCKET[1]), round(512 * ROCKET[0]), :3].astype(int) - kept).max() <= 3
    person.page.close()
    person.check()

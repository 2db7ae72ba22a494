"""One picture of a batch: looked at, with choices of its own, corrected by hand."""

from pathlib import Path

import numpy as np
from PIL import Image

from tests.browser.batch import add_and_start, asked, choose, file, states
from tests.browser.chromium import Studio
from tests.browser.test_brush import FACE, stroke
from tests.pictures import opened


def test_a_result_is_looked_at_beside_its_picture_and_gone_on_with_by_hand(
    studio: Studio, astronaut: bytes, cat: bytes
) -> None:
    studio.open("batch")
    studio.page.set_input_files("#batch-files", [file("astronaut.jpg", astronaut), file("cat.jpg", cat)])
    choose(studio, "/color-pop")
    studio.page.click("#batch-start")
    studio.page.wait_for_selector("#batch-zip:not([hidden])")
    studio.page.click(".opener >> nth=0")
    shown = studio.page.locator("#batch-preview")
    assert shown.locator("h2").inner_text() == "astronaut.jpg"
    width = "#batch-preview img"
    studio.page.wait_for_function(f"() => document.querySelector('{width}').naturalWidth === 512")
    studio.page.keyboard.press("ArrowRight")
    assert shown.locator("h2").inner_text() == "cat.jpg"
    studio.page.click("#batch-preview .preview-bar >> text=Before")
    assert shown.locator("img").get_attribute("alt") == "The picture as it was"
    studio.page.wait_for_function(f"() => document.querySelector('{width}').naturalWidth === 451")
    studio.page.click("#batch-preview .preview-bar >> text=Correct it")
    studio.page.wait_for_selector("#photo:not([hidden])")
    assert studio.page.is_checked("#photo-choices .tiles input[value='/color-pop']")
    studio.wait_for_result()
    assert studio.page.is_visible("#photo-canvas")


def result_of(studio: Studio, number: int) -> Image.Image:
    """What can be saved at this place of the list."""
    with studio.page.expect_download() as download:
        studio.page.click(f".batch-item >> nth={number} >> text=Save")
    return opened(Path(download.value.path()).read_bytes())


def corner(picture: Image.Image) -> list[int]:
    """RGBA."""
    found: list[int] = np.asarray(picture.convert("RGBA"))[3, 3].tolist()
    return found


def test_one_picture_has_choices_of_its_own_and_the_others_keep_those_of_all(studio: Studio, astronaut: bytes) -> None:
    studio.open("batch")
    studio.page.set_input_files("#batch-files", [file("own.jpg", astronaut), file("other.jpg", astronaut)])
    studio.page.click(".opener >> nth=0")
    studio.page.check("#batch-preview .preview-own input")
    studio.page.check("#batch-preview .tiles input[value='/replace-background']")
    studio.page.check("#batch-preview .swatch [aria-label=Green]")
    paths = asked(studio)
    studio.page.click("#batch-preview .preview-bar >> text=Make it")
    studio.page.wait_for_selector("#batch-preview img[alt='The result']")
    assert paths == ["/replace-background"]
    studio.page.click("#batch-preview .preview-bar >> text=Close")
    assert states(studio) == ["done", "waiting"]
    studio.page.click("#batch-start")
    studio.page.wait_for_selector("#batch-zip:not([hidden])")
    assert paths == ["/replace-background", "/remove-background"]
    choose(studio, "/color-pop")
    assert "1 result is of earlier choices" in studio.page.inner_text("#batch-changed")
    assert studio.page.locator(".remark").all_inner_texts() == ["Has choices of its own", "Made with earlier choices"]
    assert corner(result_of(studio, 0)) == [0x2F, 0x9E, 0x62, 255]
    assert corner(result_of(studio, 1))[3] == 0
    studio.page.click(".opener >> nth=1")
    assert not studio.page.is_checked("#batch-preview .preview-own input")
    studio.page.click("#batch-preview .preview-bar >> text=Previous")
    assert studio.page.is_checked("#batch-preview .tiles input[value='/replace-background']")
    studio.page.uncheck("#batch-preview .preview-own input")
    assert "2 results are of earlier choices" in studio.page.locator("#batch-changed").inner_text()


def test_what_was_corrected_by_hand_goes_back_to_its_place(studio: Studio, astronaut: bytes) -> None:
    studio.open("batch")
    choose(studio, "/replace-background")
    studio.page.check("#batch-choices .swatch [aria-label=Green]")
    add_and_start(studio, [file("astronaut.jpg", astronaut), file("other.jpg", astronaut)])
    studio.page.wait_for_selector("#batch-zip:not([hidden])")
    before = np.asarray(result_of(studio, 0).convert("RGB"))
    studio.page.click(".opener >> nth=0")
    studio.page.click("#batch-preview .preview-bar >> text=Correct it")
    studio.wait_for_result()
    assert studio.page.is_checked("#photo-choices .swatch [aria-label=Green]")
    stroke(studio, "erase", FACE, (FACE[0], FACE[1] + 0.05))
    studio.wait_until_settled()
    studio.page.click("#photo-return")
    studio.page.wait_for_selector("#batch:not([hidden])")
    assert "Corrected by hand" in studio.page.inner_text(".batch-item >> nth=0")
    after = np.asarray(result_of(studio, 0).convert("RGB"))
    changed = np.abs(after.astype(int) - before).max(axis=2) > 40
    y, x = (round(512 * share) for share in reversed(FACE))
    assert changed[y, x], "what was erased is green now"
    assert not changed[:40].any()
    choose(studio, "/color-pop")
    assert "1 result is of earlier choices" in studio.page.inner_text("#batch-changed"), (
        "no choice makes a hand's work old"
    )

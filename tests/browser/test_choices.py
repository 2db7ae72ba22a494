"""What can be chosen for a photo, in a real browser: what has a say is shown, and what was chosen stays chosen."""

from playwright.sync_api import Browser

from tests.browser.chromium import Studio, new_studio
from tests.pictures import encoded, painted
from tests.system.serving import Server

OFFERED_FORMATS = "[...document.querySelectorAll('#photo-format option:enabled')].map(({ text }) => text)"
TICKED = "[...document.querySelectorAll('#photo-classes li:has(input:checked)')].map(({ dataset }) => dataset.class)"


def test_a_click_on_the_picture_changes_nothing(studio: Studio, astronaut: bytes) -> None:
    studio.open().choose_photo(astronaut)
    studio.wait_until_settled()
    before = studio.page.inner_text("#photo-recipe code")
    studio.page.click("#photo-canvas", position={"x": 150, "y": 20})
    studio.page.dblclick("#photo-canvas", position={"x": 150, "y": 20})
    studio.wait_for_result()
    assert studio.page.inner_text("#photo-recipe code") == before
    assert studio.page.evaluate(TICKED) == ["person"]


def test_a_class_that_was_let_go_comes_back_with_undo(studio: Studio, astronaut: bytes) -> None:
    studio.open().choose_photo(astronaut)
    studio.page.wait_for_selector("#photo-legend li")
    studio.page.click("[data-class=background]")
    studio.wait_for_result()
    assert "keep=person,background" in studio.page.inner_text("#photo-recipe code")
    studio.page.click("#photo-undo")
    studio.wait_for_result()
    assert "keep" not in studio.page.inner_text("#photo-recipe code")
    assert studio.page.evaluate(TICKED) == ["person"]
    studio.page.keyboard.press("Control+y")
    assert sorted(studio.page.evaluate(TICKED)) == ["background", "person"]
    studio.page.keyboard.press("Control+z")
    assert studio.page.evaluate(TICKED) == ["person"]


def test_another_operation_keeps_what_still_applies(studio: Studio) -> None:
    studio.open()
    studio.page.fill("#photo-choices [data-option=feather] input", "3")
    studio.page.check("#photo-choices [data-option=effort] input[value=best]")
    studio.choose_operation("/blur-background")
    assert studio.page.input_value("#photo-choices [data-option=feather] input") == "3"
    assert studio.page.is_checked("#photo-choices [data-option=effort] input[value=best]")
    studio.choose_operation("/segment")
    studio.page.select_option("#photo-choices [data-option=output] select", "summary")
    studio.choose_operation("/remove-background")
    assert studio.page.is_checked("#photo-choices [data-option=output] input[value=cutout]")
    studio.choose_operation("/segment")
    assert studio.page.input_value("#photo-choices [data-option=output] select") == "summary"


def test_options_that_have_no_say_are_hidden(studio: Studio, astronaut: bytes) -> None:
    studio.open().choose_photo(astronaut)
    studio.wait_for_result()
    margin, quality = "#photo-choices [data-option=margin]", "#photo-choices [data-option=quality]"
    assert studio.page.is_hidden(margin)
    studio.page.check("#photo-choices [data-option=crop] input")
    assert studio.page.is_visible(margin)
    studio.page.click("#photo-choices summary")
    assert studio.page.is_hidden(quality), "a PNG has none"
    studio.page.select_option("#photo-format select", "webp")
    assert studio.page.is_visible(quality)


def test_a_cutout_is_not_offered_as_a_format_that_has_no_transparency(studio: Studio, astronaut: bytes) -> None:
    studio.open().choose_photo(astronaut)
    studio.wait_for_result()
    assert studio.page.evaluate(OFFERED_FORMATS) == ["png", "webp"]
    studio.choose_operation("/replace-background")
    assert studio.page.evaluate(OFFERED_FORMATS) == ["png", "webp", "jpeg"]
    studio.page.select_option("#photo-format select", "jpeg")
    studio.page.check("#photo-choices .swatch [aria-label=Transparent]")
    assert studio.page.evaluate(OFFERED_FORMATS) == ["png", "webp"]
    assert studio.page.input_value("#photo-format select") == ""


def test_segment_opens_on_colours_over_the_photo(studio: Studio, astronaut: bytes) -> None:
    studio.open().choose_photo(astronaut)
    studio.choose_operation("/segment")
    studio.wait_until_settled()
    assert "output=overlay" in studio.page.inner_text("#photo-recipe code")
    studio.draw_curtain(0)
    assert studio.color_at("#photo-canvas", 0.43, 0.22, 1.0)[0] > 150, "nearly black class ids are for programs"


def test_best_has_the_classes_of_the_model_that_knows_many(browser: Browser, tiny: Server) -> None:
    studio = new_studio(browser, tiny.url).open()
    studio.choose_photo(encoded(painted()), "painted.png", "image/png")
    studio.page.wait_for_selector("#photo-legend li")
    studio.page.select_option("#photo-choices [data-option=model] select", "best")
    studio.wait_until_settled()
    studio.page.wait_for_selector("#photo-legend li")
    names = studio.page.eval_on_selector_all("#photo-legend li", "items => items.map(item => item.dataset.class)")
    ticked = studio.page.evaluate(TICKED)
    assert "background" in names
    assert "background" not in ticked
    assert ticked
    studio.page.close()
    studio.check()


def test_a_tab_typed_into_the_address_is_opened(studio: Studio) -> None:
    studio.open().page.evaluate("location.hash = '#batch'")
    studio.page.wait_for_selector("#batch:not([hidden])")
    assert studio.page.get_attribute("#tab-batch", "aria-selected") == "true"


def test_after_a_sample_was_chosen_the_picture_has_the_focus(studio: Studio) -> None:
    studio.open().page.focus(".sample >> nth=0")
    studio.page.keyboard.press("Enter")
    studio.wait_for_result()
    assert studio.page.evaluate("document.activeElement.id") == "photo-canvas"


def test_on_a_phone_the_picture_and_the_choices_are_seen_together(browser: Browser, studio: Studio) -> None:
    phone = new_studio(browser, studio.url, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    phone.open()
    assert "Drop" not in phone.page.inner_text("#photo-empty"), "nothing can be dropped with a finger"
    phone.page.click(".sample >> nth=0")
    phone.wait_for_result()
    stage, sheet = (phone.page.locator(name).bounding_box() for name in ("#photo-stage", "#photo-side"))
    assert stage is not None
    assert sheet is not None
    assert stage["y"] + stage["height"] <= sheet["y"]
    assert sheet["y"] + sheet["height"] <= 740
    phone.page.click("#photo-sheet")
    assert phone.page.get_attribute("#photo-sheet", "aria-expanded") == "false"
    phone.page.close()
    phone.check()

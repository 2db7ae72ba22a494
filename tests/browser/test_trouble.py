"""What the Photo tab says and offers when something is wrong, in a real browser."""

from http import HTTPStatus
from urllib.parse import urlsplit

import pytest
from PIL import Image
from playwright.sync_api import Browser, Route

from tests.browser.batch import wait_for
from tests.browser.chromium import LOAD_FAILED, Studio, new_studio
from tests.pictures import encoded
from tests.system.serving import Server

CANVAS_IS_EMPTY = """() => {
  const canvas = document.querySelector("#photo-canvas");
  return !canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean);
}"""

UNREADABLE = {
    "no picture at all": (b"this is no picture, whatever its name says", "JPEG, PNG, WebP, HEIC"),
    "an empty file": (b"", "This file is empty"),
}


@pytest.mark.parametrize("what", UNREADABLE)
def test_a_file_that_cannot_be_read_clears_the_stage_and_says_what_to_do(
    studio: Studio, astronaut: bytes, what: str
) -> None:
    content, words = UNREADABLE[what]
    studio.excuse_status(415)
    studio.open().choose_photo(astronaut)
    studio.wait_for_result()
    studio.choose_photo(content)
    studio.page.wait_for_selector("#photo-problem .problem")
    assert words in studio.page.inner_text("#photo-problem")
    assert studio.page.evaluate(CANVAS_IS_EMPTY)
    for gone in ("#photo-download", "#photo-legend", "#photo-recipe", "#photo-before"):
        assert studio.page.is_hidden(gone), gone
    with studio.page.expect_file_chooser() as chooser:
        studio.page.click("#photo-problem [data-act=choose]")
    chooser.value.set_files({"name": "astronaut.jpg", "mimeType": "image/jpeg", "buffer": astronaut})
    studio.wait_for_result()
    assert studio.page.is_hidden("#photo-problem")


def test_a_damaged_picture_is_called_damaged(studio: Studio, astronaut: bytes) -> None:
    studio.excuse_status(422)
    studio.open().choose_photo(astronaut[: len(astronaut) // 2])
    studio.page.wait_for_selector("#photo-problem .problem")
    assert "Download or copy it once more" in studio.page.inner_text("#photo-problem")
    assert "truncated_image" in studio.page.inner_text("#photo-problem code"), "for those who look after the service"


def test_a_picture_that_only_the_service_can_read_is_shown_as_that_reads_it(studio: Studio) -> None:
    """TIFF stands for HEIC: Chromium reads neither."""
    studio.open().choose_photo(encoded(Image.new("RGB", (120, 80), "teal"), "TIFF"), "scan.tif", "image/tiff")
    studio.excuse_status(422)  # nobody is in it
    studio.page.wait_for_selector("#photo-problem .problem")
    assert "nothing to keep" in studio.page.inner_text("#photo-problem")
    assert tuple(studio.color_at("#photo-canvas", 0.5, 0.5, 1.5)) == (0, 128, 128)


def test_a_photo_without_a_subject_offers_the_empty_result(studio: Studio) -> None:
    studio.excuse_status(422)
    studio.open().choose_photo(encoded(Image.new("RGB", (300, 200), "white")), "white.png", "image/png")
    studio.page.wait_for_selector("#photo-problem .problem")
    shown = studio.page.inner_text("#photo-problem")
    assert "allow_empty" not in shown
    studio.page.click("#photo-problem [data-act=empty]")
    studio.page.wait_for_selector("#photo-problem", state="hidden")
    studio.wait_for_result()
    assert "allow_empty=true" in studio.page.inner_text("#photo-recipe code")


def test_after_an_outage_there_is_a_way_on(browser: Browser, tiny: Server) -> None:
    """The network goes once the page is there. A sample is on the page already, and is opened all the same."""
    studio = new_studio(browser, tiny.url).open()
    studio.page.wait_for_function("() => document.querySelector('.sample img').complete")
    studio.excuse(LOAD_FAILED)
    studio.page.context.set_offline(True)
    studio.page.click(".sample >> nth=0")
    studio.page.wait_for_selector("#photo-problem .problem")
    assert "The service does not answer" in studio.page.inner_text("#photo-problem")
    studio.page.context.set_offline(False)
    studio.page.click("#photo-problem [data-act=again]")
    studio.wait_for_result()
    assert studio.page.is_hidden("#photo-problem")
    studio.page.close()
    studio.check()


def test_a_busy_service_is_asked_again_by_itself(studio: Studio, astronaut: bytes) -> None:
    def refuse(route: Route) -> None:
        problem = {"status": 503, "code": "queue_full", "title": "The queue is full", "detail": ""}
        route.fulfill(status=503, headers={"Retry-After": "1"}, json=problem)

    studio.excuse_status(503)
    studio.open().page.route("**/remove-background", refuse, times=1)
    with studio.page.expect_response(lambda answer: answer.status == HTTPStatus.SERVICE_UNAVAILABLE):
        studio.choose_photo(astronaut)
    studio.page.wait_for_selector("#photo-download:not([hidden])")
    assert studio.page.is_hidden("#photo-problem")


def test_a_page_that_is_opened_while_the_service_starts_waits_without_an_error_on_the_console(studio: Studio) -> None:
    unready = {"status": 503, "code": "not_ready", "title": "The service is not ready", "detail": ""}
    starting = {"status": "ok", "unready": unready}
    asked = list[str]()
    studio.page.on("request", lambda request: asked.append(urlsplit(request.url).path))
    health = studio.hold("**/livez")
    studio.page.goto(studio.url)
    wait_for(studio, lambda: bool(health))
    health[0].fulfill(json=starting)
    studio.page.wait_for_selector("#trouble .problem")
    assert "The service is starting" in studio.page.inner_text("#trouble")
    studio.page.unroute("**/livez")  # which lets those go that are held
    studio.page.wait_for_selector("#photo-choices [data-option=model]", state="attached")
    assert studio.page.is_hidden("#trouble .problem")
    assert studio.page.inner_text("#health") == "Ready"
    assert "/readyz" not in asked, "its 503 would stand on the console"


def test_the_format_is_offered_with_the_download_and_where_another_one_may_help(
    studio: Studio, astronaut: bytes
) -> None:
    studio.excuse_status(406)
    held = studio.open().hold("**/remove-background")
    with studio.page.expect_request("**/remove-background"):
        studio.choose_photo(astronaut)
    studio.page.wait_for_selector("#photo-busy", state="visible")
    assert studio.page.is_hidden("#photo-format select"), "there is nothing to download while it works"
    problem = {"status": 406, "code": "not_acceptable", "title": "Not in this format", "detail": ""}
    held[0].fulfill(status=406, json=problem)
    studio.page.unroute("**/remove-background")
    studio.page.wait_for_selector("#photo-problem .problem")
    assert studio.page.is_visible("#photo-format select")
    studio.page.click("#photo-problem [data-act=reset]")
    studio.wait_for_result()
    assert studio.page.is_visible("#photo-format select")

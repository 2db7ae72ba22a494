"""The Video tab in a real browser: five frames of a film, then all of it."""

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import FilePayload, Route

from tests.browser.camera import scenes
from tests.browser.chromium import Studio
from tests.browser.test_photo import SKY, near
from tests.clips import read_pictures, write_clip
from tests.system.serving import Server

FRAMES = 8
SIZE = (320, 240)
"""Of the film."""


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> FilePayload:
    path = tmp_path_factory.mktemp("film") / "sway.webm"
    pictures = [np.asarray(scene.resize(SIZE)) for scene in scenes(FRAMES)]
    write_clip(path, pictures, codec="libvpx-vp9", options={"deadline": "realtime", "cpu-used": "8"})
    return {"name": "sway.webm", "mimeType": "video/webm", "buffer": path.read_bytes()}


CORNERS = """() => [...document.querySelectorAll("#video-stills img")].map((image) => {
  const canvas = new OffscreenCanvas(image.naturalWidth || 1, image.naturalHeight || 1);
  canvas.getContext("2d").drawImage(image, 0, 0);
  return [...canvas.getContext("2d").getImageData(4, 4, 1, 1).data];
})"""
"""(red, green, blue, alpha) near the left top of each of the frames that are shown."""


def wait_for_corners(studio: Studio, test: str) -> None:
    """Until all five pass `test`, JavaScript of `red`, `green`, `blue` and `alpha`."""
    passes = f"([red, green, blue, alpha]) => {test}"
    studio.page.wait_for_function(
        f"() => {{ const all = ({CORNERS})(); return all.length === 5 && all.every({passes}); }}"
    )


IS_CLEAR = "alpha < 8"
IS_SKY = f"Math.abs(red - {SKY[0]}) + Math.abs(green - {SKY[1]}) + Math.abs(blue - {SKY[2]}) < 24"
IS_WALL = "alpha === 255 && red > blue + 5"


def test_a_video_is_looked_at_in_five_places_made_and_taken_away(
    studio: Studio, film: FilePayload, tmp_path: Path
) -> None:
    page = studio.open("video").page
    page.set_input_files("#video-file", film)
    wait_for_corners(studio, IS_CLEAR)
    assert "0.32 s · 320" in page.inner_text("#video-facts")
    times = page.locator("#video-stills span").all_inner_texts()
    assert len(set(times)) == len(times) == 5
    studio.choose_operation("/replace-background", "video")
    wait_for_corners(studio, IS_SKY)
    page.click("#video-compare")
    wait_for_corners(studio, IS_WALL)
    page.click("#video-choices summary")
    page.check("#video-choices [data-option=speed] input[value=fastest]")
    with page.expect_response("**/blur-background") as answer:
        studio.choose_operation("/blur-background", "video")
    assert answer.value.ok
    studio.choose_operation("/replace-background", "video")
    page.click("#video-start")
    page.wait_for_function("() => document.querySelector('#video-result video')?.videoWidth === 320")
    with page.expect_download() as download:
        page.click("#video-result >> text=Download")
    assert download.value.suggested_filename == "sway-replace-background.mp4"
    made = read_pictures(Path(download.value.path()))
    assert len(made) == FRAMES
    assert near(made[-1][4, 4].tolist(), SKY, tolerance=16)
    assert not near(made[-1][180, 160].tolist(), SKY, tolerance=80)


def test_formats_are_those_that_have_room_for_the_frames(studio: Studio) -> None:
    studio.open("video").page.click("#video-choices summary")
    offered = (
        "[...document.querySelectorAll('#video-choices [data-option=format] option:enabled')].map(({ text }) => text)"
    )
    assert studio.page.evaluate(offered) == ["webm", "mov", "zip", "gif", "webp"]
    studio.choose_operation("/blur-background", "video")
    assert studio.page.evaluate(offered) == ["mp4", "webm", "mov", "zip", "gif", "webp"]


def test_a_video_that_is_called_off_is_gone(studio: Studio, server: Server, film: FilePayload) -> None:
    """However quick the service is: to the page, it is at work until it is told otherwise."""
    page = studio.open("video").page
    paths: list[str] = []

    def at_work(route: Route) -> None:
        if route.request.method == "GET":
            progress = {"done": 3, "total": 8, "unit": "frames"}
            route.fulfill(json={"state": "running", "progress": progress, "failure": None, "notes": {}})
        else:
            paths.append(route.request.url.removeprefix(server.url))
            route.continue_()

    page.route("**/jobs/*", at_work)
    page.set_input_files("#video-file", film)
    page.click("#video-start")
    page.wait_for_selector("#video-figures >> text=3 of 8 frames")
    page.click("#video-cancel")
    page.wait_for_selector("#video-state >> text=Called off")
    assert page.is_visible("#video-start")
    (path,) = paths
    assert server.get(f"{path}/result").is_error


def test_what_is_no_video_is_told_in_words(studio: Studio) -> None:
    studio.excuse_status(415)
    page = studio.open("video").page
    page.set_input_files("#video-file", {"name": "letter.mp4", "mimeType": "video/mp4", "buffer": b"no video" * 99})
    page.wait_for_selector("#video-problem >> text=This browser cannot show this video")
    page.click("#video-start")
    page.wait_for_selector("#video-problem >> text=This is no video that can be read here")
    with page.expect_file_chooser():
        page.click("#video-problem [data-act=choose]")


def test_where_the_extra_is_not_installed_the_tab_says_how_to_get_it(studio: Studio) -> None:
    def without_extra(route: Route) -> None:
        document = route.fetch().json()
        document["paths"]["/videos"]["post"]["x-missing"] = "video"
        route.fulfill(json=document)

    studio.page.route("**/openapi.json", without_extra)
    studio.open("video")
    assert "pip install '.[video]'" in studio.page.inner_text("#video-missing")
    assert studio.page.is_hidden("#video-drop")


def test_a_video_that_is_being_made_is_followed_after_the_page_was_loaded_anew(
    studio: Studio, film: FilePayload
) -> None:
    """However quick the service is: it is at work until the page has been loaded anew."""
    page = studio.open("video").page

    def at_work(route: Route) -> None:
        progress = {"done": 3, "total": 8, "unit": "frames"}
        route.fulfill(json={"state": "running", "progress": progress, "failure": None, "notes": {}})

    page.route("**/jobs/*", at_work)
    page.set_input_files("#video-file", film)
    page.click("#video-start")
    page.wait_for_selector("#video-figures >> text=3 of 8 frames")
    page.reload()
    page.wait_for_selector("#video-figures >> text=3 of 8 frames")
    assert page.is_hidden("#video-start")
    page.unroute("**/jobs/*", at_work)
    page.wait_for_selector("#video-result >> text=sway-remove-background.webm")
    page.reload()
    studio.open("video")
    assert page.is_hidden("#video-bench")

"""The Live tab in a real browser, whose camera shows an astronaut that sways before a wall."""

import contextlib
import random
import re
import socket
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, FilePayload, Playwright, WebSocketRoute

from tests.browser.batch import wait_for
from tests.browser.chromium import LOAD_FAILED, Studio, new_studio, running_browser
from tests.browser.test_photo import SKY, is_skin, near
from tests.fakes import make_store
from tests.pictures import encoded, opened
from tests.system.loading import tiny_server
from tests.system.serving import Server

FILM = 640 / 480
CORNERS = [(0.03, 0.03), (0.97, 0.03), (0.97, 0.6)]
FACE = (0.5 - 25 / 640, 128 / 480)  # the page mirrors: in the film her face is as far to the right
SUIT = (0.5, 0.8)

WANTED_FPS = 15

SETTLED_MS = 1000
"""Longer than the page waits for a choice to be the last of several."""


def start(studio: Studio) -> Studio:
    studio.open("live").page.click("#live-start")
    wait_for_frames(studio)
    return studio


def wait_for_frames(studio: Studio) -> None:
    studio.page.wait_for_function("() => Number(document.querySelector('[data-gauge=fps]').firstChild.data) > 0")


def wait_for_color(studio: Studio, place: tuple[float, float], test: str) -> None:
    """Until the pixel at `place` passes `test`, JavaScript of `red`, `green` and `blue`."""
    studio.page.wait_for_function(
        f"""([x, y]) => {{
          const canvas = document.querySelector("#live-canvas");
          const [left, top] = [Math.floor(x * canvas.width), Math.floor(y * canvas.height)];
          const [red, green, blue] = canvas.getContext("2d").getImageData(left, top, 1, 1).data;
          return {test};
        }}""",
        arg=list(place),
    )


@pytest.mark.alone
def test_the_wall_is_replaced_and_the_person_stays_at_15_frames_a_second(studio: Studio) -> None:
    start(studio)
    studio.page.wait_for_function(
        f"() => Number(document.querySelector('[data-gauge=fps]').firstChild.data) >= {WANTED_FPS}"
    )
    for corner in CORNERS:
        assert near(studio.color_at("#live-canvas", *corner, FILM), SKY, tolerance=12), corner
    assert not near(studio.color_at("#live-canvas", *SUIT, FILM), SKY, tolerance=80)
    assert is_skin(studio.color_at("#live-canvas", *FACE, FILM))
    assert float(studio.page.inner_text("[data-gauge=latency]").removesuffix("ms")) > 0


def test_effects_and_backgrounds_switch_while_it_runs(studio: Studio) -> None:
    start(studio)
    studio.page.click("#live-choices .swatch [aria-label=Green]")
    wait_for_color(studio, CORNERS[0], "green > red + 60 && green > blue")
    studio.choose_operation("/color-pop", "live")
    wait_for_color(studio, CORNERS[0], "Math.max(red, green, blue) - Math.min(red, green, blue) < 6")
    assert is_skin(studio.color_at("#live-canvas", *FACE, FILM))
    studio.choose_operation("/blur-background", "live")
    wait_for_color(studio, CORNERS[0], "red > blue + 10")


def test_the_service_can_compose_the_frames(studio: Studio) -> None:
    start(studio)
    studio.page.check("#live-settings input[value=composite]")
    studio.page.click("#live-choices .swatch [aria-label=Yellow]")
    wait_for_color(studio, CORNERS[0], "red > 200 && blue < 120")
    wait_for_frames(studio)
    assert is_skin(studio.color_at("#live-canvas", *FACE, FILM))


def test_a_picture_of_ones_own_is_the_background_wherever_it_is_composed(studio: Studio) -> None:
    red = encoded(Image.new("RGB", (400, 300), (200, 30, 30)))
    start(studio)
    picture: FilePayload = {"name": "red.png", "mimeType": "image/png", "buffer": red}
    studio.page.set_input_files("#live-choices .picture input", picture)
    wait_for_color(studio, CORNERS[0], "red > 180 && green < 60")
    studio.page.check("#live-settings input[value=composite]")
    studio.page.click("#live-choices .swatch [aria-label=White]")
    wait_for_color(studio, CORNERS[0], "Math.min(red, green, blue) > 240")
    studio.page.set_input_files("#live-choices .picture input", picture)
    wait_for_color(studio, CORNERS[0], "red > 180 && green < 60")
    assert studio.page.is_hidden("#live-note")


def test_what_is_chosen_while_a_session_is_being_opened_is_not_lost(studio: Studio) -> None:
    held: list[Callable[[], None]] = []

    def hold_ready(page: WebSocketRoute) -> None:
        def pass_on(message: str | bytes) -> None:
            if isinstance(message, str) and "ready" in message:
                held.append(lambda: page.send(message))
            else:
                page.send(message)

        page.connect_to_server().on_message(pass_on)

    start(studio)
    studio.page.route_web_socket(re.compile("/stream"), hold_ready)
    studio.page.check("#live-settings input[value=composite]")
    wait_for(studio, lambda: bool(held))
    studio.page.click("#live-choices .swatch [aria-label=White]")
    studio.page.wait_for_timeout(SETTLED_MS)
    held[0]()
    wait_for_color(studio, CORNERS[0], "Math.min(red, green, blue) > 240")


def test_what_is_shown_can_be_kept_and_fill_the_screen_and_ends_with_the_camera_given_back(studio: Studio) -> None:
    start(studio)
    wait_for_color(studio, CORNERS[0], f"Math.abs(blue - {SKY[2]}) < 20")
    with studio.page.expect_download() as download:
        studio.page.click("#live-snapshot")
    assert download.value.suggested_filename.startswith("snapshot-")
    picture = opened(Path(download.value.path()).read_bytes())
    assert (picture.format, picture.size) == ("PNG", (640, 480))
    assert near(np.asarray(picture)[20, 20, :3].tolist(), SKY, tolerance=12)
    studio.page.click("#live-full")
    studio.page.wait_for_function("() => document.fullscreenElement?.id === 'live-stage'")
    studio.page.evaluate("document.exitFullscreen()")
    studio.page.wait_for_selector("#live-full[aria-pressed=false]")
    wait_for_frames(studio)
    studio.page.click("#live-stop")
    assert studio.page.is_visible("#live-start")
    assert studio.page.is_hidden("#live-canvas")


TAKES_ARE = """(count) => {
  const takes = [...document.querySelectorAll("#live-takes video")];
  return takes.length === count && takes.every(({ videoWidth }) => videoWidth === 640);
}"""


def test_a_film_is_recorded_until_it_is_stopped_or_the_camera_is_and_shown_as_on_video(studio: Studio) -> None:
    start(studio)
    takes = studio.page.locator("#live-takes > .film:has(video)")
    for number, end in enumerate(("#live-record", "#live-stop"), start=1):
        studio.page.click("#live-record")
        studio.page.wait_for_selector("#live-record >> text=/0:0[2-9]/")
        studio.page.click(end)
        studio.page.wait_for_function(TAKES_ARE, arg=number)
        with studio.page.expect_download() as download:
            takes.first.get_by_text("Download").click()
        film = Path(download.value.path()).read_bytes()
        assert download.value.suggested_filename.endswith(".webm")
        assert film.startswith(b"\x1a\x45\xdf\xa3")  # EBML, which WebM is made of
        assert len(film) > 5000
    takes.first.get_by_text("Remove").click()
    assert takes.count() == 1
    assert studio.page.is_visible("#live-start")


def test_a_stopped_service_is_told_and_a_new_one_is_found(browser: Browser, tmp_path: Path) -> None:
    store, port = make_store(tmp_path), str(free_port())
    with tiny_server(store, SILHOUETTE_PORT=port) as server:
        studio = start(new_studio(browser, server.url))
        # The console speaks of every connection that fails, while there is nothing to connect to.
        studio.excuse(LOAD_FAILED, "WebSocket")
        server.process.kill()
        studio.page.wait_for_selector("#live-note >> text=Trying again")
        assert "The connection to the service is gone" in studio.page.inner_text("#live-note")
    with tiny_server(store, SILHOUETTE_PORT=port):
        studio.page.wait_for_selector("#live-note", state="hidden")
        wait_for_frames(studio)
        assert near(studio.color_at("#live-canvas", *CORNERS[0], FILM), SKY, tolerance=12)
        studio.page.close()
        studio.check()


def test_a_busy_service_says_so_and_takes_the_next_one_later(studio: Studio, browser: Browser, server: Server) -> None:
    """It takes one session at a time."""
    first = start(new_studio(browser, server.url))
    studio.open("live").page.click("#live-start")
    studio.page.wait_for_selector("#live-note >> text=Trying again")
    assert "too_many_sessions" in studio.page.inner_text("#live-note")
    first.page.click("#live-stop")
    wait_for_frames(studio)
    assert studio.page.is_hidden("#live-note")
    first.page.close()
    first.check()


def test_without_a_camera_the_page_says_what_to_do(playwright: Playwright, server: Server) -> None:
    with running_browser(playwright) as plain:
        studio = new_studio(plain, server.url, permissions=["camera"]).open("live")
        studio.page.click("#live-start")
        studio.page.wait_for_selector("#live-note .problem")
        assert "There is no camera" in studio.page.inner_text("#live-note")
        studio.check()


def free_port() -> int:
    """None of those that a system gives to whoever asks for any: nobody else gets it while the service is away."""
    for port in random.sample(range(20_000, 30_000), 100):
        with socket.socket() as listening, contextlib.suppress(OSError):
            listening.bind(("127.0.0.1", port))
            return port
    raise AssertionError("a hundred ports are taken")

"""A real browser: Debian's Chromium, driven by Playwright, and a page that is watched while a test uses it."""

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, Request, Route

NAMED_BY = "SILHOUETTE_TEST_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

PATIENCE_MS = 90_000
"""For what must appear on the page. A result takes a second or two on a small and busy machine."""

VIEWPORT = (1280, 860)

FAKE_CAMERA = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")

LOAD_FAILED = "Failed to load resource"
"""How Chromium's console speaks of an answer of 400 or more, whoever asked for it and whatever the page makes of it."""


def find_chromium() -> str:
    """Its path; a test that needs it skips where there is none."""
    named = os.environ.get(NAMED_BY)
    found = named or next(filter(None, map(shutil.which, NAMES)), None)
    if not found:
        pytest.skip(f"no Chromium here: apt-get install chromium, or name one in {NAMED_BY}")
    return found


@contextlib.contextmanager
def running_browser(playwright: Playwright, *flags: str) -> Iterator[Browser]:
    """Without a GPU, which these machines do not have; without a sandbox for root, which Chromium insists on."""
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    browser = playwright.chromium.launch(
        executable_path=find_chromium(), args=["--disable-gpu", "--disable-dev-shm-usage", *sandbox, *flags]
    )
    yield browser
    browser.close()


READ_BACK = "Multiple readback operations"
"""A warning that the tests cause, by looking at the canvas more than once."""


@dataclass
class Studio:
    """The page of one service in a browser. Hears of every error on its console, and of every place that it asks."""

    page: Page
    url: str
    errors: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    """Addresses at other origins."""
    excused: tuple[str, ...] = (READ_BACK,)
    """What an error or a warning may say, because the test provokes it."""

    def __post_init__(self) -> None:
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", self._see)
        self.page.on("websocket", lambda socket: self._check(socket.url))

    def open(self, tab: str = "photo") -> "Studio":
        """Goes to the page, and to a tab of it, and waits until it has heard from the service what that can do."""
        self.page.goto(f"{self.url}/#{tab}")
        self.page.wait_for_selector("#photo-choices [data-option=model]", state="attached")
        return self

    def excuse(self, *texts: str) -> None:
        self.excused = (*self.excused, *texts)

    def excuse_status(self, status: int) -> None:
        self.excuse(f"{LOAD_FAILED}: the server responded with a status of {status} ")

    def hold(self, asked: str) -> list[Route]:
        """The requests to these addresses from now on, which wait until somebody lets them go on."""
        routes: list[Route] = []

        def keep(route: Route) -> None:
            routes.append(route)

        self.page.route(asked, keep)
        return routes

    def check(self) -> None:
        """Nothing went wrong, and nobody else was asked."""
        assert self.errors == []
        assert self.strangers == []

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not any(text in message.text for text in self.excused):
            self.errors.append(f"{message.text} {message.location.get('url', '')}")

    def _see(self, request: Request) -> None:
        self._check(request.url)

    def _check(self, url: str) -> None:
        own = (f"{self.url}/", self.url.replace("http", "ws", 1) + "/", f"blob:{self.url}/")
        if not url.startswith(own):
            self.strangers.append(url)

    # --- what a person does and sees

    def choose_photo(self, photo: bytes, name: str = "astronaut.jpg", media_type: str = "image/jpeg") -> None:
        self.page.set_input_files("#photo-file", {"name": name, "mimeType": media_type, "buffer": photo})

    def choose_operation(self, path: str, tab: str = "photo") -> None:
        self.page.check(f"#{tab}-choices .tiles input[value='{path}']")

    def wait_for_result(self) -> None:
        """Until what is on the stage is what is chosen: a choice makes it busy before anybody can look."""
        self.page.wait_for_selector("#photo-stage[aria-busy=false]")
        self.page.wait_for_selector("#photo-download:not([hidden])")

    def wait_until_settled(self) -> None:
        """Until the result can be dragged out, and so nothing of it changes any more."""
        self.wait_for_result()
        self.page.wait_for_selector("#photo-chip:not([hidden]):not(.stale)")

    def downloaded(self) -> bytes:
        with self.page.expect_download() as download:
            self.page.click("#photo-download")
        return Path(download.value.path()).read_bytes()

    def draw_curtain(self, share: float) -> None:
        """0 shows the result alone, 1 the photo alone."""
        self.page.fill("#photo-curtain", str(round(1000 * share)))

    def color_at(self, canvas: str, x: float, y: float, aspect: float) -> Sequence[int]:
        """(red, green, blue) at a place in the picture on a canvas, 0 to 1 from its left and top.

        `aspect` is the picture's width by its height; it lies in the canvas' middle, as large as it can be.
        """
        color: Sequence[int] = self.page.evaluate(READ_PIXEL, [canvas, x, y, aspect])
        return color

    def keep_screenshot(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=folder / f"{name}.png")


READ_PIXEL = """([selector, x, y, aspect]) => {
  const canvas = document.querySelector(selector);
  const width = Math.min(canvas.width, canvas.height * aspect);
  const height = width / aspect;
  const left = (canvas.width - width) / 2 + x * width;
  const top = (canvas.height - height) / 2 + y * height;
  return [...canvas.getContext("2d").getImageData(Math.floor(left), Math.floor(top), 1, 1).data].slice(0, 3);
}"""

DROP = """([selector, kind, text, name, type]) => {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, { type }));
  const target = document.querySelector(selector);
  const event = kind === "paste"
    ? new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true })
    : new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true });
  target.dispatchEvent(event);
}"""


def new_studio(browser: Browser, url: str, **context: Any) -> Studio:
    """A fresh page, as for somebody who was never here."""
    width, height = VIEWPORT
    return Studio(browser.new_page(**{"viewport": {"width": width, "height": height}, **context}), url)

"""Makes docs/studio.webp, a short film of the studio: `python -m scripts.studio_recording http://127.0.0.1:8000`.

The service must be running, with u2net and selfie. The browser is that of tests/browser, and so is the film that its
camera shows.
"""

import io
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from tests.browser.camera import write_film
from tests.browser.chromium import FAKE_CAMERA, Studio, new_studio, running_browser
from tests.browser.test_brush import ROCKET, stroke

FILM = Path(__file__).resolve().parent.parent / "docs" / "studio.webp"
SIZE = (1200, 760)
SHOWN_WIDTH_PX = 900
FRAME_MS = 110
LINGER_MS = 1400
QUALITY = 70

Frame = tuple[Image.Image, int]
"""A picture and for how many milliseconds it is seen."""


def main(url: str) -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        camera = write_film(Path(folder) / "astronaut.y4m")
        flags = (*FAKE_CAMERA, f"--use-file-for-fake-video-capture={camera}")
        with running_browser(playwright, *flags) as browser:
            width, height = SIZE
            studio = new_studio(browser, url.rstrip("/"), viewport={"width": width, "height": height})
            frames = [*photo(studio), *live(studio)]
            studio.check()
    pictures, durations = zip(*frames, strict=True)
    pictures[0].save(
        FILM, save_all=True, append_images=pictures[1:], duration=durations, loop=0, quality=QUALITY, method=6
    )


def photo(studio: Studio) -> Iterator[Frame]:
    """The curtain opens, another background comes, and a brush brings the rocket back."""
    studio.open().page.click("[aria-label='Sample: An astronaut']")
    studio.choose_operation("/replace-background")
    studio.wait_for_result()
    for share in (0.5, 0.6, 0.72, 0.82, 0.72, 0.55, 0.4, 0.28, 0.2, 0.3, 0.42):
        studio.draw_curtain(share)
        yield look(studio)
    yield look(studio, LINGER_MS)
    studio.draw_curtain(0)
    for gradient in ("Dawn", "Lagoon"):
        studio.page.check(f"[aria-label='{gradient}, a gradient']", force=True)
        studio.wait_until_settled()
        yield look(studio, LINGER_MS)
    stroke(studio, "keep", ROCKET, (ROCKET[0], 0.4))
    yield look(studio, LINGER_MS)


def live(studio: Studio) -> Iterator[Frame]:
    """The astronaut sways before one background, then before another."""
    studio.page.click("#tab-live")
    studio.page.click("#live-start")
    for choose in (
        "#live-choices .tiles input[value='/replace-background']",
        "#live-choices .swatch [aria-label=Yellow]",
        "#live-choices .tiles input[value='/color-pop']",
    ):
        studio.page.check(choose)
        studio.page.wait_for_timeout(1500)
        for _ in range(8):
            yield look(studio)


def look(studio: Studio, duration_ms: int = FRAME_MS) -> Frame:
    picture = Image.open(io.BytesIO(studio.page.screenshot())).convert("RGB")
    height = round(picture.height * SHOWN_WIDTH_PX / picture.width)
    return picture.resize((SHOWN_WIDTH_PX, height), Image.Resampling.LANCZOS), duration_ms


if __name__ == "__main__":
    main(sys.argv[1])

"""How a result leaves the page, in a real browser: saved, copied, dragged out, and with a right click."""

import base64
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser

from tests.browser.chromium import Studio, new_studio
from tests.browser.test_composition import SHOWN
from tests.pictures import opened, pixels

READ_CLIPBOARD = """async () => {
  const [item] = await navigator.clipboard.read();
  const bytes = new Uint8Array(await (await item.getType("image/png")).arrayBuffer());
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}"""

UNDER_POINTER = "([x, y]) => document.elementFromPoint(x, y).id"


def test_a_cutout_is_copied_with_its_transparency(browser: Browser, studio: Studio, astronaut: bytes) -> None:
    page = new_studio(browser, studio.url, permissions=["clipboard-read", "clipboard-write"])
    page.open().choose_photo(astronaut)
    page.wait_until_settled()
    page.page.click("#photo-copy")
    page.page.wait_for_selector("text=Copied")
    copied = opened(base64.b64decode(page.page.evaluate(READ_CLIPBOARD)))
    assert copied.size == (512, 512)
    assert np.asarray(copied.getchannel("A"))[10, 500] == 0
    page.page.close()
    page.check()


CHOOSE_AND_CLICK = """(format) => {
  const select = document.querySelector("#photo-format select");
  select.value = format;
  select.dispatchEvent(new Event("change", { bubbles: true }));
  document.querySelector("#photo-download").click();
}"""


def test_a_result_is_saved_as_it_is_chosen_however_soon_somebody_clicks(studio: Studio, astronaut: bytes) -> None:
    studio.open().choose_photo(astronaut)
    studio.choose_operation("/replace-background")
    studio.wait_for_result()
    for format_ in ("webp", "jpeg", ""):
        with studio.page.expect_download() as download:
            studio.page.evaluate(CHOOSE_AND_CLICK, format_)
        assert opened(Path(download.value.path()).read_bytes()).format == (format_ or "png").upper()
        studio.wait_for_result()


def test_a_right_click_is_the_pictures_and_not_the_canvas(studio: Studio, astronaut: bytes) -> None:
    """The browser's own menu cannot be seen from here; what lies under the pointer when it opens can."""
    studio.open().choose_photo(astronaut)
    studio.wait_until_settled()
    box = studio.page.locator("#photo-canvas").bounding_box()
    assert box is not None
    place = [box["x"] + box["width"] / 2 + 90, box["y"] + box["height"] / 2]
    assert studio.page.evaluate(UNDER_POINTER, place) == "photo-canvas"
    studio.page.mouse.move(*place)
    studio.page.mouse.down(button="right")
    assert studio.page.evaluate(UNDER_POINTER, place) == "photo-image"
    studio.page.mouse.up(button="right")
    picture = pixels(base64.b64decode(studio.page.evaluate(SHOWN, "#photo-image")))
    assert picture.shape == (512, 512, 4)
    assert picture[10, 500, 3] == 0, "transparent, and no checkerboard"


def test_the_small_picture_beside_the_button_can_be_dragged_out_under_its_name(
    studio: Studio, astronaut: bytes
) -> None:
    studio.open().choose_photo(astronaut)
    studio.wait_until_settled()
    said = studio.page.evaluate("""() => {
      const transfer = new DataTransfer();
      document.querySelector("#photo-chip").dispatchEvent(new DragEvent("dragstart", { dataTransfer: transfer }));
      return transfer.getData("DownloadURL");
    }""")
    assert said.startswith("image/png:astronaut-remove-background.png:blob:")

"""The page as a whole in a real browser: every width, light and dark, keyboard and screen reader, the Service tab."""

import itertools
from typing import Literal

from tests.browser.axe import OF_COLOURS, bring_axe, findings
from tests.browser.chromium import Studio
from tests.browser.conftest import SCREENSHOTS
from tests.system.serving import Server

TABS = ("photo", "live", "video", "batch", "service")
WIDTHS = (360, 768, 1440)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def test_every_tab_is_accessible_and_fits_in_every_width_and_theme(studio: Studio, astronaut: bytes) -> None:
    page = studio.open().page
    page.emulate_media(reduced_motion="reduce")  # or a colour is looked at on its way from one theme to the other
    bring_axe(page)
    studio.choose_photo(astronaut)
    studio.wait_until_settled()
    page.wait_for_selector("#photo-legend li")
    for width, tab in itertools.product(WIDTHS, TABS):
        page.set_viewport_size({"width": width, "height": 900})
        page.click(f"#tab-{tab}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (width, tab)
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            where = f"{tab}-{width}-{scheme}"
            rules = () if scheme == "light" else OF_COLOURS  # all else is the same in the dark
            assert findings(page, *rules) == [], where
            studio.keep_screenshot(SCREENSHOTS, where)


def test_arrow_keys_go_from_tab_to_tab(studio: Studio) -> None:
    studio.open().page.focus("#tab-photo")
    for tab in (*TABS[1:], TABS[0]):
        studio.page.keyboard.press("ArrowRight")
        assert studio.page.get_attribute(f"#tab-{tab}", "aria-selected") == "true"
        assert studio.page.is_visible(f"#{tab}")
    studio.page.keyboard.press("ArrowLeft")
    assert studio.page.is_visible("#service")


def test_everything_that_can_be_used_has_a_name(studio: Studio, astronaut: bytes) -> None:
    studio.open().choose_photo(astronaut)
    studio.page.wait_for_selector("#photo-legend li")
    assert studio.page.evaluate(NAMELESS) == []


NAMELESS = """() => [...document.querySelectorAll("button, a, input, select, progress, canvas:not([aria-hidden])")]
  .filter((element) => {
    const labels = [...(element.labels ?? [])].map((label) => label.textContent.trim()).join("");
    const text = element.matches("button, a") ? element.textContent.trim() : "";
    return !(element.getAttribute("aria-label") || labels || text);
  })
  .map((element) => element.outerHTML)"""


def test_the_theme_can_be_chosen_and_is_remembered(studio: Studio) -> None:
    studio.open().page.click("#theme")
    chosen = studio.page.get_attribute("html", "data-theme")
    assert chosen == "dark"
    studio.page.reload()
    assert studio.page.get_attribute("html", "data-theme") == chosen


def test_the_service_tab_shows_what_the_service_does(studio: Studio, server: Server, astronaut: bytes) -> None:
    studio.open("service")
    studio.page.wait_for_selector(".workers td")
    server.post("/remove-background", astronaut)
    studio.page.wait_for_selector(".bars li:has-text('encode') .figure")  # the last one to come
    stages = studio.page.eval_on_selector_all(
        ".bars li > span:first-child", "items => items.map(item => item.textContent)"
    )
    assert {"decode", "queue", "infer", "matte", "compose", "encode"} <= set(stages)
    assert "cpu" in studio.page.inner_text(".workers >> nth=0")
    assert "loaded" in studio.page.inner_text(".workers >> nth=1")
    assert studio.page.locator(".chart").count() >= 4


def test_no_script_but_the_pages_own_runs(studio: Studio) -> None:
    studio.excuse("Content Security Policy", "TrustedScript")
    studio.open().page.evaluate("""() => {
      const script = document.createElement("script");
      script.append("window.broken = true");
      document.body.append(script);
    }""")
    assert studio.page.evaluate("window.broken") is None
    assert studio.page.evaluate("document.scripts.length") == 2

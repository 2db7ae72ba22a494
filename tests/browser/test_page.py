"""The page as a whole in a real browser: every width, light and dark, keyboard and screen reader, the Service tab."""

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import Studio, new_studio
from tests.browser.conftest import SCREENSHOTS
from tests.system.serving import Server

TABS = ("photo", "live", "batch", "service")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 768, 1440])
def test_every_tab_fits_into_every_width(
    browser: Browser, server: Server, astronaut: bytes, width: int, scheme: str
) -> None:
    studio = new_studio(browser, server.url, viewport={"width": width, "height": 900}, color_scheme=scheme)
    studio.open().choose_photo(astronaut)
    studio.wait_for_result()
    for tab in TABS:
        studio.page.click(f"#tab-{tab}")
        assert studio.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), tab
        studio.keep_screenshot(SCREENSHOTS, f"{tab}-{width}-{scheme}")
    studio.page.close()
    studio.check()


def test_arrow_keys_go_from_tab_to_tab(studio: Studio) -> None:
    studio.open().page.focus("#tab-photo")
    for tab in ("live", "batch", "service", "photo"):
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

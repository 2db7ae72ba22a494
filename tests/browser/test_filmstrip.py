"""Several photos of one visit, in a real browser: opened together, gone back to without another look, and forgotten."""

from tests.browser.chromium import Studio


def test_photos_opened_together_come_back_as_they_were_left_and_are_forgotten_with_one_click(
    studio: Studio, astronaut: bytes
) -> None:
    studio.open()
    asked: list[str] = []
    studio.page.on("request", lambda request: asked.extend([request.url] * (request.method == "POST")))
    photos = [{"name": name, "mimeType": "image/jpeg", "buffer": astronaut} for name in ("first.jpg", "second.jpg")]
    studio.page.set_input_files("#photo-file", photos)  # type: ignore[arg-type]
    studio.wait_until_settled()
    studio.page.click("[data-class=background]")
    studio.wait_until_settled()
    assert "image=@first.jpg" in studio.page.inner_text("#photo-recipe code")
    studio.page.click("#photo-strip [aria-label='second.jpg']")
    studio.wait_until_settled()
    assert "image=@second.jpg" in studio.page.inner_text("#photo-recipe code")
    assert "keep" not in studio.page.inner_text("#photo-recipe code")
    asked.clear()
    studio.page.click("#photo-strip [aria-label='first.jpg']")
    studio.wait_until_settled()
    assert "keep=person,background" in studio.page.inner_text("#photo-recipe code")
    assert asked == [], "what was seen is still known"
    studio.page.click("#photo-strip-clear")
    assert studio.page.is_hidden("#photo-strip")
    assert studio.page.is_visible("#photo-empty")

"""Which models the page offers for what."""

from playwright.sync_api import Browser

from tests.browser.chromium import new_studio
from tests.system.serving import Server

ENABLED = (
    "[...document.querySelectorAll('#{tab}-choices [data-option=model] option:enabled')].map(({{ value }}) => value)"
)


def test_two_models_together_are_offered_for_the_subject_of_a_photo_alone(browser: Browser, tiny: Server) -> None:
    studio = new_studio(browser, tiny.url).open()
    offered = studio.page.evaluate(ENABLED.format(tab="photo"))
    assert offered == ["tiny-subject", "tiny-classes", "best"]
    studio.page.select_option("#photo-choices [data-option=model] select", "best")
    studio.choose_operation("/segment")
    assert studio.page.evaluate(ENABLED.format(tab="photo")) == ["tiny-subject", "tiny-classes"]
    assert studio.page.input_value("#photo-choices [data-option=model] select") == "tiny-subject"
    assert studio.page.evaluate(ENABLED.format(tab="live")) == ["tiny-subject", "tiny-classes"]
    studio.page.close()
    studio.check()
